import { alloc, boxLoss } from 'scaloss'
import { makeBoxes } from '../support.mjs'

// Arrays and calls of the package, written as its documentation advises.

/**
 * @import { LossName, LossOptions } from 'scaloss'
 * @typedef {{ pred: Float32Array, target: Float32Array, grad: Float32Array }} Arrays
 */

/**
 * Pairs of boxes in arrays of `alloc`.
 * @param {number} boxes
 * @returns {Arrays}
 */
export function allocated(boxes, axes = 2) {
  const drawn = makeBoxes(boxes, axes)
  const array = () => alloc(boxes, 'float32', { columns: 2 * axes, backend: 'cpu' })
  const [pred, target, grad] = [array(), array(), array()]
  pred.set(drawn.pred)
  target.set(drawn.target)
  // Where edges coincide, and among millions some do, each library has a gradient of its own.
  for (let i = 0; i < pred.length; i++) if (pred[i] === target[i]) pred[i] += 1 / 16
  return { pred, target, grad }
}

/**
 * Loss and gradient of all boxes, into `grad`.
 * @param {LossName} name
 * @param {Arrays} arrays
 * @param {LossOptions & { threads?: number }} [options]
 */
export function lossAndGrad(name, { pred, target, grad }, options = {}) {
  const all = /** @type {const} */ ({ threads: 1, ...options, backend: 'cpu', out: { grad } })
  return () => boxLoss(name, pred, target, all).loss
}
