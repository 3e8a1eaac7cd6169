import { prepare } from '../arguments/job.js'
import type { NoOptions, OptionsArgument } from '../core/checked-options.js'
import type { LossName } from '../core/losses.js'
import type { BoxLossOptions, BoxLossResult, FloatArray, SameDType } from '../core/types.js'
import { runBoxLoss } from './run.js'

/**
 * Computes the loss of N pairs of boxes and its gradient in one pass.
 *
 * @param name the loss. docs/losses.md has the formula, the source and the options of each.
 * @param pred predicted boxes, [N, 4] row-major with any leading dimensions, in a Float32Array or Float64Array. The
 *   losses of three axes, `sca3`, `so3` and `cd3`, take [N, 6].
 * @param target target boxes with the dtype and length of `pred`.
 * @returns the loss (a number, or [N] with `reduction: 'none'`), the requested gradients in the dtype of `pred`, the
 *   number of invalid rows, and the backend that was used. N = 0 gives loss 0, or empty arrays.
 * @throws {ScaLossError} an argument is not as described, the backend cannot run, or CUDA fails. Nothing is then
 *   written to `out`, unless CUDA failed midway.
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

/** The type of a function that is named after loss L, such as `scaLoss`. It is `boxLoss` with that name. */
export type NamedLoss<L extends LossName> = <
  A extends FloatArray,
  const O extends BoxLossOptions<SameDType<A>> = NoOptions,
>(
  pred: A,
  target: SameDType<A>,
  ...options: OptionsArgument<O, BoxLossOptions<SameDType<A>>, L>
) => BoxLossResult<A, O>
