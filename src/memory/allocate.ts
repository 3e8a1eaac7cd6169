import { ScaLossError } from '../core/errors.js'
import type { FloatArray } from '../core/types.js'

/** Runs an allocation of `bytes` bytes. If there is not enough memory, the error says what they were for and how many
 * were needed. */
export function allocating<T>(what: string, bytes: number, allocate: () => T): T {
  try {
    return allocate()
  } catch (error) {
    const isMemory = error instanceof RangeError || (error as ScaLossError).code === 'ERR_SCALOSS_OUT_OF_MEMORY'
    throw isMemory ? outOfMemory(what, bytes, error) : error
  }
}

export function outOfMemory(what: string, bytes: number, cause?: unknown): ScaLossError {
  const size = `${(bytes / 2 ** 30).toFixed(1)} GiB`
  const message = `${what} need ${size}, more than there is: take fewer boxes at a time`
  return new ScaLossError('ERR_SCALOSS_OUT_OF_MEMORY', message, { cause })
}

/** Makes an array of zeros with the dtype of another array. */
export function newArray(what: string, { BYTES_PER_ELEMENT }: FloatArray, length: number): FloatArray {
  const FloatArrayOf = BYTES_PER_ELEMENT === 8 ? Float64Array : Float32Array
  return allocating(what, length * BYTES_PER_ELEMENT, () => new FloatArrayOf(length))
}
