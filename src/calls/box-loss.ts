import { prepare } from '../arguments/job.js'
import type { LossName } from '../core/losses.js'
import type { BoxLossOptions, BoxLossResult, Exact, FloatArray, SameDType } from '../core/types.js'
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
  A extends FloatArray,
  const O extends Exact<O, BoxLossOptions<SameDType<A>>> = Record<never, never>,
>(name: LossName, pred: A, target: SameDType<A>, options?: O): BoxLossResult<A, O> {
  const { job, place } = prepare(name, pred, target, options === undefined ? {} : options)
  const summary = runBoxLoss(job, place)
  return {
    loss: job.loss ?? summary.loss,
    grad: job.grad,
    gradTarget: job.gradTarget,
    iou: job.iou,
    invalid: summary.invalid,
    backend: place.backend,
  } as BoxLossResult<A, O>
}

/** A loss under its own name. */
export type NamedLoss = <
  A extends FloatArray,
  const O extends Exact<O, BoxLossOptions<SameDType<A>>> = Record<never, never>,
>(
  pred: A,
  target: SameDType<A>,
  options?: O,
) => BoxLossResult<A, O>

/** SCALoss, L_SO + alpha · L_CD (Zheng et al., AAAI 2022, Eq. 4). Arguments and result as of `boxLoss`. */
export const scaLoss: NamedLoss = (pred, target, options) => boxLoss('sca', pred, target, options)
/** Side overlap, 2 − (wmin/wmax + hmin/hmax) (Eq. 2). Arguments and result as of `boxLoss`. */
export const soLoss: NamedLoss = (pred, target, options) => boxLoss('so', pred, target, options)
/** Corner distance over the enclosing diagonal (Eq. 3). Arguments and result as of `boxLoss`. */
export const cdLoss: NamedLoss = (pred, target, options) => boxLoss('cd', pred, target, options)
/** 1 − IoU (Yu et al., UnitBox, 2016, has its logarithm: `mode: 'log'`). Arguments and result as of `boxLoss`. */
export const iouLoss: NamedLoss = (pred, target, options) => boxLoss('iou', pred, target, options)
/** Generalized IoU, 1 − IoU + (C − U)/C (Rezatofighi et al., CVPR 2019). Arguments and result as of `boxLoss`. */
export const giouLoss: NamedLoss = (pred, target, options) => boxLoss('giou', pred, target, options)
/** Distance IoU, 1 − IoU + ρ²/c² (Zheng et al., AAAI 2020). Arguments and result as of `boxLoss`. */
export const diouLoss: NamedLoss = (pred, target, options) => boxLoss('diou', pred, target, options)
/** Complete IoU, DIoU and the aspect ratio's term (Zheng et al., AAAI 2020). Arguments and result as of `boxLoss`. */
export const ciouLoss: NamedLoss = (pred, target, options) => boxLoss('ciou', pred, target, options)
