import { overlap } from '../arguments/checks.js'
import { checkJobOverlap, prepare } from '../arguments/prepare.js'
import type { NoOptions, OptionsArgument } from '../core/checked-options.js'
import type { LossName } from '../core/losses.js'
import type { BackendName, BoxLossOptions, BoxLossResult, FloatArray, SameDType } from '../core/types.js'
import { nativeBoxLoss } from '../native/call.js'
import { type BoxLossJob, jsBoxLoss, type Summary } from '../reference/run.js'

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
  const { job, backend, device, threads } = prepare(name, pred, target, options)
  const summary = run(job, backend, device, threads)
  return {
    loss: job.loss ?? summary.loss,
    grad: job.grad,
    gradTarget: job.gradTarget,
    iou: job.iou,
    invalid: summary.invalid,
    backend,
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

function run(job: BoxLossJob, backend: BackendName, device: number, threads: number): Summary {
  if (job.pred.length === 0) return { loss: 0, invalid: 0 }
  if (backend !== 'js') return nativeBoxLoss(job, backend, device, threads)
  checkJobOverlap(job, overlap)
  return jsBoxLoss(job)
}
