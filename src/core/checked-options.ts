import type { LOSSES, LossName, LossOption } from './losses.js'
import type { Given, LossOptions } from './types.js'

// What the compiler refuses of the options of a call: misspelt ones, those of another loss, a convention that the loss does not
// have, and none where the loss has no default. What a loss has stands in its row of LOSSES. Where the loss or the options are a
// type parameter of the caller, nothing is refused: calls check their options all the same.

type Rows = typeof LOSSES

/** The type of no options. */
export type NoOptions = Record<never, never>

/** The known keys of O: none of an object whose keys are computed. */
type Keys<O> = string extends keyof O ? never : keyof O

/** Keys of O that Options has not. */
type Misspelt<O, Options> = Exclude<Keys<O>, keyof Options>

/** Options that no loss among L has. */
type Foreign<L extends LossName> = Exclude<LossOption, Rows[L]['options'][number]>

/** Options of other losses that are surely given in O. What may be undefined may be left out, as in a variable of type
 * `BoxLossOptions`. */
type OfOthers<O, L extends LossName> = O extends unknown
  ? { [K in Keys<O> & Foreign<L>]: undefined extends O[K] ? never : K }[Keys<O> & Foreign<L>]
  : never

type ConventionOf<L extends LossName> = 'exact' | Rows[L]['conventions'][number]

/** `'convention'`, where it surely is one that no loss among L has. */
type WrongConvention<O, L extends LossName> = O extends unknown
  ? {
      [K in Keys<O> & 'convention']: Extract<O[K], ConventionOf<L> | undefined> extends never ? K : never
    }[Keys<O> & 'convention']
  : never

/** Losses that require option K. */
type Requiring<K extends LossOption> = { [N in LossName]: K extends Rows[N]['required'][number] ? N : never }[LossName]

/** Options that every loss among L requires. */
export type RequiredOption<L extends LossName> = {
  [K in LossOption]: [L & Exclude<LossName, Requiring<K>>] extends [never] ? K : never
}[LossOption]

/** Keys among K without a value in O. */
type Missing<O, K> = K extends string ? ([Given<O, K>] extends [undefined] ? K : never) : never

type OutOf<O> = NonNullable<Given<O, 'out'>>

type Faults<O, Options, L extends LossName, R extends LossOption> =
  | Misspelt<O, Options>
  | Misspelt<OutOf<O>, OutOf<Options>>
  | OfOthers<O, L>
  | WrongConvention<O, L>
  | Missing<O, R>

/** never where something is wrong. Of arrays, so that it is true where O or L is a type parameter of the caller. */
type Right<O, Options, L extends LossName, R extends LossOption> = Faults<O, Options, L, R>[] extends never[]
  ? true
  : never

/** A type that O has not, which puts the error at the place of the mistake. */
type Corrected<O, Options, L extends LossName, R extends LossOption> = Record<
  Misspelt<O, Options> | OfOthers<O, L> | WrongConvention<O, L>,
  never
> & { [K in Missing<O, R>]: NonNullable<LossOptions[K]> } & {
  out?: Record<Misspelt<OutOf<O>, OutOf<Options>>, never> | undefined
}

/** O, where it is right as the `Options` of a call with loss L, among them those of R. TypeScript by itself lets a misspelt option
 * pass beside a right one, because it infers O from what is given. */
export type Checked<O, Options, L extends LossName, R extends LossOption = RequiredOption<L>> = O &
  ([Right<O, Options, L, R>] extends [never] ? Corrected<O, Options, L, R> : unknown)

/** never where every loss among L requires options. Of arrays, as `Right`. */
type Optional<L extends LossName> = L[] extends never[]
  ? true
  : (readonly [])[] extends Rows[L]['required'][]
    ? true
    : never

/** The last argument of a call: options, which may be left out unless the loss requires some. */
export type OptionsArgument<O, Options, L extends LossName> = [Optional<L>] extends [never]
  ? [options: Checked<O, Options, L>]
  : [options?: Checked<O, Options, L> | undefined]
