import { ScaLossError } from './errors.js'
import { FORMATS } from './formats.js'
import { type BoxLossJob, jsBoxLoss, type Summary } from './js-backend.js'
import { isModified } from './loss-params.js'
import { LOSS_NAMES, type LossName, MODES } from './losses.js'
import { loadNative, SCALAR, SCALARS } from './native.js'
import { prepare } from './prepare.js'
import type { BackendName, BoxLossOptions, BoxLossResult, FloatArray } from './types.js'

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
export function boxLoss<A extends FloatArray, const O extends BoxLossOptions<A> = Record<never, never>>(
  name: LossName,
  pred: A,
  target: A,
  options?: O,
): BoxLossResult<A, O> {
  const { job, backend, device } = prepare(name, pred, target, options === undefined ? {} : options)
  const summary = run(job, backend, device)
  return {
    loss: job.loss ?? summary.loss,
    grad: job.grad,
    gradTarget: job.gradTarget,
    iou: job.iou,
    invalid: summary.invalid,
    backend,
  } as BoxLossResult<A, O>
}

/** A loss under its own name. */
export type NamedLoss = <A extends FloatArray, const O extends BoxLossOptions<A> = Record<never, never>>(
  pred: A,
  target: A,
  options?: O,
) => BoxLossResult<A, O>

/** SCALoss, L_SO + alpha · L_CD (Zheng et al., AAAI 2022, Eq. 4). Arguments and result as of `boxLoss`. */
export const scaLoss: NamedLoss = (pred, target, options) => boxLoss('sca', pred, target, options)
/** Side overlap, 2 − (wmin/wmax + hmin/hmax) (Eq. 2). Arguments and result as of `boxLoss`. */
export const soLoss: NamedLoss = (pred, target, options) => boxLoss('so', pred, target, options)
/** Corner distance over the enclosing diagonal (Eq. 3). Arguments and result as of `boxLoss`. */
export const cdLoss: NamedLoss = (pred, target, options) => boxLoss('cd', pred, target, options)
/** 1 − IoU. Arguments and result as of `boxLoss`. */
export const iouLoss: NamedLoss = (pred, target, options) => boxLoss('iou', pred, target, options)
/** Generalized IoU, 1 − IoU + (C − U)/C (Rezatofighi et al., CVPR 2019). Arguments and result as of `boxLoss`. */
export const giouLoss: NamedLoss = (pred, target, options) => boxLoss('giou', pred, target, options)
/** Distance IoU, 1 − IoU + ρ²/c² (Zheng et al., AAAI 2020). Arguments and result as of `boxLoss`. */
export const diouLoss: NamedLoss = (pred, target, options) => boxLoss('diou', pred, target, options)
/** Complete IoU, DIoU and the aspect ratio's term (Zheng et al., AAAI 2020). Arguments and result as of `boxLoss`. */
export const ciouLoss: NamedLoss = (pred, target, options) => boxLoss('ciou', pred, target, options)

function run(job: BoxLossJob, backend: BackendName, device: number): Summary {
  if (job.pred.length === 0) return { loss: 0, invalid: 0 }
  return backend === 'js' ? jsBoxLoss(job) : nativeBoxLoss(job, backend, device)
}

/** The numbers of a call on their way to the addon and back; calls are synchronous, so one block serves all. */
const scalars = new Float64Array(SCALARS.length)

function nativeBoxLoss(job: BoxLossJob, backend: BackendName, device: number): Summary {
  scalars[SCALAR.backend] = backend === 'cuda' ? 1 : 0
  scalars[SCALAR.device] = device
  scalars[SCALAR.format] = FORMATS.indexOf(job.format)
  writeLossParams(job)
  scalars[SCALAR.lossScale] = job.lossScale
  scalars[SCALAR.gradScale] = job.gradScale
  scalars[SCALAR.sumScale] = job.sumScale
  scalars[SCALAR.sumDivisor] = job.sumDivisor
  scalars[SCALAR.ignoreInvalid] = Number(job.ignoreInvalid)
  scalars[SCALAR.ignoreAll] = Number(job.ignoreAll)
  const { pred, target, weight, gradOutput, loss, grad, gradTarget, iou } = job
  // Bit k stands for argument k of the call below; pred and target, 1 and 2, are always there.
  scalars[SCALAR.arrays] =
    0b110 |
    (weight ? 1 << 3 : 0) |
    (gradOutput ? 1 << 4 : 0) |
    (loss ? 1 << 5 : 0) |
    (grad ? 1 << 6 : 0) |
    (gradTarget ? 1 << 7 : 0) |
    (iou ? 1 << 8 : 0)
  try {
    loadNative().boxLoss(scalars, pred, target, weight, gradOutput, loss, grad, gradTarget, iou)
  } catch (error) {
    throw fromNative(error)
  }
  return { loss: scalars[SCALAR.resultLoss], invalid: scalars[SCALAR.resultInvalid] }
}

function writeLossParams(job: BoxLossJob): void {
  scalars[SCALAR.lossIndex] = LOSS_NAMES.indexOf(job.name)
  scalars[SCALAR.alpha] = job.alpha
  scalars[SCALAR.epsilon] = job.epsilon
  scalars[SCALAR.logFloor] = job.logFloor
  scalars[SCALAR.power] = job.power
  scalars[SCALAR.inner] = job.inner
  scalars[SCALAR.focal] = job.focal
  scalars[SCALAR.beta] = job.beta
  scalars[SCALAR.imageScale] = 1 / Math.hypot(job.imageWidth, job.imageHeight)
  scalars[SCALAR.mode] = MODES.indexOf(job.mode)
  scalars[SCALAR.detachAlpha] = Number(job.detachAlpha)
  scalars[SCALAR.modified] = Number(isModified(job))
}

/** CUDA errors carry CUDA's own name; anything else is a fault of this package and passes as it is. */
function fromNative(error: unknown): unknown {
  const { cudaName, outOfMemory, message } = error as { cudaName?: string; outOfMemory?: boolean; message: string }
  if (cudaName === undefined) return error
  return new ScaLossError(outOfMemory ? 'ERR_SCALOSS_CUDA_OUT_OF_MEMORY' : 'ERR_SCALOSS_CUDA', message, {
    cause: error,
  })
}
