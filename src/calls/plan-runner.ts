import type { Scales } from '../arguments/prepare.js'
import type { BackendName, FloatArray } from '../core/types.js'
import { loadNative, type NativeHandle, PLAN_VALUES } from '../native/addon.js'
import { fromNative, nativeBoxLoss, writeScalars } from '../native/call.js'
import { type BoxLossJob, jsBoxLoss, type Summary } from '../reference/run.js'

/** How a plan runs: over the first `boxes` rows, with these scales. */
export interface Runner {
  set(boxes: number, scales: Scales): void
  run(): Summary
  release(): void
}

const VALUE = Object.fromEntries(PLAN_VALUES.map((name, i) => [name, i])) as Record<
  (typeof PLAN_VALUES)[number],
  number
>

/** The addon keeps the call; values travel through its memory. */
export function nativeRunner(
  job: BoxLossJob,
  backend: BackendName,
  device: number,
  threads: number,
  memory: NativeHandle,
  values: Float64Array,
): Runner {
  const native = loadNative()
  const { pred, target, weight, gradOutput, loss, grad, gradTarget, iou } = job
  const scalars = writeScalars(job, backend, device, threads)
  const arrays = [pred, target, weight, gradOutput, loss, grad, gradTarget, iou] as const
  const handle = native.newPlan(scalars, memory, ...arrays, values)
  const summary: Summary = { loss: 0, invalid: 0 }
  return {
    set(boxes, scales) {
      values[VALUE.boxes] = boxes
      values[VALUE.lossScale] = scales.lossScale
      values[VALUE.gradScale] = scales.gradScale
      values[VALUE.sumScale] = scales.sumScale
      values[VALUE.sumDivisor] = scales.sumDivisor
      values[VALUE.ignoreAll] = Number(scales.ignoreAll)
    },
    run() {
      try {
        native.runPlan(handle)
      } catch (error) {
        throw fromNative(error)
      }
      summary.loss = values[VALUE.loss]
      summary.invalid = values[VALUE.invalid]
      return summary
    },
    release: () => native.release(handle),
  }
}

/** Without memory of the addon, for the js backend and where the runtime allows no external buffers: calls as of `boxLoss`. */
export function callRunner(
  job: BoxLossJob,
  columns: number,
  backend: BackendName,
  device: number,
  threads: number,
): Runner {
  let next = job
  return {
    set(boxes, scales) {
      const rows = (array: FloatArray) => array.subarray(0, columns * boxes)
      const values = (array: FloatArray | undefined) => array?.subarray(0, boxes)
      const { pred, target, weight, gradOutput, loss, grad, gradTarget, iou } = job
      next = {
        ...job,
        ...scales,
        pred: rows(pred),
        target: rows(target),
        weight: values(weight),
        gradOutput: values(gradOutput),
        loss: values(loss),
        grad: grad && rows(grad),
        gradTarget: gradTarget && rows(gradTarget),
        iou: values(iou),
      }
    },
    run: () => (backend === 'js' ? jsBoxLoss(next) : nativeBoxLoss(next, backend, device, threads)),
    release() {},
  }
}
