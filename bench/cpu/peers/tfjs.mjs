import '@tensorflow/tfjs-backend-cpu'
import '@tensorflow/tfjs-layers' // for the gradients of mean, add and the like
import { createRequire } from 'node:module'
import { dirname } from 'node:path'
import { setWasmPaths } from '@tensorflow/tfjs-backend-wasm'
import * as tf from '@tensorflow/tfjs-core'
import { scaLoss } from 'scaloss/tfjs'
import { columnsOf, rowsOf } from '../check.mjs'

// SCALoss with autograd of TensorFlow.js, and scaloss/tfjs in its place.

/** @typedef {[tf.Tensor1D, tf.Tensor1D, tf.Tensor1D, tf.Tensor1D]} Columns x1, y1, x2, y2, each [N]. */

setWasmPaths(`${dirname(createRequire(import.meta.url).resolve('@tensorflow/tfjs-backend-wasm'))}/`)
tf.env().set('PROD', true) // no advice to install tfjs-node

/** One that cannot start is silently replaced by the next: not here. @param {string} backend */
export const selectBackend = (backend) => async () => {
  if (tf.getBackend() === backend) return
  await tf.setBackend(backend)
  if (tf.getBackend() !== backend) throw new Error(`tfjs has no backend ${backend} here, but ${tf.getBackend()}`)
}

/**
 * The mean of the paper's formulas. The leanest of four forms that were tried: one tensor per coordinate takes half the
 * time of [N, 4] tensors, whose columns must be cut out and whose gradients must be put together.
 * @param {Columns} target
 * @returns {(x1: tf.Tensor, y1: tf.Tensor, x2: tf.Tensor, y2: tf.Tensor) => tf.Scalar}
 */
const meanOf =
  ([X1, Y1, X2, Y2]) =>
  (x1, y1, x2, y2) => {
    const wmin = tf.sub(tf.minimum(x2, X2), tf.maximum(x1, X1))
    const hmin = tf.sub(tf.minimum(y2, Y2), tf.maximum(y1, Y1))
    const wmax = tf.sub(tf.maximum(x2, X2), tf.minimum(x1, X1))
    const hmax = tf.sub(tf.maximum(y2, Y2), tf.minimum(y1, Y1))
    const distance = (/** @type {tf.Tensor[]} */ [x, X, y, Y]) =>
      tf.sqrt(tf.add(tf.squaredDifference(x, X), tf.squaredDifference(y, Y)))
    const diagonal = tf.sqrt(tf.add(tf.square(wmax), tf.square(hmax)))
    const corners = tf.div(tf.add(distance([x1, X1, y1, Y1]), distance([x2, X2, y2, Y2])), diagonal)
    const sides = tf.add(tf.div(wmin, wmax), tf.div(hmin, hmax))
    return tf.mean(tf.sub(tf.add(2, tf.mul(0.5, corners)), sides))
  }

/** @param {Float32Array} rows */
const tensorsOf = (rows) => /** @type {Columns} */ (columnsOf(rows).map((column) => tf.tensor1d(column)))

/**
 * Loss and gradients, read.
 * @param {Float32Array} pred
 * @param {Float32Array} target
 */
export function autograd(pred, target) {
  const boxes = tensorsOf(pred)
  const targets = tensorsOf(target)
  const gradients = tf.valueAndGrads(meanOf(targets))
  return {
    call: () => {
      // Not in tf.tidy, which would walk through every number of the arrays.
      const { value, grads } = gradients(boxes)
      const result = { loss: value.dataSync()[0], grad: grads.map((grad) => grad.dataSync()) }
      tf.dispose([value, ...grads])
      return result
    },
    dispose: () => tf.dispose([...boxes, ...targets]),
  }
}

/**
 * A step of gradient descent by autograd. A step returns its loss, from before it.
 * @param {Float32Array} pred
 * @param {Float32Array} target
 */
export function autogradTrainer(pred, target) {
  const targets = tensorsOf(target)
  const boxes = /** @type {tf.Variable[]} */ (tensorsOf(pred).map((column) => tf.variable(column)))
  const [x1, y1, x2, y2] = boxes
  const mean = meanOf(targets)
  const minimize = minimizer(() => mean(x1, y1, x2, y2))
  return {
    step: minimize,
    boxes: () => rowsOf(boxes.map((column) => column.dataSync())),
    dispose: () => tf.dispose([...boxes, ...targets]),
  }
}

/**
 * The same with scaloss/tfjs.
 * @param {Float32Array} pred
 * @param {Float32Array} target
 */
export function scalossTrainer(pred, target) {
  const yTrue = tf.tensor2d(target.slice(), [target.length / 4, 4])
  const boxes = tf.variable(tf.tensor2d(pred.slice(), [pred.length / 4, 4]))
  const minimize = minimizer(() => /** @type {tf.Scalar} */ (tf.mean(scaLoss(yTrue, boxes))))
  return {
    step: minimize,
    boxes: () => boxes.dataSync(),
    dispose: () => tf.dispose([boxes, yTrue]),
  }
}

/** @param {() => tf.Scalar} loss */
function minimizer(loss) {
  let inForce = 0
  const optimizer = tf.train.sgd(inForce)
  return (/** @type {number} */ rate) => {
    if (rate !== inForce) optimizer.setLearningRate(rate)
    inForce = rate
    const cost = /** @type {tf.Scalar} */ (optimizer.minimize(loss, true))
    const [value] = cost.dataSync()
    cost.dispose()
    return value
  }
}
