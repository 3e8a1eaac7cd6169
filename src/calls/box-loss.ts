import { prepare } from '../arguments/job.js'
import type { NoOptions, OptionsArgument } from '../core/checked-options.js'
import type { LossName } from '../core/losses.js'
import type { BoxLossOptions, BoxLossResult, FloatArray, SameDType } from '../core/types.js'
import { runBoxLoss } from './run.js'

/**
 * Loss of N box pairs and its gradient, in one pass.
 *
 * @param name the loss; docs/losses.md has the formula, the source and the options of each.
 * @param pred predicted boxes, [N, 4] row-major (any leading dimensions), Float32Array or Float64Array. [N, 6] for the
 *   losses of three axes, `sca3`, `so3`, `cd3`.
 * @param target target boxes, same dtype and length as `pred`.
 * @returns the loss (a number, or [N] with `reduction: 'none'`), the gradients asked for in the dtype of `pred`, the
 *   number of invalid rows, the backend used. N = 0 gives loss 0 (or empty arrays).
 * @throws {ScaLossError} an argument is not as described, the backend cannot run, CUDA fails. Nothing is written to `out`
 *   then, unless CUDA failed midway.
 */
export function boxLoss<
  L extends LossName,
  A extends FloatArray,
  const O extends BoxLossOptions<SameDType<A>> = NoOptions,
>(
  name: L,
  pred: A,
  target: SameDType<A>,
  ...options: OptionsArgument<O, BoxLossOptions<SameDType<A>>, L>
): BoxLossResult<A, O>
export function boxLoss(
  name: LossName,
  pred: FloatArray,
  target: FloatArray,
  options: BoxLossOptions = {},
): BoxLossResult {
  const job = prepare(name, pred, target, options)
  const summary = runBoxLoss(job)
  return {
    loss: job.loss ?? summary.loss,
    grad: job.grad,
    gradTarget: job.gradTarget,
    iou: job.iou,
    invalid: summary.invalid,
    backend: job.place.backend,
  }
}

/** The function of a loss by its own name, `boxLoss` for loss L. */
export type NamedLoss<L extends LossName> = <
  A extends FloatArray,
  const O extends BoxLossOptions<SameDType<A>> = NoOptions,
>(
  pred: A,
  target: SameDType<A>,
  ...options: OptionsArgument<O, BoxLossOptions<SameDType<A>>, L>
) => BoxLossResult<A, O>
