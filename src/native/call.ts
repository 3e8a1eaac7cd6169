import { overlap } from '../arguments/checks.js'
import { checkJobOverlap } from '../arguments/prepare.js'
import { ScaLossError } from '../core/errors.js'
import { FORMATS, type Format } from '../core/formats.js'
import { LOSS_NAMES, type LossName, type LossParams, MODES } from '../core/losses.js'
import type { BackendName } from '../core/types.js'
import { type BoxLossJob, PAIR_VALUES, type PairwiseJob, type Summary } from '../reference/run.js'
import { loadNative, SCALAR, SCALARS } from './addon.js'

/** The numbers of a call on their way to the addon and back; calls are synchronous, so one block serves all. */
const scalars = new Float64Array(SCALARS.length)

interface NativeErrorDetails {
  overlap: boolean
  cudaName: string
  outOfMemory: boolean
  hostOutOfMemory: boolean
}

/** Runs a checked job on the addon. */
export function nativeBoxLoss(job: BoxLossJob, backend: BackendName, device: number, threads: number): Summary {
  writeScalars(job, backend, device, threads)
  const { pred, target, weight, gradOutput, loss, grad, gradTarget, iou } = job
  try {
    loadNative().boxLoss(scalars, pred, target, weight, gradOutput, loss, grad, gradTarget, iou)
  } catch (error) {
    if ((error as NativeErrorDetails).overlap) checkJobOverlap(job, overlap)
    throw fromNative(error)
  }
  return { loss: scalars[SCALAR.resultLoss], invalid: scalars[SCALAR.resultInvalid] }
}

/** Runs a checked job off this thread. Nobody else may have its arrays. */
export async function nativeBoxLossAsync(
  job: BoxLossJob,
  backend: BackendName,
  device: number,
  threads: number,
): Promise<Summary> {
  const { pred, target, weight, gradOutput, loss, grad, gradTarget, iou } = job
  writeScalars(job, backend, device, threads)
  try {
    const [sum, invalid] = await loadNative().boxLossAsync(
      scalars,
      pred,
      target,
      weight,
      gradOutput,
      loss,
      grad,
      gradTarget,
      iou,
    )
    return { loss: sum, invalid }
  } catch (error) {
    throw fromNative(error)
  }
}

/** The block of numbers of a call over arrays of any kind. */
export function writeScalars(
  job: BoxLossJob<object>,
  backend: BackendName,
  device: number,
  threads: number,
): Float64Array {
  writeCommon(job, backend, device, threads)
  scalars[SCALAR.lossScale] = job.lossScale
  scalars[SCALAR.gradScale] = job.gradScale
  scalars[SCALAR.sumScale] = job.sumScale
  scalars[SCALAR.sumDivisor] = job.sumDivisor
  scalars[SCALAR.ignoreInvalid] = Number(job.ignoreInvalid)
  scalars[SCALAR.ignoreAll] = Number(job.ignoreAll)
  const { weight, gradOutput, loss, grad, gradTarget, iou } = job
  // Bit k stands for argument k of the call below; pred and target, 1 and 2, are always there.
  scalars[SCALAR.arrays] =
    0b110 |
    (weight ? 1 << 3 : 0) |
    (gradOutput ? 1 << 4 : 0) |
    (loss ? 1 << 5 : 0) |
    (grad ? 1 << 6 : 0) |
    (gradTarget ? 1 << 7 : 0) |
    (iou ? 1 << 8 : 0)
  return scalars
}

/** Runs a checked job, with boxes on both sides, on the addon. */
export function nativePairwise(job: PairwiseJob, backend: BackendName, device: number, threads: number): void {
  writeCommon(job, backend, device, threads)
  scalars[SCALAR.pairValue] = PAIR_VALUES.indexOf(job.value)
  try {
    loadNative().pairwise(scalars, job.a, job.b, job.out)
  } catch (error) {
    throw fromNative(error)
  }
}

/** Whose numbers the block holds. */
let written: { name?: LossName; format?: Format; params?: Readonly<LossParams> } = {}

function writeCommon(
  { name, format, params }: BoxLossJob<object> | PairwiseJob,
  backend: BackendName,
  device: number,
  threads: number,
): void {
  scalars[SCALAR.backend] = backend === 'cuda' ? 1 : 0
  scalars[SCALAR.device] = device
  scalars[SCALAR.threads] = threads
  // Most calls are like the one before; parameters are never changed, but made anew.
  if (written.name === name && written.format === format && written.params === params) return
  written = { name, format, params }
  scalars[SCALAR.lossIndex] = LOSS_NAMES.indexOf(name)
  scalars[SCALAR.format] = FORMATS.indexOf(format)
  scalars[SCALAR.alpha] = params.alpha
  scalars[SCALAR.epsilon] = params.epsilon
  scalars[SCALAR.logFloor] = params.logFloor
  scalars[SCALAR.power] = params.power
  scalars[SCALAR.inner] = params.inner
  scalars[SCALAR.focal] = params.focal
  scalars[SCALAR.beta] = params.beta
  scalars[SCALAR.imageScale] = params.imageWidth > 0 ? 1 / Math.hypot(params.imageWidth, params.imageHeight) : 0
  scalars[SCALAR.constant] = params.constant
  scalars[SCALAR.mode] = MODES.indexOf(params.mode)
  scalars[SCALAR.detachAlpha] = Number(params.detachAlpha)
  scalars[SCALAR.modified] = Number(params.modified)
}

/** CUDA errors carry CUDA's own name; anything else is a fault of this package and passes as it is. */
export function fromNative(error: unknown): unknown {
  const { cudaName, outOfMemory, hostOutOfMemory, message } = error as Error & Partial<NativeErrorDetails>
  if (hostOutOfMemory) return new ScaLossError('ERR_SCALOSS_OUT_OF_MEMORY', message, { cause: error })
  if (cudaName === undefined) return error
  return new ScaLossError(outOfMemory ? 'ERR_SCALOSS_CUDA_OUT_OF_MEMORY' : 'ERR_SCALOSS_CUDA', message, {
    cause: error,
  })
}
