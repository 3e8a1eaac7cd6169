import { type BoxLossJob, NOTHING, type PairwiseJob, type Summary } from '../core/job.js'
import { nativeBoxLoss, nativePairwise } from '../native/call.js'
import { jsBoxLoss, jsPairwise } from '../reference/run.js'

// From a checked job to the backend that computes it.

/** Runs a checked job where it belongs. */
export function runBoxLoss(job: BoxLossJob): Summary {
  if (job.pred.length === 0) return NOTHING
  return job.place.backend === 'js' ? jsBoxLoss(job) : nativeBoxLoss(job)
}

/** Runs a checked job for all pairs where it belongs. Returns how many boxes are invalid. */
export function runPairwise(job: PairwiseJob): number {
  if (job.out.length === 0) return 0
  return job.place.backend === 'js' ? jsPairwise(job) : nativePairwise(job)
}
