import { type BoxLossJob, NOTHING, type PairwiseJob, type Summary } from '../core/job.js'
import { nativeBoxLoss, nativePairwise } from '../native/call.js'
import { jsBoxLoss, jsPairwise } from '../reference/run.js'
import { wasmBoxLoss, wasmPairwise } from '../wasm/call.js'

// Sends checked jobs to the backend that computes them.

/** Runs a checked job on its backend. */
export function runBoxLoss(job: BoxLossJob): Summary {
  if (job.pred.length === 0) return NOTHING
  switch (job.place.backend) {
    case 'js':
      return jsBoxLoss(job)
    case 'wasm':
      return wasmBoxLoss(job)
    default:
      return nativeBoxLoss(job)
  }
}

/** Runs a checked job of `pairwise` on its backend. Returns the number of invalid boxes. */
export function runPairwise(job: PairwiseJob): number {
  if (job.out.length === 0) return 0
  switch (job.place.backend) {
    case 'js':
      return jsPairwise(job)
    case 'wasm':
      return wasmPairwise(job)
    default:
      return nativePairwise(job)
  }
}
