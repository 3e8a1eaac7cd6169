import type { LOSSES, LossName, LossOption } from './losses.js'
import type { Given, LossOptions } from './types.js'

// These types make the compiler reject wrong options of a call: misspelt options, options of another loss, a convention
// that the loss does not have, and missing options of a loss that requires some. The rows of LOSSES say which options a
// loss has. Where the loss or the options are a type parameter of the caller, the compiler rejects nothing, but the
// call still checks its options at run time.

type Rows = typeof LOSSES

/** The type of an options object without members. */
export type NoOptions = Record<never, never>

/** The known keys of O; never for an object whose keys are computed. */
type Keys<O> = string extends keyof O ? never : keyof O

/** Keys of O that do not exist in Options. */
type Misspelt<O, Options> = Exclude<Keys<O>, keyof Options>

/** Options that none of the losses in L has. */
type Foreign<L extends LossName> = Exclude<LossOption, Rows[L]['options'][number]>

/** Options in O that belong only to other losses and are certain to be given. An option that may be undefined might not
 * be given, as in a variable of type `BoxLossOptions`, so it is allowed. */
type OfOthers<O, L extends LossName> = O extends unknown
  ? { [K in Keys<O> & Foreign<L>]: undefined extends O[K] ? never : K }[Keys<O> & Foreign<L>]
  : never

type ConventionOf<L extends LossName> = 'exact' | Rows[L]['conventions'][number]

/** The key `'convention'`, where its value is certain to be a convention that none of the losses in L has. */
type WrongConvention<O, L extends LossName> = O extends unknown
  ? {
      [K in Keys<O> & 'convention']: Extract<O[K], ConventionOf<L> | undefined> extends never ? K : never
    }[Keys<O> & 'convention']
  : never

/** The losses that require option K. */
type Requiring<K extends LossOption> = { [N in LossName]: K extends Rows[N]['required'][number] ? N : never }[LossName]

/** The options that every loss in L requires. */
export type RequiredOption<L extends LossName> = {
  [K in LossOption]: [L & Exclude<LossName, Requiring<K>>] extends [never] ? K : never
}[LossOption]

/** The keys in K that have no value in O. */
type Missing<O, K> = K extends string ? ([Given<O, K>] extends [undefined] ? K : never) : never

type OutOf<O> = NonNullable<Given<O, 'out'>>

type Faults<O, Options, L extends LossName, R extends LossOption> =
  | Misspelt<O, Options>
  | Misspelt<OutOf<O>, OutOf<Options>>
  | OfOthers<O, L>
  | WrongConvention<O, L>
  | Missing<O, R>

/** `true` if the options are right, otherwise never. It compares array types so that the result is `true` where O or L
 * is a type parameter of the caller. */
type Right<O, Options, L extends LossName, R extends LossOption> = Faults<O, Options, L, R>[] extends never[]
  ? true
  : never

/** A type that O does not match, so that the compiler reports the error at the wrong option. */
type Corrected<O, Options, L extends LossName, R extends LossOption> = Record<
  Misspelt<O, Options> | OfOthers<O, L> | WrongConvention<O, L>,
  never
> & { [K in Missing<O, R>]: NonNullable<LossOptions[K]> } & {
  out?: Record<Misspelt<OutOf<O>, OutOf<Options>>, never> | undefined
}

/** O, if it is right as the `Options` of a call with loss L, whose required options are R. Without this check,
 * TypeScript accepts a misspelt option next to a right one, because it infers O from what is given. */
export type Checked<O, Options, L extends LossName, R extends LossOption = RequiredOption<L>> = O &
  ([Right<O, Options, L, R>] extends [never] ? Corrected<O, Options, L, R> : unknown)

/** `true` if some loss in L requires no options, otherwise never. It compares array types for the same reason as
 * `Right`. */
type Optional<L extends LossName> = L[] extends never[]
  ? true
  : (readonly [])[] extends Rows[L]['required'][]
    ? true
    : never

/** The last argument of a call, its options. It may be left out unless the loss requires some option. */
export type OptionsArgument<O, Options, L extends LossName> = [Optional<L>] extends [never]
  ? [options: Checked<O, Options, L>]
  : [options?: Checked<O, Options, L> | undefined]
