import { checkHead, checkPriors } from '../arguments/head-job.js'
import type { HeadJob } from '../core/head-job.js'
import { type BoxLossJob, NOTHING, type PairwiseJob, type Summary } from '../core/job.js'
import type { BackendName, FloatArray } from '../core/types.js'
import { newArray } from '../memory/allocate.js'
import { nativeBoxLoss, nativeHeadLoss, nativePairwise } from '../native/call.js'
import { jsHeadLoss } from '../reference/head.js'
import { jsBoxLoss, jsPairwise } from '../reference/run.js'
import { wasmBoxLoss, wasmPairwise } from '../wasm/call.js'
import { wasmHeadLoss } from '../wasm/head.js'

// Sends checked jobs to the backend that computes them.

const native = { boxLoss: nativeBoxLoss, pairwise: nativePairwise }
const BACKENDS: Record<BackendName, { boxLoss(job: BoxLossJob): Summary; pairwise(job: PairwiseJob): number }> = {
  cuda: native,
  cpu: native,
  wasm: { boxLoss: wasmBoxLoss, pairwise: wasmPairwise },
  js: { boxLoss: jsBoxLoss, pairwise: jsPairwise },
}

/** Runs a checked job on its backend. */
export function runBoxLoss(job: BoxLossJob): Summary {
  return job.pred.length === 0 ? NOTHING : BACKENDS[job.place.backend].boxLoss(job)
}

const HEADS = { cuda: nativeHeadLoss, cpu: nativeHeadLoss, wasm: wasmHeadLoss, js: jsHeadLoss }

/** Runs a checked job with a coder on its backend. */
export function runHead(job: HeadJob): Summary {
  if (job.rows === 0) return NOTHING
  const { coder, prior, place } = job
  // The addon checks priors itself, which is quicker, but it does not say which of them is wrong.
  if (prior && place.backend !== 'cpu') checkPriors(coder, prior)
  if (job.onInvalid === 'throw') checkHead(job, decodedOf(job))
  const summary = HEADS[place.backend](job)
  if (prior && summary.invalid < 0) checkPriors(coder, prior)
  return summary
}

/** Decodes the boxes of a job. They are NaN in rows that are not finite or lead out of the range. */
function decodedOf(job: HeadJob): FloatArray {
  const none = { target: undefined, weight: undefined, gradOutput: undefined, gradTarget: undefined, iou: undefined }
  const boxes = newArray('boxes', job.raw, 4 * job.rows)
  runHead({ ...job, ...none, loss: undefined, grad: undefined, onInvalid: 'ignore', boxes })
  return boxes
}

/** Runs a checked job of `pairwise` on its backend. Returns the number of invalid boxes. */
export function runPairwise(job: PairwiseJob): number {
  return job.out.length === 0 ? 0 : BACKENDS[job.place.backend].pairwise(job)
}
