import { argumentError, invalidArgument } from '../core/errors.js'
import type { DType, FloatArray } from '../core/types.js'

// Checks of arrays in host memory.

const tagOfTypedArray = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(Uint8Array.prototype), Symbol.toStringTag)
  ?.get as (this: unknown) => string | undefined

/** Returns the class name of a typed array, such as `'Float32Array'`, or undefined for any other value. It also works
 * for arrays from another realm (the context of a test runner), where instanceof fails, and for arrays with a custom
 * tag. */
export function typeOf(value: unknown): string | undefined {
  return tagOfTypedArray.call(value)
}

/** Checks that the memory of an array is fixed in size and not detached. It may be shared with other threads. */
export function checkBuffer(argument: string, array: FloatArray | Uint16Array): ArrayBufferLike {
  const buffer: ArrayBufferLike & { resizable?: boolean; growable?: boolean } = array.buffer
  if (buffer.resizable) throw argumentError(argument, 'an ArrayBuffer of fixed size', 'a resizable one: copy it first')
  if (!(buffer instanceof ArrayBuffer) && buffer.growable) {
    throw argumentError(argument, 'a SharedArrayBuffer of fixed size', 'a growable one: copy it first')
  }
  // A detached buffer looks like an empty one, but no view of it can be made.
  if (array.length === 0 && buffer.byteLength === 0) {
    try {
      new Uint8Array(buffer)
    } catch {
      throw argumentError(argument, 'an attached ArrayBuffer', 'a detached one: it was transferred')
    }
  }
  return buffer
}

/** Checks that a value is [N, columns] boxes of either dtype. */
export function checkBoxes(argument: string, value: unknown, columns: number): asserts value is FloatArray {
  const type = typeOf(value)
  if (type !== 'Float32Array' && type !== 'Float64Array') {
    throw invalidArgument(argument, 'a Float32Array or Float64Array', value)
  }
  const boxes = value as FloatArray
  if (boxes.length % columns !== 0) {
    throw invalidArgument(argument, `a length that is a multiple of ${columns}, [N, ${columns}]`, boxes)
  }
}

/** Checks that an argument has the dtype of another. */
export function checkDtype(argument: string, value: unknown, like: FloatArray, likeName: string): void {
  if (typeOf(value) !== typeOf(like)) throw invalidArgument(argument, `a ${typeOf(like)}, as ${likeName} is`, value)
}

/** Checks that a value is an array with the dtype of `like` and `length` elements. `shape` describes the length in
 * words. */
export function checkArray(
  argument: string,
  value: unknown,
  like: FloatArray,
  length: number,
  shape: string,
  likeName = 'pred',
): void {
  checkDtype(argument, value, like, likeName)
  if ((value as FloatArray).length !== length) throw invalidArgument(argument, `length ${length} (${shape})`, value)
}

export const dtypeOf = (array: FloatArray): DType => (array.BYTES_PER_ELEMENT === 4 ? 'float32' : 'float64')

/** Checks the memory of all arrays of a call, before anything else is read from them, because a detached array has
 * length 0. Values that are not arrays are left to later checks. Inputs come first, and results from index
 * `firstResult` on; `names` has their names in messages. */
export function checkMemory(names: readonly string[], arrays: readonly unknown[], firstResult: number): void {
  // Each buffer is fetched only once, because that takes as long as ten comparisons.
  const buffers: unknown[] = []
  for (let i = 0; i < arrays.length; ++i) {
    const array = arrays[i] as FloatArray
    const buffer = typeOf(array) === undefined ? undefined : checkBuffer(names[i], array)
    if (buffer !== undefined && i >= firstResult) {
      const k = buffers.indexOf(buffer)
      for (let other = k; other >= 0; other = buffers.indexOf(buffer, other + 1)) {
        if (overlap(array, arrays[other] as FloatArray)) throw overlapError(names[i], names[other])
      }
    }
    buffers.push(buffer)
  }
}

/** Makes the error for a result that overlaps another array: rows would be read after they were overwritten. */
export function overlapError(result: string, other: string) {
  return argumentError(result, 'memory that no other array of the call uses', `an overlap with ${other}`)
}

/** Whether two arrays share memory. */
export function overlap(a: FloatArray, b: FloatArray): boolean {
  return (
    a.buffer === b.buffer && a.byteOffset < b.byteOffset + b.byteLength && b.byteOffset < a.byteOffset + a.byteLength
  )
}
