import { ScaLossError } from '../core/errors.js'
import { type BoxLossJob, listOf, type PairwiseJob, type Summary } from '../core/job.js'
import { loadNative } from './addon.js'
import { FIELD, giveBack, takeBlock, writeBoxLoss, writePairwise } from './block.js'

/** Runs a checked job on the addon. */
export function nativeBoxLoss(job: BoxLossJob): Summary {
  const native = loadNative()
  const block = takeBlock()
  writeBoxLoss(block, job)
  const { pred, target, weight, gradOutput, loss, grad, gradTarget, iou } = job
  try {
    native.boxLoss(block, pred, target, weight, gradOutput, loss, grad, gradTarget, iou)
    return { loss: block[FIELD.resultLoss], invalid: block[FIELD.resultInvalid] }
  } catch (error) {
    throw fromNative(error)
  } finally {
    giveBack(block)
  }
}

/** Runs a checked job off this thread. Nobody else may have its arrays. */
export async function nativeBoxLossAsync(job: BoxLossJob): Promise<Summary> {
  try {
    const [loss, invalid] = await startBoxLoss(job)
    return { loss, invalid }
  } catch (error) {
    throw fromNative(error)
  }
}

/** The addon reads the block before it returns: the call under way does not need it. */
function startBoxLoss(job: BoxLossJob): Promise<[loss: number, invalid: number]> {
  const native = loadNative()
  const block = takeBlock()
  writeBoxLoss(block, job)
  try {
    return native.boxLossAsync(block, ...listOf(job))
  } finally {
    giveBack(block)
  }
}

/** Runs a checked job, with boxes on both sides, on the addon. Returns how many boxes are invalid. */
export function nativePairwise(job: PairwiseJob): number {
  const native = loadNative()
  const block = takeBlock()
  writePairwise(block, job)
  try {
    native.pairwise(block, job.a, job.b, job.out)
    return block[FIELD.resultInvalid]
  } catch (error) {
    throw fromNative(error)
  } finally {
    giveBack(block)
  }
}

interface NativeErrorDetails {
  cudaName: string
  outOfMemory: boolean
  hostOutOfMemory: boolean
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
