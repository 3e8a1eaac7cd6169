import { init, numpy as np, valueAndGrad } from '@jax-js/jax'
import { meanOf } from '../../bench/cpu/peers/jax.mjs'
import { lossAndGradients } from '../../examples/jax.mjs'

// A linear model in jax-js, whose loss comes from this package and from autograd of jax-js. It is an ES module, because
// its types differ from those that CommonJS tests see.

/** @typedef {Parameters<typeof meanOf>[0]} Columns */
/** @typedef {{ loss: number, gradients: number[] }} Result */

await init('wasm')

/**
 * @param {Float32Array} target [N, 4]
 * @param {Float32Array} weights [3, 4]
 * @param {Float32Array} bias [4]
 * @returns {{ own: Result, autograd: Result }}
 */
export function bothWays(target, weights, bias) {
  const boxes = target.length / 4
  const inputs = np.array(Float32Array.from({ length: 3 * boxes }, (_, i) => Math.sin(i))).reshape([boxes, 3])
  const model = (/** @type {np.Array[]} */ ...[weights, bias]) => np.matmul(inputs.ref, weights).add(bias)
  const parameters = () => [np.array(weights).reshape([3, 4]), np.array(bias)]
  const numbers = (/** @type {np.Array[]} */ arrays) =>
    arrays.flatMap((array) => [.../** @type {Float32Array} */ (array.dataSync())])

  const columns = (/** @type {np.Array} */ rows) =>
    /** @type {Columns} */ (/** @type {unknown} */ (np.split(rows, 4, 1).map((column) => column.reshape([boxes]))))
  const mean = (/** @type {np.Array[]} */ both) =>
    meanOf(columns(model(...both)), columns(np.array(target).reshape([boxes, 4])))
  const [value, gradients] = valueAndGrad(mean)(parameters())

  const own = lossAndGradients('sca', model, parameters(), target)
  return {
    own: { loss: own.loss, gradients: numbers(own.gradients) },
    autograd: { loss: value.dataSync()[0], gradients: numbers(gradients) },
  }
}
