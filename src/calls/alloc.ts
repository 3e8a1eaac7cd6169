import { constants } from 'node:buffer'
import { checkCount, checkOneOf } from '../arguments/checks.js'
import { optionsOf } from '../arguments/options.js'
import { backendOf } from '../arguments/place.js'
import { DTYPES } from '../core/dtypes.js'
import type { BackendName, DType, FloatArray } from '../core/types.js'
import { allocating } from '../memory/allocate.js'
import type { NativeHandle } from '../native/addon.js'
import { callNative } from '../native/object.js'

/** What `alloc` makes an array for. */
export interface AllocOptions {
  /** Numbers a box. Default 4; 6 for boxes of three axes, 1 for weights and losses. */
  columns?: number | undefined
  /** For calls on this backend. Default `'auto'`, as of `boxLoss`. */
  backend?: BackendName | 'auto' | undefined
}

const OPTIONS = ['columns', 'backend'] as const satisfies (keyof AllocOptions)[]

/**
 * An array of zeros for calls that come again and again: aligned to 64 bytes, and for CUDA pinned, so that they are copied to
 * and from the device without passing through other memory.
 *
 * @param boxes how many.
 * @returns [boxes, columns], row-major. Its buffer cannot be transferred to a worker.
 * @throws {ScaLossError} `ERR_SCALOSS_OUT_OF_MEMORY`, `ERR_SCALOSS_CUDA_OUT_OF_MEMORY`.
 */
export function alloc(boxes: number, dtype?: 'float32', options?: AllocOptions): Float32Array
export function alloc(boxes: number, dtype: 'float64', options?: AllocOptions): Float64Array
export function alloc(boxes: number, dtype: DType, options?: AllocOptions): FloatArray
export function alloc(boxes: number, dtype: DType = 'float32', options: AllocOptions = {}): FloatArray {
  checkOneOf('dtype', dtype, DTYPES)
  const { columns = 4, backend } = optionsOf('options', options, OPTIONS)
  checkCount('boxes', boxes, 0)
  checkCount('columns', columns, 1)
  const FloatArrayOf = dtype === 'float32' ? Float32Array : Float64Array
  const length = boxes * columns
  const bytes = length * FloatArrayOf.BYTES_PER_ELEMENT
  const where = backendOf(backend)
  return allocating(`alloc: [${boxes}, ${columns}] numbers of ${dtype}`, bytes, () => {
    const block = allocateBlock(bytes, where)
    return block ? new FloatArrayOf(block[1], 0, length) : new FloatArrayOf(length)
  })
}

/** The most that Node can make an external buffer of, and that the addon can be asked for. */
const MOST_BYTES = Math.min(constants.MAX_LENGTH, 2 ** 50)

/** Memory of the addon, or undefined where there is none to be had: no bytes or too many, the js backend, a runtime without external
 * buffers. */
export function allocateBlock(bytes: number, backend: BackendName): [NativeHandle, ArrayBuffer] | undefined {
  if (bytes === 0 || bytes > MOST_BYTES || backend === 'js') return undefined
  return callNative((native) => native.allocate(bytes, backend === 'cuda'))
}
