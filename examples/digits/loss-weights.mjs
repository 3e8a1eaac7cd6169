import { boxLoss } from 'scaloss'
import { randomStream } from './random.mjs'

// Weights for the loss of the boxes relative to the loss of the classes. Losses have gradients of different lengths, so
// with one weight for all losses a comparison would also compare weights. Here each weight makes the mean length of the
// gradient the same.

/**
 * @import { LossName } from 'scaloss'
 * @typedef {{ loss: LossName, alpha?: number }} BoxLoss
 */

export const WEIGHT_RULES = /** @type {const} */ (['balanced', 'same'])
/** @typedef {typeof WEIGHT_RULES[number]} WeightRule */

/** Of IoU with the rule 'balanced', of all losses with 'same'. */
const WEIGHT_OF_IOU = 2
const PAIRS = 10_000

/**
 * Boxes of the sizes that digits have, in cells, and predictions as a detector in training has them: mean IoU 0.57.
 */
function pairs() {
  const random = randomStream(20_220)
  const uniform = (/** @type {number} */ low, /** @type {number} */ high) => low + (high - low) * random()
  const pred = new Float32Array(4 * PAIRS)
  const target = new Float32Array(4 * PAIRS)
  for (let i = 0; i < 4 * PAIRS; i += 4) {
    const [width, height] = [uniform(1, 3), uniform(1.75, 4.25)]
    target.set([0, 0, width, height], i)
    const [dx, dy] = [uniform(-0.25, 0.25) * width, uniform(-0.25, 0.25) * height]
    const [w, h] = [width * Math.exp(uniform(-0.4, 0.4)), height * Math.exp(uniform(-0.4, 0.4))]
    const [x, y] = [width / 2 + dx, height / 2 + dy]
    pred.set([x - w / 2, y - h / 2, x + w / 2, y + h / 2], i)
  }
  return { pred, target }
}

/** @param {BoxLoss} boxLoss */
function meanGradientLength({ loss, alpha }) {
  const { pred, target } = pairs()
  const { grad } = boxLoss(loss, pred, target, { reduction: 'none', ...(alpha !== undefined && { alpha }) })
  let sum = 0
  for (let i = 0; i < grad.length; i += 4) sum += Math.hypot(...grad.subarray(i, i + 4))
  return sum / PAIRS
}

/**
 * @param {BoxLoss} boxLoss
 * @param {WeightRule} rule
 * @returns {number} To three digits: it is part of what a run reports.
 */
export function lossWeight(boxLoss, rule) {
  if (rule === 'same') return WEIGHT_OF_IOU
  const weight = (WEIGHT_OF_IOU * meanGradientLength({ loss: 'iou' })) / meanGradientLength(boxLoss)
  return Number(weight.toPrecision(3))
}
