import { freemem } from 'node:os'
import { checkArray, checkBoxes, checkDtype, checkMemory, dtypeOf } from '../arguments/arrays.js'
import { checkBoolean, checkFormat, checkOneOf } from '../arguments/checks.js'
import { lossParams } from '../arguments/loss-params.js'
import { optionsOf } from '../arguments/options.js'
import { placeOf } from '../arguments/place.js'
import type { NoOptions, OptionsArgument } from '../core/checked-options.js'
import type { PairwiseJob } from '../core/job.js'
import { LOSS_NAMES, LOSS_OPTIONS, LOSSES, type LossName } from '../core/losses.js'
import type { FloatArray, PairwiseOptions, SameDType } from '../core/types.js'
import { newArray, outOfMemory } from '../memory/allocate.js'
import { runPairwise } from './run.js'

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
  const given = optionsOf('options', options, OPTIONS)
  const { format = 'xyxy', similarity = false, out, backend, device, threads } = given
  checkOneOf('name', name, LOSS_NAMES)
  const { axes } = LOSSES[name]
  checkBoxes('a', a, 2 * axes)
  const params = lossParams(name, given, dtypeOf(a))
  checkMemory(['a', 'b', 'out'], [a, b, out], 2)
  checkBoxes('b', b, 2 * axes)
  checkDtype('b', b, a, 'a')
  checkFormat(format, axes)
  checkBoolean('similarity', similarity)
  const rows = a.length / (2 * axes)
  const columns = b.length / (2 * axes)
  if (out !== undefined) checkArray('out', out, a, rows * columns, `[${rows}, ${columns}]`, 'a')
  const place = placeOf(backend, device, threads)
  const job: PairwiseJob = { name, params, format, a, b, out: out ?? allocate(a, rows, columns), similarity }
  runPairwise(job, place)
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
