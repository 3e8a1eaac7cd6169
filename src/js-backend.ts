import type { Format } from './formats.js'
import type { LossName } from './losses.js'
import { type Corners, evaluateIou, evaluatePair, type PairParams } from './reference.js'
import type { FloatArray } from './types.js'

/** One checked call, as all backends take it. */
export interface BoxLossJob extends PairParams {
  name: LossName
  format: Format
  pred: FloatArray
  target: FloatArray
  weight: FloatArray | undefined
  gradOutput: FloatArray | undefined
  loss: FloatArray | undefined
  grad: FloatArray | undefined
  gradTarget: FloatArray | undefined
  iou: FloatArray | undefined
  /** Multiplies the losses written to `loss`. */
  lossScale: number
  /** Multiplies the gradients: everything upstream that is the same for all rows. */
  gradScale: number
  /** The reduced loss is (Σ weight · loss) · sumScale / sumDivisor. */
  sumScale: number
  sumDivisor: number
  ignoreInvalid: boolean
  /** Every row counts 0; invalid rows are still counted. */
  ignoreAll: boolean
}

export interface Summary {
  loss: number
  invalid: number
}

/** Row `i` of an [N, 4] array as corners, rounded to its dtype as the other backends do it. */
export function readCorners(boxes: FloatArray, i: number, format: Format): Corners {
  const round = boxes.BYTES_PER_ELEMENT === 4 ? Math.fround : (x: number) => x
  const [a, b, c, d] = [boxes[4 * i], boxes[4 * i + 1], boxes[4 * i + 2], boxes[4 * i + 3]]
  switch (format) {
    case 'xyxy':
      return [a, b, c, d]
    case 'yxyx':
      return [b, a, d, c]
    case 'xywh':
      return [a, b, round(a + c), round(b + d)]
    case 'cxcywh':
      return [round(a - c / 2), round(b - d / 2), round(a + c / 2), round(b + d / 2)]
  }
}

/** A corner gradient carried back to the four numbers of a format, by the chain rule. */
function encodeGradient([x1, y1, x2, y2]: Corners, format: Format): Corners {
  switch (format) {
    case 'xyxy':
      return [x1, y1, x2, y2]
    case 'yxyx':
      return [y1, x1, y2, x2]
    case 'xywh':
      return [x1 + x2, y1 + y2, x2, y2]
    case 'cxcywh':
      return [x1 + x2, y1 + y2, (x2 - x1) / 2, (y2 - y1) / 2]
  }
}

/** A box that the losses are meant for: finite, x1 ≤ x2 and y1 ≤ y2. */
export function isValidBox(box: Corners): boolean {
  return box.every(Number.isFinite) && box[0] <= box[2] && box[1] <= box[3]
}

const ZEROS: Corners = [0, 0, 0, 0]

/** The job by the reference formulas, row by row. */
export function jsBoxLoss(job: BoxLossJob): Summary {
  let sum = 0
  let invalid = 0
  for (let i = 0; i < job.pred.length / 4; ++i) {
    const pred = readCorners(job.pred, i, job.format)
    const target = readCorners(job.target, i, job.format)
    const valid = isValidBox(pred) && isValidBox(target)
    if (!valid) ++invalid
    const ignored = job.ignoreInvalid && !valid
    const weight = job.weight ? job.weight[i] : 1
    const counts = !ignored && !job.ignoreAll && weight !== 0

    const pair = counts ? evaluatePair(job.name, pred, target, job) : { loss: 0, grad: ZEROS, gradTarget: ZEROS }
    const factor = counts ? weight * job.gradScale * (job.gradOutput ? job.gradOutput[i] : 1) : 1
    const scaled = (gradient: Corners) => encodeGradient(gradient, job.format).map((g) => g * factor)
    const loss = counts ? pair.loss * weight : 0
    sum += loss
    if (job.loss) job.loss[i] = counts ? loss * job.lossScale : 0
    if (job.grad) job.grad.set(scaled(pair.grad), 4 * i)
    if (job.gradTarget) job.gradTarget.set(scaled(pair.gradTarget), 4 * i)
    if (job.iou) job.iou[i] = ignored ? 0 : evaluateIou(pred, target)
  }
  return { loss: job.ignoreAll ? 0 : (sum * job.sumScale) / job.sumDivisor, invalid }
}
