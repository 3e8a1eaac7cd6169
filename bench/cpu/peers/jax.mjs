import { init, jit, numpy as np, valueAndGrad } from '@jax-js/jax'
import { columnsOf, rowsOf } from '../check.mjs'

// SCALoss with jit and autograd of jax-js, on its wasm device. Functions consume their arguments; `.ref` keeps one.

/** @typedef {[np.Array, np.Array, np.Array, np.Array]} Columns x1, y1, x2, y2, each [N]. */

/** Its other devices look for a browser. */
export const start = () => init('wasm')

/**
 * The mean of the paper's formulas.
 * @param {Columns} pred
 * @param {Columns} target
 */
export function meanOf([x1, y1, x2, y2], [X1, Y1, X2, Y2]) {
  const wmin = np.minimum(x2.ref, X2.ref).sub(np.maximum(x1.ref, X1.ref))
  const hmin = np.minimum(y2.ref, Y2.ref).sub(np.maximum(y1.ref, Y1.ref))
  const wmax = np.maximum(x2.ref, X2.ref).sub(np.minimum(x1.ref, X1.ref))
  const hmax = np.maximum(y2.ref, Y2.ref).sub(np.minimum(y1.ref, Y1.ref))
  const norm = (/** @type {np.Array} */ x, /** @type {np.Array} */ y) => np.sqrt(np.square(x).add(np.square(y)))
  const corners = norm(x1.sub(X1), y1.sub(Y1)).add(norm(x2.sub(X2), y2.sub(Y2)))
  const sides = wmin.div(wmax.ref).add(hmin.div(hmax.ref))
  return corners.div(norm(wmax, hmax)).mul(0.5).sub(sides).add(2).mean()
}

/** @param {Float32Array} rows */
const arraysOf = (rows) => /** @type {Columns} */ (columnsOf(rows).map((column) => np.array(column)))
const keep = (/** @type {Columns} */ columns) => /** @type {Columns} */ (columns.map((column) => column.ref))
const read = (/** @type {np.Array[]} */ arrays) => arrays.map((array) => /** @type {Float32Array} */ (array.dataSync()))

/**
 * Loss and gradients, read.
 * @param {Float32Array} pred
 * @param {Float32Array} target
 */
export function jitted(pred, target) {
  const boxes = arraysOf(pred)
  const targets = arraysOf(target)
  const gradients = jit(valueAndGrad(meanOf))
  return {
    call: () => {
      const [value, grad] = gradients(keep(boxes), keep(targets))
      return { loss: value.dataSync()[0], grad: read(grad) }
    },
    dispose: () => {
      gradients.dispose()
      for (const array of [...boxes, ...targets]) array.dispose()
    },
  }
}

/**
 * A step of gradient descent. A step returns its loss, from before it.
 * @param {Float32Array} pred
 * @param {Float32Array} target
 */
export function jittedTrainer(pred, target) {
  let boxes = arraysOf(pred)
  const targets = arraysOf(target)
  const descend = jit((/** @type {Columns} */ boxes, /** @type {Columns} */ targets, /** @type {np.Array} */ rate) => {
    const [value, grad] = valueAndGrad(meanOf)(keep(boxes), targets)
    const moved = boxes.map((column, k) => column.sub(grad[k].mul(rate.ref)))
    rate.dispose()
    return [value, ...moved]
  })
  return {
    step: (/** @type {number} */ rate) => {
      const [value, ...moved] = descend(boxes, keep(targets), np.array(rate))
      boxes = /** @type {Columns} */ (moved)
      return value.dataSync()[0]
    },
    boxes: () => rowsOf(read(keep(boxes))),
    dispose: () => {
      descend.dispose()
      for (const array of [...boxes, ...targets]) array.dispose()
    },
  }
}
