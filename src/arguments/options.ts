import { argumentError, invalidArgument, show } from '../core/errors.js'

// Reads options and other objects with named members. A getter may return another value each time, and may change
// arrays. So a call reads each option once, and checks arrays after that.

/** The prototype of objects that inherit no members. The engine keeps such objects fast, but not those whose prototype
 * is null. */
const BARE: object = Object.freeze(Object.create(null))

/**
 * Checks an object of options and returns the object to read them from. Each option may be read only once. Only
 * enumerable own members count, and `undefined` means "not given".
 *
 * @throws {ScaLossError} the value is not a plain object, or it has a member that is not allowed.
 */
export function optionsOf<O extends object>(argument: string, value: O, allowed: readonly string[]): O {
  const own = isUsual(value) ? value : withoutInherited(argument, value)
  for (const key in own) {
    if (allowed.includes(key)) continue
    throw argumentError(argument, `only the members ${allowed.join(', ')}`, `an unknown one: ${show(key)}`)
  }
  return own
}

/** Checks an object of options and returns a copy of those that are given, for calls that use them more than once or
 * merge options. */
export function readOptions<O extends object>(argument: string, value: O, allowed: readonly string[]): O {
  const own = optionsOf(argument, value, allowed)
  const read: O = Object.create(BARE)
  for (const key in own) {
    const option = own[key]
    if (option !== undefined) read[key] = option
  }
  return read
}

/** Whether the object is of the usual kind: it inherits nothing that a loop over its members would find. */
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
  // This holds for Object.prototype, even for that of another realm: it has no prototype.
  const isPlain = prototype === null || (prototype && Object.getPrototypeOf(prototype) === null)
  if (!isPlain) throw invalidArgument(argument, 'a plain object', value)
  return hasMembers(prototype) ? withoutPrototype(value) : value
}

/** Whether a loop over the members of an object finds any. */
function hasMembers(object: object | null): boolean {
  for (const _ in object) return true
  return false
}

/** Copies the members of an object to one that inherits nothing. */
export function withoutPrototype<O extends object>(object: O): O {
  return Object.assign(Object.create(BARE), object)
}
