import { freemem } from 'node:os'
import {
  checkArray,
  checkBoolean,
  checkBoxes,
  checkDevice,
  checkDtype,
  checkFormat,
  checkKeys,
  checkOneOf,
  checkOverlap,
  dtypeOf,
  overlap,
  threadsOf,
} from '../arguments/checks.js'
import { lossParams } from '../arguments/loss-params.js'
import type { NoOptions, OptionsArgument } from '../core/checked-options.js'
import { invalidArgument } from '../core/errors.js'
import { LOSS_NAMES, LOSS_OPTIONS, LOSSES, type LossName } from '../core/losses.js'
import type { FloatArray, PairwiseOptions, SameDType } from '../core/types.js'
import { newArray, outOfMemory } from '../memory/allocate.js'
import { BACKENDS, resolveBackend } from '../native/backends.js'
import { nativePairwise } from '../native/call.js'
import { jsPairwise, type PairwiseJob } from '../reference/run.js'

const OPTIONS = [
  ...LOSS_OPTIONS,
  'convention',
  'format',
  'similarity',
  'backend',
  'device',
  'threads',
  'out',
] as const satisfies (keyof PairwiseOptions)[]

/**
 * The loss of every pair of two sets of boxes, or their similarity, without gradients: for assigners and matchers.
 *
 * @param name the loss, as of `boxLoss`.
 * @param a [N, 4] boxes, as predictions ([N, 6] for the losses of three axes), Float32Array or Float64Array.
 * @param b [M, 4] boxes, as targets, in the dtype of `a`.
 * @returns [N, M] row-major, in the dtype of `a`: entry i · M + j is the loss of a_i and b_j. With `similarity: true` it is
 *   1 − loss: the IoU for `iou`, the GIoU for `giou` and so on. A box that is not finite makes its entries NaN.
 * @throws {ScaLossError} an argument is not as described, the backend cannot run, N · M numbers do not fit into memory
 *   (`ERR_SCALOSS_OUT_OF_MEMORY`), CUDA fails.
 */
export function pairwise<
  L extends LossName,
  A extends FloatArray,
  const O extends PairwiseOptions<SameDType<A>> = NoOptions,
>(name: L, a: A, b: SameDType<A>, ...options: OptionsArgument<O, PairwiseOptions<SameDType<A>>, L>): A
export function pairwise(name: LossName, a: FloatArray, b: FloatArray, options: PairwiseOptions = {}): FloatArray {
  checkOneOf('name', name, LOSS_NAMES)
  const { axes } = LOSSES[name]
  checkBoxes('a', a, 2 * axes)
  const { length } = a
  const given = checkKeys('options', options, OPTIONS)
  // Options may have getters, which may change arrays: all are read before arrays are checked.
  const params = lossParams(name, given, dtypeOf(a))
  const { format = 'xyxy', similarity = false, backend: asked = 'auto', device = 0, threads, out } = given
  if (a.length !== length) throw invalidArgument('a', 'the memory that was given', a)
  checkBoxes('b', b, 2 * axes)
  checkDtype('b', b, a, 'a')
  checkFormat(format, axes)
  checkBoolean('similarity', similarity)
  checkOneOf('backend', asked, BACKENDS)
  const rows = a.length / (2 * axes)
  const columns = b.length / (2 * axes)
  if (out !== undefined) {
    checkArray('out', out, a, rows * columns, `[${rows}, ${columns}]`, 'a')
    checkOverlap(['out'], [out], ['a', 'b'], [a, b], overlap)
  }
  const backend = resolveBackend(asked)
  checkDevice(device, backend)
  const mostThreads = threadsOf(threads, backend)

  const value = similarity ? (name === 'iou' && !params.modified ? 'iou' : 'similarity') : 'loss'
  const job: PairwiseJob = { name, params, format, a, b, out: out ?? allocate(a, rows, columns), value }
  if (job.out.length > 0) {
    if (backend === 'js') jsPairwise(job)
    else nativePairwise(job, backend, device, mostThreads)
  }
  return job.out
}

/** Memory for the matrix. Asked for before it is touched: systems that promise more than they have would end the process. */
function allocate(like: FloatArray, rows: number, columns: number): FloatArray {
  const what = `pairwise: [${rows}, ${columns}] values`
  const bytes = rows * columns * like.BYTES_PER_ELEMENT
  if (bytes > 2 ** 26 && bytes > availableMemory()) throw outOfMemory(what, bytes)
  return newArray(what, like, rows * columns)
}

/** Bytes; Node 20 has no `process.availableMemory` before 20.13. */
function availableMemory(): number {
  return process.availableMemory?.() ?? freemem()
}
