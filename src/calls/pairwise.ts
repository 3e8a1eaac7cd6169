import { checkArray, checkBoxes, checkDtype, checkMemory, dtypeOf } from '../arguments/arrays.js'
import { checkBoolean, checkFormat, checkOneOf } from '../arguments/checks.js'
import { lossParams } from '../arguments/loss-params.js'
import { optionsOf } from '../arguments/options.js'
import { placeOf } from '../arguments/place.js'
import { checkBox } from '../arguments/rows.js'
import type { NoOptions, OptionsArgument } from '../core/checked-options.js'
import type { Format } from '../core/formats.js'
import { builtin, ifAllowed, node, warn } from '../core/host.js'
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

/** Whether the warning about invalid boxes has been given. */
let hasWarned = false

/**
 * Computes the loss of every pair from two sets of boxes, or their similarity, without gradients. It is meant for
 * assigners and matchers.
 *
 * @param name the loss, as for `boxLoss`.
 * @param a [N, 4] boxes, taken as predictions, in a Float32Array or Float64Array ([N, 6] for the losses of three axes).
 * @param b [M, 4] boxes, taken as targets, in the dtype of `a`.
 * @returns [N, M] numbers, row-major, in the dtype of `a`. Entry i · M + j is the loss of a_i and b_j, or 1 − loss with
 *   `similarity: true`: the IoU for `iou`, the GIoU for `giou` and so on. A box that is not finite makes its entries
 *   NaN. With `detailed: true` the result is an object with these values, the number of invalid boxes and the backend.
 *   With neither `detailed` nor `onInvalid`, the first call with invalid boxes emits a process warning with the code
 *   `SCALOSS_INVALID_BOXES`.
 * @throws {ScaLossError} an argument is not as described, the backend cannot run, N · M numbers do not fit into memory
 *   (`ERR_SCALOSS_OUT_OF_MEMORY`), or CUDA fails.
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

/** Warns about invalid boxes. A call that returns only numbers has no other way to report that boxes are not in the
 * given format. */
function warnOnce(name: LossName, invalid: number, format: Format): void {
  if (hasWarned) return
  hasWarned = true
  const boxes = `${invalid} ${invalid === 1 ? 'box is' : 'boxes are'} not finite or inverted as '${format}'`
  const advice = "Set format, or pass detailed: true for the number, or onInvalid: 'throw' for the row."
  warn('SCALOSS_INVALID_BOXES', `pairwise('${name}'): ${boxes}. ${advice}`)
}

/** Allocates the matrix. Available memory is checked first, because a system that promises more memory than it has
 * would end the process when the array is written. */
function allocate(like: FloatArray, rows: number, columns: number): FloatArray {
  const what = `pairwise: [${rows}, ${columns}] values`
  const bytes = rows * columns * like.BYTES_PER_ELEMENT
  if (bytes > 2 ** 26 && bytes > availableMemory()) throw outOfMemory(what, bytes)
  return newArray(what, like, rows * columns)
}

/** Returns the available memory in bytes, where the host tells. Node 20 has no `process.availableMemory` before
 * 20.13. */
function availableMemory(): number {
  return ifAllowed(() => node?.availableMemory?.() ?? builtin('os')?.freemem()) ?? Infinity
}
