import { type Block, FIELD, writeBoxLoss, writeScales } from '../core/block.js'
import { ARRAYS, type BoxLossJob, hasBoxes, type JobArrays, listOf, type Scales, type Summary } from '../core/job.js'
import type { FloatArray } from '../core/types.js'
import { loadNative, type NativeHandle } from '../native/addon.js'
import { fromNative } from '../native/call.js'
import { runBoxLoss } from './run.js'

/** Runs the call of a plan. */
export interface Runner {
  /** Sets the number of rows and the scales of the next runs. */
  set(boxes: number, scales: Scales): void
  /** Runs the call over the first `boxes` rows. */
  run(): Summary
  /** Frees what runs need. */
  release(): void
}

/** Makes a runner whose call is kept by the addon. The block of numbers lies in the memory of the plan, where both
 * sides see it. */
export function nativeRunner(job: BoxLossJob, memory: NativeHandle, block: Block): Runner {
  const native = loadNative()
  writeBoxLoss(block, job)
  const handle = native.newPlan(memory, block, ...listOf(job))
  const summary: Summary = { loss: 0, invalid: 0 }
  return {
    set(boxes, scales) {
      block[FIELD.rows] = boxes
      writeScales(block, scales)
    },
    run() {
      try {
        native.runPlan(handle)
      } catch (error) {
        throw fromNative(error)
      }
      summary.loss = block[FIELD.resultLoss]
      summary.invalid = block[FIELD.resultInvalid]
      return summary
    },
    release: () => native.release(handle),
  }
}

/** Makes a runner that calls `boxLoss` each time, for plans without memory of the addon: with the backends `wasm` and
 * `js`, or in a runtime without external buffers. */
export function callRunner(job: BoxLossJob, columns: number): Runner {
  let next = job
  return {
    set(boxes, scales) {
      const first = (array: (typeof ARRAYS)[number]) => [
        array,
        job[array]?.subarray(0, hasBoxes(array) ? columns * boxes : boxes),
      ]
      const arrays: JobArrays<FloatArray> = Object.fromEntries(ARRAYS.map(first))
      next = { ...job, ...scales, ...arrays }
    },
    run: () => runBoxLoss(next),
    release() {},
  }
}
