import { FIELD, giveBack, takeBlock, writeBoxLoss, writeHead, writePairwise } from '../core/block.js'
import { ScaLossError } from '../core/errors.js'
import { HEAD_ARRAYS, type HeadJob } from '../core/head-job.js'
import { type BoxLossJob, listOf, type PairwiseJob, type Summary } from '../core/job.js'
import { loadNative } from './addon.js'

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

/** Runs a checked job on another thread. No other code may touch its arrays meanwhile. */
export async function nativeBoxLossAsync(job: BoxLossJob): Promise<Summary> {
  try {
    const [loss, invalid] = await startBoxLoss(job)
    return { loss, invalid }
  } catch (error) {
    throw fromNative(error)
  }
}

/** Starts the call. The addon reads the block before it returns, so the block can be given back at once. */
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

/** Runs a checked `pairwise` job that has boxes on both sides. Returns the number of invalid boxes. */
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

/** Runs a checked job with a coder that has rows. */
export function nativeHeadLoss(job: HeadJob): Summary {
  const native = loadNative()
  const block = takeBlock()
  writeHead(block, job)
  try {
    native.headLoss(block, ...HEAD_ARRAYS.map((name) => job[name]))
    return { loss: block[FIELD.resultLoss], invalid: block[FIELD.resultInvalid] }
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

/** Converts an error of the addon. CUDA errors carry CUDA's name for the error. Any other error is a defect of this
 * package and is returned unchanged. */
export function fromNative(error: unknown): unknown {
  const { cudaName, outOfMemory, hostOutOfMemory, message } = error as Error & Partial<NativeErrorDetails>
  if (hostOutOfMemory) return new ScaLossError('ERR_SCALOSS_OUT_OF_MEMORY', message, { cause: error })
  if (cudaName === undefined) return error
  return new ScaLossError(outOfMemory ? 'ERR_SCALOSS_CUDA_OUT_OF_MEMORY' : 'ERR_SCALOSS_CUDA', message, {
    cause: error,
  })
}
