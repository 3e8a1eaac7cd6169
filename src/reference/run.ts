import type { Format } from '../core/formats.js'
import { LOSSES, type LossName, type LossParams } from '../core/losses.js'
import type { FloatArray } from '../core/types.js'
import { type Corners, evaluateIou, evaluateLoss, evaluatePair } from './formulas.js'

/** One checked call over arrays of type A. Boxes and gradients have 2 · axes numbers a row, the rest one. */
export interface BoxLossJob<A = FloatArray> {
  name: LossName
  params: LossParams
  format: Format
  pred: A
  target: A
  weight: A | undefined
  gradOutput: A | undefined
  loss: A | undefined
  grad: A | undefined
  gradTarget: A | undefined
  iou: A | undefined
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

/** One checked call for the losses of all pairs. */
export interface PairwiseJob {
  name: LossName
  params: LossParams
  format: Format
  /** N and M boxes of 2 · axes numbers. */
  a: FloatArray
  b: FloatArray
  /** [N, M], a as the prediction. */
  out: FloatArray
  value: PairValue
}

/** What `pairwise` gives of a pair: the loss, 1 − loss, or the IoU itself, which 1 − (1 − IoU) would round. The order is the
 * contract with the addon (`core/pairwise.h`). */
export const PAIR_VALUES = ['loss', 'similarity', 'iou'] as const
export type PairValue = (typeof PAIR_VALUES)[number]

export interface Summary {
  loss: number
  invalid: number
}

/** Row `i` of an [N, 2 · axes] array as corners, rounded to its dtype as the other backends do it. */
export function readCorners(boxes: FloatArray, i: number, format: Format, axes: 2 | 3): Corners {
  const round = boxes.BYTES_PER_ELEMENT === 4 ? Math.fround : (x: number) => x
  const corners: number[] = []
  for (let k = 2 * axes * i; k < 2 * axes * (i + 1); ++k) corners.push(boxes[k])
  switch (format) {
    case 'xyxy':
      break
    case 'yxyx':
      return swapAxes(corners)
    case 'xywh':
      for (let k = 0; k < axes; ++k) corners[axes + k] = round(corners[k] + corners[axes + k])
      break
    case 'cxcywh':
      for (let k = 0; k < axes; ++k) {
        const [centre, size] = [corners[k], corners[axes + k]]
        corners[k] = round(centre - size / 2)
        corners[axes + k] = round(centre + size / 2)
      }
  }
  return corners
}

/** A corner gradient carried back to the numbers of a format, by the chain rule. */
function encodeGradient(gradient: Corners, format: Format): Corners {
  const axes = gradient.length / 2
  switch (format) {
    case 'xyxy':
      return gradient
    case 'yxyx':
      return swapAxes(gradient)
    case 'xywh':
      return gradient.map((g, k) => (k < axes ? g + gradient[axes + k] : g))
    case 'cxcywh':
      return gradient.map((g, k) => (k < axes ? g + gradient[axes + k] : (g - gradient[k - axes]) / 2))
  }
}

/** Of boxes near 0: an infinity would make NaN of the next 0 or opposite infinity. */
const withinRange = (x: number) => Math.max(-Number.MAX_VALUE, Math.min(Number.MAX_VALUE, x))

const swapAxes = ([a, b, c, d]: Corners): Corners => [b, a, d, c]

/** A box that the losses are meant for: finite, x1 ≤ x2, y1 ≤ y2 and so on. */
export function isValidBox(box: Corners): boolean {
  const axes = box.length / 2
  for (let k = 0; k < axes; ++k) {
    if (!(Number.isFinite(box[k]) && Number.isFinite(box[axes + k]) && box[k] <= box[axes + k])) return false
  }
  return true
}

/** The job by the reference formulas, row by row. */
export function jsBoxLoss(job: BoxLossJob): Summary {
  const { axes } = LOSSES[job.name]
  const width = 2 * axes
  const zeros: Corners = Array(width).fill(0)
  let sum = 0
  let invalid = 0
  for (let i = 0; i < job.pred.length / width; ++i) {
    const pred = readCorners(job.pred, i, job.format, axes)
    const target = readCorners(job.target, i, job.format, axes)
    const valid = isValidBox(pred) && isValidBox(target)
    if (!valid) ++invalid
    const ignored = job.ignoreInvalid && !valid
    const weight = job.weight ? job.weight[i] : 1
    const counts = !ignored && !job.ignoreAll && weight !== 0

    const pair = counts ? evaluate(job, pred, target) : { loss: 0, grad: zeros, gradTarget: zeros }
    const factor = counts ? weight * job.gradScale * (job.gradOutput ? job.gradOutput[i] : 1) : 1
    const scaled = (gradient: Corners) =>
      encodeGradient(gradient.map(withinRange), job.format).map((g) => withinRange(g) * factor)
    const loss = counts ? pair.loss * weight : 0
    sum += loss
    if (job.loss) job.loss[i] = counts ? loss * job.lossScale : 0
    if (job.grad) job.grad.set(scaled(pair.grad), width * i)
    if (job.gradTarget) job.gradTarget.set(scaled(pair.gradTarget), width * i)
    if (job.iou) job.iou[i] = ignored ? 0 : evaluateIou(pred, target)
  }
  return { loss: job.ignoreAll ? 0 : (sum * job.sumScale) / job.sumDivisor, invalid }
}

function evaluate(job: BoxLossJob, pred: Corners, target: Corners) {
  if (job.grad || job.gradTarget) return evaluatePair(job.name, pred, target, job.params)
  return { loss: evaluateLoss(job.name, pred, target, job.params), grad: [], gradTarget: [] }
}

/** The losses of all pairs by the reference formulas. */
export function jsPairwise(job: PairwiseJob): void {
  const { axes } = LOSSES[job.name]
  const read = (boxes: FloatArray) =>
    Array.from({ length: boxes.length / (2 * axes) }, (_, i) => readCorners(boxes, i, job.format, axes))
  const targets = read(job.b)
  const valueOfPair = (pred: Corners, target: Corners) => {
    if (job.value === 'iou') return evaluateIou(pred, target)
    const loss = evaluateLoss(job.name, pred, target, job.params)
    return job.value === 'similarity' ? 1 - loss : loss
  }
  read(job.a).forEach((pred, i) => {
    targets.forEach((target, j) => {
      job.out[i * targets.length + j] = valueOfPair(pred, target)
    })
  })
}
