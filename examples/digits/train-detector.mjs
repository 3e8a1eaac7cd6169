import { setImmediate as nextTurn } from 'node:timers/promises'
import * as tf from '@tensorflow/tfjs-core'
import { boxLoss } from 'scaloss/tfjs'
import { Adam } from './adam.mjs'
import { assign } from './assigner.mjs'
import { readCheckpoint, writeCheckpoint } from './checkpoint.mjs'
import { CLASSES, makeCanvas } from './data.mjs'
import { createWeights, imagesOf, predict } from './detector.mjs'
import { detect, score } from './evaluate.mjs'
import { lossWeight } from './loss-weights.mjs'

// Runs one training, from its settings to its scores.

/**
 * @import { Scalar, Variable } from '@tensorflow/tfjs-core'
 * @import { Canvas } from './data.mjs'
 * @import { Found, Scores } from './evaluate.mjs'
 * @import { Settings } from './settings.mjs'
 * @typedef {Scores & { step: number }} Point Scores on the first held-out canvases during the training.
 * @typedef {object} Progress
 * @property {number} step How many were made.
 * @property {number} loss Of the last step.
 * @property {number} iou Mean over the boxes of the last step.
 * @property {number} imagesPerSecond Since this process began.
 * @typedef {object} Result
 * @property {Settings} settings
 * @property {number} lossWeight
 * @property {number} seconds
 * @property {Scores} scores On all held-out canvases.
 * @property {Point[]} curve
 */

/** Held-out canvases are the same for all seeds. */
const HELD_OUT_SEED = 0
/** A curve needs no more. */
const MOST_CANVASES_OF_A_POINT = 250
const POINTS_OF_A_CURVE = 10
/** Share of the steps. */
const WARM_UP = 0.05

/** @type {(count: number) => Canvas[]} */
export const heldOutCanvases = (count) =>
  Array.from({ length: count }, (_, index) => makeCanvas('held-out', HELD_OUT_SEED, index))

/**
 * Linear warm-up, then half a cosine down to 0.
 * @param {number} step
 * @param {Settings} settings
 */
function learningRate(step, { steps, lr }) {
  const warmUp = Math.min(1, (step + 1) / (WARM_UP * steps))
  return lr * warmUp * 0.5 * (1 + Math.cos((Math.PI * step) / steps))
}

/**
 * Loss and gradients of one batch.
 * @param {Variable[]} weights
 * @param {Settings} settings
 * @param {number} weightOfBoxes
 * @param {number} step
 */
function lossAndGradients(weights, { loss, alpha, batch, seed }, weightOfBoxes, step) {
  const canvases = Array.from({ length: batch }, (_, i) => makeCanvas('train', seed, step * batch + i))
  const { boxes, classes, positive, positives } = assign(canvases.map(({ objects }) => objects))
  const ofPositives = { weight: [...positive], reduction: /** @type {const} */ ('sum'), normalizer: positives }
  const lossOfBoxes = boxLoss(loss, {
    ...ofPositives,
    lossWeight: weightOfBoxes,
    ...(alpha !== undefined && { alpha }),
  })
  const iouLoss = boxLoss('iou', ofPositives)

  return tf.tidy(() => {
    const target = tf.tensor2d(boxes, [classes.length, 4])
    const labels = tf.oneHot(classes, CLASSES + 1)
    let iou = Number.NaN
    const { value, grads } = tf.variableGrads(() => {
      const prediction = predict(weights, imagesOf(canvases))
      iou = 1 - iouLoss(target, prediction.boxes).dataSync()[0]
      const lossOfClasses = tf.losses.softmaxCrossEntropy(
        labels,
        prediction.logits,
        undefined,
        undefined,
        tf.Reduction.SUM,
      )
      return /** @type {Scalar} */ (tf.add(tf.div(lossOfClasses, positives), lossOfBoxes(target, prediction.boxes)))
    }, weights)
    return { loss: value.dataSync()[0], iou, gradients: grads }
  })
}

/**
 * Trains, or goes on where the checkpoint stands.
 * @param {Settings} settings
 * @param {object} options
 * @param {string} options.checkpoint Path.
 * @param {AbortSignal} [options.signal] Ends the training after the step at hand; all is in the checkpoint.
 * @param {(progress: Progress) => void} [options.onStep]
 * @returns {Promise<{ result: Result, canvases: Canvas[], found: Found[][] } | undefined>} Nothing if it was ended by
 *   the signal.
 */
export async function trainDetector(settings, { checkpoint: path, signal, onStep }) {
  const { steps, batch, heldOut, seed, alpha, loss, weights: rule } = settings
  const weights = createWeights(seed)
  try {
    const adam = new Adam(weights)
    const before = readCheckpoint(path, settings)
    if (before) adam.restore(before.optimizer)
    const curve = before?.curve ?? []
    const first = adam.state.step
    const weightOfBoxes = lossWeight({ loss, ...(alpha !== undefined && { alpha }) }, rule)
    const canvases = heldOutCanvases(heldOut)
    const ofAPoint = canvases.slice(0, MOST_CANVASES_OF_A_POINT)

    const started = performance.now()
    const secondsHere = () => (performance.now() - started) / 1000
    const seconds = () => (before?.seconds ?? 0) + secondsHere()
    const save = () => writeCheckpoint(path, { settings, optimizer: adam.state, curve, seconds: seconds() })

    while (adam.state.step < steps) {
      const { step } = adam.state
      const { loss, iou, gradients } = lossAndGradients(weights, settings, weightOfBoxes, step)
      if (!Number.isFinite(loss)) throw new Error(`the loss is ${loss} at step ${step}: the training has come apart`)
      adam.update(gradients, learningRate(step, settings))
      tf.dispose(gradients)
      const done = step + 1
      if (Math.floor((done * POINTS_OF_A_CURVE) / steps) > Math.floor((step * POINTS_OF_A_CURVE) / steps)) {
        curve.push({ step: done, ...score(ofAPoint, detect(weights, ofAPoint)) })
        save()
      }
      onStep?.({ step: done, loss, iou, imagesPerSecond: ((done - first) * batch) / secondsHere() })
      await nextTurn() // lets Ctrl-C through
      if (signal?.aborted && done < steps) {
        save()
        return undefined
      }
    }
    const found = detect(weights, canvases)
    const scores = score(canvases, found)
    return {
      result: { settings, lossWeight: weightOfBoxes, seconds: Math.round(seconds()), scores, curve },
      canvases,
      found,
    }
  } finally {
    tf.dispose(weights)
  }
}
