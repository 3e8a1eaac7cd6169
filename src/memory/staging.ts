import type { FloatArray } from '../core/types.js'
import { allocating } from './allocate.js'

/** The largest number of bytes to keep for later calls. */
const MOST_KEPT = 2 ** 26
const free: ArrayBuffer[] = []
let kept = 0

/** Holds copies of arrays that no other code can reach. Its memory is reused by later calls, because fresh pages from
 * the operating system cost more than the copies. */
export class Staging {
  readonly #buffer: ArrayBuffer
  #used = 0

  /** Reserves memory for copies of all the arrays. */
  constructor(arrays: readonly FloatArray[]) {
    this.#buffer = take(arrays.reduce((bytes, array) => bytes + aligned(array.byteLength), 0))
  }

  /** Copies the array. With `fill: false`, the copy has the same length but its numbers are not written yet. */
  copy<A extends FloatArray>(array: A, fill = true): A {
    const Float = array.BYTES_PER_ELEMENT === 8 ? Float64Array : Float32Array
    const copy = new Float(this.#buffer, this.#used, array.length) as A
    this.#used += aligned(array.byteLength)
    if (fill) copy.set(array)
    return copy
  }

  /** Ends the use of all copies, so that later calls can reuse the memory. */
  release(): void {
    if (kept + this.#buffer.byteLength > MOST_KEPT) return
    kept += this.#buffer.byteLength
    free.push(this.#buffer)
  }
}

/** Rounds up to whole cache lines, so that no two copies share one. This divides instead of masking bits, because
 * bitwise operators work on 32 bits and arrays may be larger. */
const aligned = (bytes: number) => Math.ceil(bytes / 64) * 64

function take(bytes: number): ArrayBuffer {
  const index = free.findIndex((buffer) => buffer.byteLength >= bytes)
  if (index < 0) return allocating('boxLossAsync: copies of arrays', bytes, () => new ArrayBuffer(bytes))
  const [buffer] = free.splice(index, 1)
  kept -= buffer.byteLength
  return buffer
}
