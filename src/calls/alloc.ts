import { checkCount, checkOneOf } from '../arguments/checks.js'
import { optionsOf } from '../arguments/options.js'
import { backendOf } from '../arguments/place.js'
import { DTYPES } from '../core/dtypes.js'
import { builtin } from '../core/host.js'
import type { BackendName, DType, FloatArray } from '../core/types.js'
import { allocating } from '../memory/allocate.js'
import type { NativeHandle } from '../native/addon.js'
import { callNative } from '../native/object.js'
import { allocateInHeap } from '../wasm/heap.js'

/** Options of `alloc`. */
export interface AllocOptions {
  /** The number of columns. Default 4; use 6 for boxes with three axes and 1 for weights and losses. */
  columns?: number | undefined
  /** The backend whose calls will use the array. Default `'auto'`, as for `boxLoss`. */
  backend?: BackendName | 'auto' | undefined
}

const OPTIONS = ['columns', 'backend'] as const satisfies (keyof AllocOptions)[]

/**
 * Allocates an array of zeros for repeated calls. It is aligned to 64 bytes. For CUDA it is also pinned, so it is
 * copied to and from the device without passing through other memory. For `wasm` it lies in the memory of the
 * WebAssembly module, where calls compute without copying it; other arrays lie in the same buffer. For `js` it is an
 * ordinary array.
 *
 * @param boxes the number of rows.
 * @param dtype the dtype of the array. Default `'float32'`.
 * @returns [boxes, columns] numbers, row-major. Except with `js`, the buffer of the array cannot be transferred to a
 *   worker.
 * @throws {ScaLossError} `ERR_SCALOSS_INVALID_ARGUMENT`: an argument is not as described. `ERR_SCALOSS_OUT_OF_MEMORY`
 *   or `ERR_SCALOSS_CUDA_OUT_OF_MEMORY`: there is not enough memory. `ERR_SCALOSS_BACKEND_UNAVAILABLE`: the backend
 *   cannot run.
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
    const { buffer, offset } = allocateMemory(bytes, where)
    return new FloatArrayOf(buffer, offset, length)
  })
}

/** The largest external buffer that Node can make and that the addon accepts, in bytes. */
const MOST_BYTES = Math.min(builtin('buffer')?.constants.MAX_LENGTH ?? Infinity, 2 ** 50)

/** Memory of zeros for arrays. */
export interface Memory {
  buffer: ArrayBuffer
  /** Where it begins in the buffer, a multiple of 64 bytes. */
  offset: number
  /** The object that keeps it, if the addon made it. */
  handle?: NativeHandle
}

/** Allocates memory that calls of the backend read and write in place. Where that is impossible, it is memory of
 * JavaScript: for 0 bytes or too many, for the backend `js`, and in a runtime without external buffers. */
export function allocateMemory(bytes: number, backend: BackendName): Memory {
  const own = bytes === 0 || bytes > MOST_BYTES ? undefined : allocateOn(backend, bytes)
  return own ?? { buffer: new ArrayBuffer(bytes), offset: 0 }
}

function allocateOn(backend: BackendName, bytes: number): Memory | undefined {
  if (backend === 'js') return undefined
  if (backend === 'wasm') return allocateInHeap(bytes)
  const block = callNative((native) => native.allocate(bytes, backend === 'cuda'))
  return block && { buffer: block[1], offset: 0, handle: block[0] }
}
