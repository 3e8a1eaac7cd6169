import { type BoxLossJob, NOTHING, type PairwiseJob, type Summary } from '../core/job.js'
import type { BackendName } from '../core/types.js'
import { nativeBoxLoss, nativePairwise } from '../native/call.js'
import { jsBoxLoss, jsPairwise } from '../reference/run.js'
import { wasmBoxLoss, wasmPairwise } from '../wasm/call.js'

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

/** Runs a checked job of `pairwise` on its backend. Returns the number of invalid boxes. */
export function runPairwise(job: PairwiseJob): number {
  return job.out.length === 0 ? 0 : BACKENDS[job.place.backend].pairwise(job)
}
