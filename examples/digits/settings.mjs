import { boxLoss } from 'scaloss'
import { BACKENDS } from './backend.mjs'
import { choice, integer, positive, UsageError } from './command-line.mjs'
import { WEIGHT_RULES } from './loss-weights.mjs'

// The options of all trainings here. Trainings with equal settings give equal numbers.

/**
 * @import { LossName } from 'scaloss'
 * @import { WeightRule } from './loss-weights.mjs'
 * @typedef {object} Settings
 * @property {LossName} loss
 * @property {number} [alpha] Of the losses that have one; without it, the loss' own.
 * @property {number} seed
 * @property {number} steps
 * @property {number} batch Canvases a step.
 * @property {number} lr
 * @property {WeightRule} weights
 * @property {number} heldOut Canvases that are evaluated.
 * @property {string} backend Of TensorFlow.js.
 */

export const OPTIONS = /** @type {const} */ ({
  steps: { type: 'string', default: '1600' },
  batch: { type: 'string', default: '8' },
  lr: { type: 'string', default: '0.004' },
  weights: { type: 'string', default: 'balanced' },
  'held-out': { type: 'string', default: '1000' },
  backend: { type: 'string', default: 'wasm' },
  help: { type: 'boolean', default: false },
})

export const OPTIONS_HELP = `  --steps <n>              length of a training (default ${OPTIONS.steps.default})
  --batch <n>              canvases a step (default ${OPTIONS.batch.default})
  --lr <x>                 highest learning rate of Adam (default ${OPTIONS.lr.default})
  --weights <rule>         weight of the box loss: balanced (default), so that the mean gradient is as long as that of IoU,
                           or same for all losses
  --held-out <n>           canvases that are evaluated (default ${OPTIONS['held-out'].default})
  --backend <name>         of TensorFlow.js: wasm (default), or tensorflow if you have installed @tensorflow/tfjs-node
  --help                   this text`

/**
 * What a training and a comparison share.
 * @param {{ steps: string, batch: string, lr: string, weights: string, 'held-out': string, backend: string }} values
 */
export function commonSettings(values) {
  return {
    steps: integer('steps', values.steps),
    batch: integer('batch', values.batch),
    lr: positive('lr', values.lr),
    weights: choice('weights', values.weights, WEIGHT_RULES),
    heldOut: integer('held-out', values['held-out']),
    backend: choice('backend', values.backend, BACKENDS),
  }
}

/**
 * The package says what is wrong with a loss or its alpha.
 * @param {string} loss
 * @param {number | undefined} alpha
 */
export function lossSetting(loss, alpha) {
  const name = /** @type {LossName} */ (loss)
  const pair = new Float32Array([0, 0, 1, 1])
  try {
    boxLoss(name, pair, pair, alpha === undefined ? {} : { alpha })
  } catch (error) {
    throw new UsageError(`--loss ${loss}: ${/** @type {Error} */ (error).message}`)
  }
  return { loss: name, ...(alpha !== undefined && { alpha }) }
}
