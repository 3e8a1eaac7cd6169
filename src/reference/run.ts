import { type Corners, isValidBox, readCorners, swapAxes } from '../core/boxes.js'
import type { Format } from '../core/formats.js'
import type { BoxLossJob, PairwiseJob, Summary } from '../core/job.js'
import { LOSSES } from '../core/losses.js'
import type { FloatArray } from '../core/types.js'
import { evaluateIou, evaluateLoss, evaluatePair } from './formulas.js'

// The backend `js`: it computes calls row by row with the formulas of the reference.

/** Converts the gradient for corners to one for the numbers of a format, by the chain rule. */
export function encodeGradient(gradient: Corners, format: Format): Corners {
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

/** Keeps the gradients of boxes near 0 finite. An infinity would become NaN when multiplied by 0 or added to the
 * opposite infinity. */
const withinRange = (x: number) => Math.max(-Number.MAX_VALUE, Math.min(Number.MAX_VALUE, x))

/** Computes a job of `boxLoss` row by row. */
export function jsBoxLoss(job: BoxLossJob): Summary {
  const { axes, ordered } = LOSSES[job.name]
  const width = 2 * axes
  const zeros: Corners = Array(width).fill(0)
  let sum = 0
  let invalid = 0
  for (let i = 0; i < job.pred.length / width; ++i) {
    const pred = readCorners(job.pred, i, job.format, axes)
    const target = readCorners(job.target, i, job.format, axes)
    const valid = isValidBox(pred, ordered) && isValidBox(target, ordered)
    if (!valid) ++invalid
    const ignored = job.onInvalid === 'ignore' && !valid
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
  return { loss: job.ignoreAll ? 0 : (sum * job.lossScale) / job.divisor, invalid }
}

function evaluate(job: BoxLossJob, pred: Corners, target: Corners) {
  if (job.grad || job.gradTarget) return evaluatePair(job.name, pred, target, job.params)
  return { loss: evaluateLoss(job.name, pred, target, job.params), grad: [], gradTarget: [] }
}

/** Computes the losses of all pairs. Returns the number of invalid boxes. */
export function jsPairwise(job: PairwiseJob): number {
  const { axes, ordered } = LOSSES[job.name]
  const read = (boxes: FloatArray) =>
    Array.from({ length: boxes.length / (2 * axes) }, (_, i) => readCorners(boxes, i, job.format, axes))
  const targets = read(job.b)
  const { mode, power, inner, focal } = job.params
  const isIou = job.name === 'iou' && mode === 'linear' && power === 1 && inner === 1 && focal === 0
  const valueOfPair = (pred: Corners, target: Corners) => {
    // The IoU is computed directly, because 1 − (1 − IoU) would round small values.
    if (job.similarity && isIou) return evaluateIou(pred, target)
    const loss = evaluateLoss(job.name, pred, target, job.params)
    return job.similarity ? 1 - loss : loss
  }
  const preds = read(job.a)
  preds.forEach((pred, i) => {
    targets.forEach((target, j) => {
      job.out[i * targets.length + j] = valueOfPair(pred, target)
    })
  })
  return [...preds, ...targets].filter((box) => !isValidBox(box, ordered)).length
}
