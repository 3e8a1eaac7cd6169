import { makeBoxes } from '../support.mjs'

/** @import { LossName, LossOptions } from 'scaloss' */

/** Bytes of a number. */
export const BYTES = { float32: 4, float64: 8, float16: 2, bfloat16: 2 }
/** @typedef {keyof typeof BYTES} DType */

const EVERY = 8 // pairs, of which one has no overlap
const APART = 640 // pixels, more than any box is wide
const OFF_CENTRE = 0.25 // pixels

/**
 * The boxes of the other benchmarks, changed in two ways. There all pairs overlap: here every eighth prediction is far
 * from its target. And there a small target may share its centre with the prediction, a kink where PyTorch's gradient
 * is NaN.
 * @param {number} boxes
 */
export function mixedBoxes(boxes, axes = 2) {
  const { pred, target } = makeBoxes(boxes, axes)
  const columns = 2 * axes
  for (let i = 0; i < pred.length; i += columns) for (let axis = 0; axis < axes; axis++) pred[i + axis] -= OFF_CENTRE
  for (let i = 0; i < pred.length; i += EVERY * columns)
    for (let edge = i; edge < i + columns; edge += axes) pred[edge] += APART
  return { pred, target }
}

/**
 * Repeats the same boxes. The speed of memory does not depend on its content, and random numbers for all of it would
 * take longer than the benchmark.
 * @template {Float32Array} A
 * @param {Float32Array} block
 * @param {A} whole
 */
export function fill(whole, block) {
  for (let at = 0; at < whole.length; at += block.length) whole.set(block.subarray(0, whole.length - at), at)
  return whole
}

/**
 * What a loss cannot do without.
 * @param {LossName} name
 * @returns {LossOptions}
 */
export const requiredOptions = (name) => (name === 'mpdiou' ? { imageWidth: 640, imageHeight: 640 } : {})
