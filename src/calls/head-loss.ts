import { prepareHead } from '../arguments/head-job.js'
import type { NoOptions, OptionsArgument } from '../core/checked-options.js'
import { invalidArgument } from '../core/errors.js'
import type { LossName } from '../core/losses.js'
import type { FloatArray, HeadLossOptions, HeadLossResult, SameDType } from '../core/types.js'
import { BoxCoder } from './box-coder.js'
import { runHead } from './run.js'

/**
 * Computes the loss of the boxes that the raw numbers of a detection head stand for, and its gradient for these
 * numbers, in one pass.
 *
 * @param name the loss: any of two axes.
 * @param coder what the raw numbers mean, from `boxCoder`.
 * @param raw [N, coder.columns] numbers of the network, row-major with any leading dimensions, in a Float32Array or
 *   Float64Array.
 * @param prior [N, coder.priorColumns] numbers in the dtype of `raw`, or [A, coder.priorColumns] with N a multiple of
 *   A: the priors of one image, for each image of a batch. `detr` can do without: `undefined`.
 * @param target [N, 4] target boxes in the dtype of `raw` and in the option `format`.
 * @returns the loss (a number, or [N] with `reduction: 'none'`), the requested gradients and boxes in the dtype of
 *   `raw`, the number of invalid rows, and the backend that was used. From finite numbers no result is NaN or infinite:
 *   a row whose box leaves the range of boxes (docs/heads.md) counts as invalid, and its gradient leads back.
 * @throws {ScaLossError} an argument is not as described, or the backend cannot run. Nothing is then written to `out`.
 */
export function headLoss<
  L extends LossName,
  A extends FloatArray,
  const O extends HeadLossOptions<SameDType<A>> = NoOptions,
>(
  name: L,
  coder: BoxCoder,
  raw: A,
  prior: SameDType<A> | undefined,
  target: SameDType<A>,
  ...options: OptionsArgument<O, HeadLossOptions<SameDType<A>>, L>
): HeadLossResult<A, O>
export function headLoss(
  name: LossName,
  coder: BoxCoder,
  raw: FloatArray,
  prior: FloatArray | undefined,
  target: FloatArray,
  options: HeadLossOptions = {},
): HeadLossResult {
  if (!(coder instanceof BoxCoder)) throw invalidArgument('coder', 'a coder of boxCoder()', coder)
  const job = prepareHead(name, coder.params, raw, prior, target, options)
  const { loss, invalid } = runHead(job)
  const { grad, gradTarget, iou, boxes, place } = job
  return { loss: job.loss ?? loss, grad, gradTarget, iou, boxes, invalid, backend: place.backend }
}
