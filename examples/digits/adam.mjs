import * as tf from '@tensorflow/tfjs-core'

// Adam (Kingma and Ba, ICLR 2015). The optimizer of TensorFlow.js takes no schedule of learning rates. After a restart
// it also rounds differently, so a resumed training would not give the same numbers.

/**
 * @import { NamedTensorMap, Variable } from '@tensorflow/tfjs-core'
 * @typedef {object} AdamState
 * @property {number} step How many were made.
 * @property {Float32Array[]} weights
 * @property {Float32Array[]} mean Of the gradients.
 * @property {Float32Array[]} square Mean of the squared gradients.
 */

const BETA1 = 0.9
const BETA2 = 0.99
const EPSILON = 1e-8

export class Adam {
  /** @param {Variable[]} variables */
  constructor(variables) {
    this.variables = variables
    const zeros = () => variables.map(({ size }) => new Float32Array(size))
    const weights = variables.map((variable) => /** @type {Float32Array} */ (variable.dataSync()).slice())
    /** @type {AdamState} */
    this.state = { step: 0, weights, mean: zeros(), square: zeros() }
  }

  /** @param {AdamState} state */
  restore(state) {
    this.state = state
    this.#assign()
  }

  /**
   * @param {NamedTensorMap} gradients By the variables' names.
   * @param {number} learningRate
   */
  update(gradients, learningRate) {
    const { weights, mean, square } = this.state
    const step = ++this.state.step
    const rate = (learningRate * Math.sqrt(1 - BETA2 ** step)) / (1 - BETA1 ** step)
    this.variables.forEach(({ name }, v) => {
      const gradient = gradients[name].dataSync()
      const [w, m, s] = [weights[v], mean[v], square[v]]
      for (let i = 0; i < w.length; i++) {
        m[i] += (1 - BETA1) * (gradient[i] - m[i])
        s[i] += (1 - BETA2) * (gradient[i] ** 2 - s[i])
        w[i] -= (rate * m[i]) / (Math.sqrt(s[i]) + EPSILON)
      }
    })
    this.#assign()
  }

  #assign() {
    this.variables.forEach((variable, v) => {
      // A copy: some backends keep the array that they are given.
      const value = tf.tensor(this.state.weights[v].slice(), variable.shape, 'float32')
      variable.assign(value)
      value.dispose()
    })
  }
}
