import { LOOPS } from './loop.mjs'

// The plain loops that one would write for a head without a library: decode, loss and chain rule.

/**
 * @typedef {object} HeadArrays
 * @property {Float32Array} raw
 * @property {Float32Array} prior
 * @property {Float32Array} target
 * @property {Float32Array} grad
 * @property {Float32Array} boxes
 * @property {Float32Array} boxGrad
 */

/** `deltas` with stds of 1 and no clamp, `giou`. @param {HeadArrays} arrays */
export function deltasLoop({ raw, prior, target, grad, boxes, boxGrad }) {
  for (let i = 0; i < raw.length; i += 4) {
    const w = prior[i + 2] - prior[i]
    const h = prior[i + 3] - prior[i + 1]
    const cx = prior[i] + w / 2 + raw[i] * w
    const cy = prior[i + 1] + h / 2 + raw[i + 1] * h
    const width = w * Math.exp(raw[i + 2])
    const height = h * Math.exp(raw[i + 3])
    boxes[i] = cx - width / 2
    boxes[i + 1] = cy - height / 2
    boxes[i + 2] = cx + width / 2
    boxes[i + 3] = cy + height / 2
  }
  const loss = LOOPS.giou(boxes, target, boxGrad)
  for (let i = 0; i < raw.length; i += 4) {
    const w = prior[i + 2] - prior[i]
    const h = prior[i + 3] - prior[i + 1]
    grad[i] = (boxGrad[i] + boxGrad[i + 2]) * w
    grad[i + 1] = (boxGrad[i + 1] + boxGrad[i + 3]) * h
    grad[i + 2] = ((boxGrad[i + 2] - boxGrad[i]) / 2) * w * Math.exp(raw[i + 2])
    grad[i + 3] = ((boxGrad[i + 3] - boxGrad[i + 1]) / 2) * h * Math.exp(raw[i + 3])
  }
  return loss
}

const BINS = 16

/** `dfl` with 16 bins, `giou`. @param {HeadArrays} arrays */
export function dflLoop({ raw, prior, target, grad, boxes, boxGrad }) {
  const rows = raw.length / (4 * BINS)
  const distances = new Float64Array(4 * rows)
  for (let side = 0; side < 4 * rows; ++side) {
    let largest = Number.NEGATIVE_INFINITY
    for (let bin = 0; bin < BINS; ++bin) largest = Math.max(largest, raw[BINS * side + bin])
    let sum = 0
    let weighted = 0
    for (let bin = 0; bin < BINS; ++bin) {
      const e = Math.exp(raw[BINS * side + bin] - largest)
      grad[BINS * side + bin] = e
      sum += e
      weighted += bin * e
    }
    for (let bin = 0; bin < BINS; ++bin) grad[BINS * side + bin] /= sum
    distances[side] = weighted / sum
  }
  for (let i = 0; i < rows; ++i) {
    const [x, y, stride] = [prior[3 * i], prior[3 * i + 1], prior[3 * i + 2]]
    boxes[4 * i] = x - stride * distances[4 * i]
    boxes[4 * i + 1] = y - stride * distances[4 * i + 1]
    boxes[4 * i + 2] = x + stride * distances[4 * i + 2]
    boxes[4 * i + 3] = y + stride * distances[4 * i + 3]
  }
  const loss = LOOPS.giou(boxes, target, boxGrad)
  for (let side = 0; side < 4 * rows; ++side) {
    const slope = boxGrad[side] * prior[3 * (side >> 2) + 2] * (side % 4 < 2 ? -1 : 1)
    for (let bin = 0; bin < BINS; ++bin) grad[BINS * side + bin] *= (bin - distances[side]) * slope
  }
  return loss
}
