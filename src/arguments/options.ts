import { argumentError, invalidArgument, show } from '../core/errors.js'

// Options, and other objects with named members.
//
// A getter may give another value each time, and may change arrays. So a call reads each option once, and checks arrays
// after that.

/** What objects inherit nothing from. They stay quick with it, and would not with a prototype of null. */
const BARE: object = Object.freeze(Object.create(null))

/**
 * The object to read options from, each of them once. Only the enumerable members of the given object itself count, and
 * `undefined` means "not given".
 *
 * @throws {ScaLossError} the value is not a plain object, or has a member that is not allowed.
 */
export function optionsOf<O extends object>(argument: string, value: O, allowed: readonly string[]): O {
  const own = isUsual(value) ? value : withoutInherited(argument, value)
  for (const key in own) {
    if (allowed.includes(key)) continue
    throw argumentError(argument, `only the members ${allowed.join(', ')}`, `an unknown one: ${show(key)}`)
  }
  return own
}

/** The options that are given, read: for calls that use them more than once or put options together. */
export function readOptions<O extends object>(argument: string, value: O, allowed: readonly string[]): O {
  const own = optionsOf(argument, value, allowed)
  const read: O = Object.create(BARE)
  for (const key in own) {
    const option = own[key]
    if (option !== undefined) read[key] = option
  }
  return read
}

/** Whether the object is like nearly all options: it inherits nothing that a loop would find. */
function isUsual(value: unknown): boolean {
  return (
    typeof value === 'object' &&
    value !== null &&
    Object.getPrototypeOf(value) === Object.prototype &&
    !hasMembers(Object.prototype)
  )
}

function withoutInherited<O extends object>(argument: string, value: O): O {
  const prototype = typeof value === 'object' && value !== null ? Object.getPrototypeOf(value) : undefined
  // Object.prototype, which may be that of another realm, has no prototype.
  const isPlain = prototype === null || (prototype && Object.getPrototypeOf(prototype) === null)
  if (!isPlain) throw invalidArgument(argument, 'a plain object', value)
  return hasMembers(prototype) ? withoutPrototype(value) : value
}

/** Whether a loop over the members of an object finds any. */
function hasMembers(object: object | null): boolean {
  for (const _ in object) return true
  return false
}

/** The members of an object in one that inherits nothing. */
export function withoutPrototype<O extends object>(object: O): O {
  return Object.assign(Object.create(BARE), object)
}
