import { argumentError, invalidArgument, type ScaLossError, show } from '../core/errors.js'
import { FORMATS } from '../core/formats.js'
import type { BackendName, DType, FloatArray } from '../core/types.js'
import { defaultThreads, isThreadCount, loadNative, THREAD_COUNT } from '../native/addon.js'

/** `yxyx` says nothing of a third axis. */
const FORMATS_3D = FORMATS.filter((format) => format !== 'yxyx')

const tagOfTypedArray = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(Uint8Array.prototype), Symbol.toStringTag)
  ?.get as (this: unknown) => string | undefined

/** `'Float32Array'` and the like, undefined for anything but a typed array. Holds for arrays of another realm (a test runner's
 * context), where instanceof fails, and for arrays with a tag of their own. */
export function typeOf(value: unknown): string | undefined {
  return tagOfTypedArray.call(value)
}

/** The memory behind an array must be a plain ArrayBuffer: there, fixed in size, and not changed by other threads. */
export function checkBuffer(argument: string, array: FloatArray | Uint16Array): void {
  const buffer: ArrayBufferLike & { resizable?: boolean } = array.buffer
  // instanceof is the quick answer; it fails for an ArrayBuffer of another realm.
  if (!(buffer instanceof ArrayBuffer) && Object.prototype.toString.call(buffer) !== '[object ArrayBuffer]') {
    throw argumentError(argument, 'memory of its own (an ArrayBuffer)', 'a SharedArrayBuffer: copy it first')
  }
  if (buffer.resizable) {
    throw argumentError(argument, 'an ArrayBuffer of fixed size', 'a resizable one: copy it first')
  }
  // A detached buffer looks like an empty one, but no view can be made of it.
  if (array.length === 0 && buffer.byteLength === 0) {
    try {
      new Uint8Array(buffer)
    } catch {
      throw argumentError(argument, 'an attached ArrayBuffer', 'a detached one: it was transferred')
    }
  }
}

/** [N, columns] boxes of either dtype. */
export function checkBoxes(argument: string, value: unknown, columns: number): asserts value is FloatArray {
  const type = typeOf(value)
  if (type !== 'Float32Array' && type !== 'Float64Array') {
    throw invalidArgument(argument, 'a Float32Array or Float64Array', value)
  }
  const boxes = value as FloatArray
  checkBuffer(argument, boxes)
  if (boxes.length % columns !== 0) {
    throw invalidArgument(argument, `a length that is a multiple of ${columns}, [N, ${columns}]`, boxes)
  }
}

export function checkFormat(value: unknown, axes: 2 | 3): void {
  checkOneOf('format', value, axes === 2 ? FORMATS : FORMATS_3D)
}

/** The dtype of an argument that must be that of another. */
export function checkDtype(argument: string, value: unknown, like: FloatArray, likeName: string): void {
  if (typeOf(value) !== typeOf(like)) throw invalidArgument(argument, `a ${typeOf(like)}, as ${likeName} is`, value)
}

/** An array that must have the dtype of `like` and `length` elements. `shape` says in words what they are. */
export function checkArray(
  argument: string,
  value: unknown,
  like: FloatArray,
  length: number,
  shape: string,
  likeName = 'pred',
): void {
  checkDtype(argument, value, like, likeName)
  checkBuffer(argument, value as FloatArray)
  if ((value as FloatArray).length !== length) throw invalidArgument(argument, `length ${length} (${shape})`, value)
}

export function checkFinite(argument: string, value: unknown): void {
  if (typeof value !== 'number' || !Number.isFinite(value)) throw invalidArgument(argument, 'a finite number', value)
}

/** An array of which every item holds. A hole is undefined: `every` by itself would pass it over. */
export function checkItems(
  argument: string,
  expected: string,
  value: unknown,
  holds: (item: unknown) => boolean,
): void {
  if (!Array.isArray(value)) throw invalidArgument(argument, expected, value)
  const wrong = [...value].findIndex((item) => !holds(item))
  if (wrong >= 0) throw argumentError(argument, expected, `${show(value[wrong])} at [${wrong}]`)
}

/** A number that is still finite in the dtype: an infinite factor would make NaN of every 0. `what` says in words which
 * number it is. */
export function checkRange(argument: string, value: number, dtype: DType, what: string): void {
  if (Number.isFinite(dtype === 'float32' ? Math.fround(value) : value)) return
  throw argumentError(argument, `${what} within the range of ${dtype}`, String(value))
}

export const dtypeOf = (array: FloatArray): DType => (array.BYTES_PER_ELEMENT === 4 ? 'float32' : 'float64')

export function checkDeviceIndex(argument: string, index: unknown): void {
  if (!Number.isInteger(index) || (index as number) < 0) {
    throw invalidArgument(argument, 'the index of a CUDA device', index)
  }
}

/** `device`, which must be there if the backend is CUDA. */
export function checkDevice(device: unknown, backend: BackendName): void {
  checkDeviceIndex('device', device)
  if (backend !== 'cuda') return
  const { devices } = loadNative().cuda()
  if ((device as number) >= devices.length) {
    throw invalidArgument('device', `the index of one of ${devices.length} CUDA devices`, device)
  }
}

/** `threads`, or its default. Other backends than the CPU have no use for them. */
export function threadsOf(value: unknown, backend: BackendName): number {
  if (value === undefined) return backend === 'cpu' ? defaultThreads() : 1
  if (!isThreadCount(value)) throw invalidArgument('threads', THREAD_COUNT, value)
  return value
}

export function checkBoolean(argument: string, value: unknown): void {
  if (typeof value !== 'boolean') throw invalidArgument(argument, 'true or false', value)
}

export function checkOneOf(argument: string, value: unknown, allowed: readonly string[]): void {
  if (!(allowed as readonly unknown[]).includes(value)) {
    throw invalidArgument(argument, `one of ${allowed.map((name) => `'${name}'`).join(', ')}`, value)
  }
}

/** What objects inherit nothing from. They stay quick with it, and would not with a prototype of null. */
const BARE: object = Object.freeze(Object.create(null))

/** Checks options, or what else has named members, and gives the object to read them from. Options are the enumerable members of
 * a plain object itself: all that a call could overlook is an error, and what a program adds to Object.prototype is no option. */
export function checkKeys<O extends object>(argument: string, value: O, allowed: readonly string[]): O {
  const own = isUsual(value) ? value : ownOf(argument, value)
  for (const key in own) if (!allowed.includes(key)) throw unknownMember(argument, key, allowed)
  return own
}

/** An object as nearly all calls have it: it has nothing but members of its own. */
function isUsual(value: object): boolean {
  return (
    typeof value === 'object' &&
    value !== null &&
    Object.getPrototypeOf(value) === Object.prototype &&
    !hasMembers(Object.prototype)
  )
}

function ownOf<O extends object>(argument: string, value: O): O {
  const prototype = typeof value === 'object' && value !== null ? Object.getPrototypeOf(value) : undefined
  // Object.prototype, maybe that of another realm, has none itself.
  const isPlain = prototype === null || (prototype && Object.getPrototypeOf(prototype) === null)
  if (!isPlain) throw invalidArgument(argument, 'a plain object', value)
  return hasMembers(prototype) ? bare(value) : value
}

/** Whether a loop over the members of an object finds any. */
function hasMembers(object: object | null): boolean {
  for (const _ in object) return true
  return false
}

function unknownMember(argument: string, key: string, allowed: readonly string[]): ScaLossError {
  return argumentError(argument, `only the members ${allowed.join(', ')}`, `an unknown one: ${show(key)}`)
}

/** The members of an object alone. */
export function bare<O extends object>(object: O): O {
  return Object.assign(Object.create(BARE), object)
}

/** The options that are given, each read once: undefined is the same as none. For calls that put options together. */
export function readOptions<O extends object>(argument: string, value: O, allowed: readonly string[]): O {
  const own = checkKeys(argument, value, allowed)
  const given: O = Object.create(BARE)
  for (const option in own) {
    const read = own[option]
    if (read !== undefined) given[option] = read
  }
  return given
}

/** Results must not overwrite inputs or each other: rows would be read after they were changed. Names go with arrays. */
export function checkOverlap<A extends object>(
  outputNames: readonly string[],
  outputs: readonly (A | undefined)[],
  inputNames: readonly string[],
  inputs: readonly (A | undefined)[],
  overlaps: (a: A, b: A) => boolean,
): void {
  for (let i = 0; i < outputs.length; ++i) {
    const output = outputs[i]
    if (!output) continue
    const overlapped = (array: A | undefined) => array !== undefined && overlaps(output, array)
    const input = inputs.findIndex(overlapped)
    const earlier = outputs.findIndex((array, k) => k < i && overlapped(array))
    if (input < 0 && earlier < 0) continue
    const other = input < 0 ? outputNames[earlier] : inputNames[input]
    throw argumentError(outputNames[i], 'memory that no other array of the call uses', `an overlap with ${other}`)
  }
}

/** Whether two arrays share memory. */
export function overlap(a: FloatArray, b: FloatArray): boolean {
  return (
    a.buffer === b.buffer && a.byteOffset < b.byteOffset + b.byteLength && b.byteOffset < a.byteOffset + a.byteLength
  )
}
