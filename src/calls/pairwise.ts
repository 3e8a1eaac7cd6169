import { freemem } from 'node:os'
import { checkArray, checkBoxes, checkDtype, checkMemory, dtypeOf } from '../arguments/arrays.js'
import { checkBoolean, checkFormat, checkOneOf } from '../arguments/checks.js'
import { lossParams } from '../arguments/loss-params.js'
import { optionsOf } from '../arguments/options.js'
import { placeOf } from '../arguments/place.js'
import { checkBox } from '../arguments/rows.js'
import type { NoOptions, OptionsArgument } from '../core/checked-options.js'
import type { Format } from '../core/formats.js'
import type { PairwiseJob } from '../core/job.js'
import { LOSS_NAMES, LOSS_OPTIONS, LOSSES, type LossName } from '../core/losses.js'
import type { DetailedPairwise, FloatArray, PairwiseOptions, PairwiseResult, SameDType } from '../core/types.js'
import { newArray, outOfMemory } from '../memory/allocate.js'
import { runPairwise } from './run.js'

const OPTIONS = [
  ...LOSS_OPTIONS,
  'convention',
  'format',
  'similarity',
  'onInvalid',
  'detailed',
  'backend',
  'device',
  'threads',
  'out',
] as const satisfies (keyof PairwiseOptions)[]

const ON_INVALID = ['propagate', 'throw']

/** Whether the warning about invalid boxes was given. */
let hasWarned = false

/**
 * The loss of every pair of two sets of boxes, or their similarity, without gradients: for assigners and matchers.
 *
 * @param name the loss, as of `boxLoss`.
 * @param a [N, 4] boxes, as predictions ([N, 6] for the losses of three axes), Float32Array or Float64Array.
 * @param b [M, 4] boxes, as targets, in the dtype of `a`.
 * @returns [N, M] row-major, in the dtype of `a`: entry i · M + j is the loss of a_i and b_j. With `similarity: true` it is
 *   1 − loss: the IoU for `iou`, the GIoU for `giou` and so on. A box that is not finite makes its entries NaN. With
 *   `detailed: true` it is an object with these values and the number of invalid boxes. Without that, and without
 *   `onInvalid`, the first call with invalid boxes emits a process warning, `SCALOSS_INVALID_BOXES`.
 * @throws {ScaLossError} an argument is not as described, the backend cannot run, N · M numbers do not fit into memory
 *   (`ERR_SCALOSS_OUT_OF_MEMORY`), CUDA fails.
 */
export function pairwise<
  L extends LossName,
  A extends FloatArray,
  const O extends PairwiseOptions<SameDType<A>> = NoOptions,
>(
  name: L,
  a: A,
  b: SameDType<A>,
  ...options: OptionsArgument<O, PairwiseOptions<SameDType<A>>, L>
): PairwiseResult<A, O>
export function pairwise(
  name: LossName,
  a: FloatArray,
  b: FloatArray,
  options: PairwiseOptions = {},
): FloatArray | DetailedPairwise {
  const given = optionsOf('options', options, OPTIONS)
  const { format = 'xyxy', similarity = false, onInvalid, detailed = false, out, backend, device, threads } = given
  checkOneOf('name', name, LOSS_NAMES)
  const { axes } = LOSSES[name]
  checkBoxes('a', a, 2 * axes)
  const params = lossParams(name, given, dtypeOf(a))
  checkMemory(['a', 'b', 'out'], [a, b, out], 2)
  checkBoxes('b', b, 2 * axes)
  checkDtype('b', b, a, 'a')
  checkFormat(format, axes)
  checkBoolean('similarity', similarity)
  checkBoolean('detailed', detailed)
  if (onInvalid !== undefined) checkOneOf('onInvalid', onInvalid, ON_INVALID)
  const rows = a.length / (2 * axes)
  const columns = b.length / (2 * axes)
  if (out !== undefined) checkArray('out', out, a, rows * columns, `[${rows}, ${columns}]`, 'a')
  const place = placeOf(backend, device, threads)
  const job: PairwiseJob = { name, params, format, a, b, out: out ?? allocate(a, rows, columns), similarity, place }
  if (onInvalid === 'throw') {
    for (let i = 0; i < rows; ++i) checkBox('a', a, i, job)
    for (let i = 0; i < columns; ++i) checkBox('b', b, i, job)
  }
  const invalid = runPairwise(job)
  if (detailed) return { values: job.out, invalid, backend: place.backend }
  if (invalid > 0 && onInvalid === undefined) warnOnce(name, invalid, format)
  return job.out
}

/** A call that returns nothing but numbers has no other way to say that boxes are in another format than it was told. */
function warnOnce(name: LossName, invalid: number, format: Format): void {
  if (hasWarned) return
  hasWarned = true
  const boxes = `${invalid} ${invalid === 1 ? 'box is' : 'boxes are'} not finite or inverted as '${format}'`
  const advice = "Set format, or pass detailed: true for the number, or onInvalid: 'throw' for the row."
  process.emitWarning(`pairwise('${name}'): ${boxes}. ${advice}`, {
    type: 'ScaLossWarning',
    code: 'SCALOSS_INVALID_BOXES',
  })
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
