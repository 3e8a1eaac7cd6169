import type { FloatArray } from '../core/types.js'
import { allocating } from './allocate.js'

/** Memory that is kept for later calls, at most. */
const MOST_KEPT = 2 ** 26
const free: ArrayBuffer[] = []
let kept = 0

/** Copies of arrays that nobody else has. Memory is used again for later calls: pages that a process gets anew cost more than
 * the copies. */
export class Staging {
  readonly #buffer: ArrayBuffer
  #used = 0

  /** Room for copies of all the arrays. */
  constructor(arrays: readonly FloatArray[]) {
    this.#buffer = take(arrays.reduce((bytes, array) => bytes + aligned(array.byteLength), 0))
  }

  /** A copy of the array, or with `fill: false` one whose numbers are yet to be written. */
  copy<A extends FloatArray>(array: A, fill = true): A {
    const Float = array.BYTES_PER_ELEMENT === 8 ? Float64Array : Float32Array
    const copy = new Float(this.#buffer, this.#used, array.length) as A
    this.#used += aligned(array.byteLength)
    if (fill) copy.set(array)
    return copy
  }

  /** Ends the use of all copies. */
  release(): void {
    if (kept + this.#buffer.byteLength > MOST_KEPT) return
    kept += this.#buffer.byteLength
    free.push(this.#buffer)
  }
}

/** So that copies lie in cache lines of their own. Not by bits, of which JavaScript's operators have 32: arrays may be larger. */
const aligned = (bytes: number) => Math.ceil(bytes / 64) * 64

function take(bytes: number): ArrayBuffer {
  const index = free.findIndex((buffer) => buffer.byteLength >= bytes)
  if (index < 0) return allocating('boxLossAsync: copies of arrays', bytes, () => new ArrayBuffer(bytes))
  const [buffer] = free.splice(index, 1)
  kept -= buffer.byteLength
  return buffer
}
