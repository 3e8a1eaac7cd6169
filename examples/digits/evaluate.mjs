import * as tf from '@tensorflow/tfjs-core'
import { averagePrecision } from 'scaloss/coco'
import { CANVAS_SIZE, CLASSES } from './data.mjs'
import { CELLS, imagesOf, predict, STRIDE } from './detector.mjs'

// Turns the output of the detector into detections, and scores them.

/**
 * @import { Tensor, TypedArray } from '@tensorflow/tfjs-core'
 * @import { Box, Canvas, Labelled } from './data.mjs'
 * @typedef {Labelled & { score: number }} Found
 * @typedef {Record<typeof METRICS[number], number>} Scores In percent, as in the paper.
 */

const BATCH = 50
const LEAST_SCORE = 0.05
/** Of two detections of one class that overlap more, the one of the lower score goes. */
const NMS_IOU = 0.5
const MOST_DETECTIONS = 20

/** The columns of the paper's tables. */
export const METRICS = /** @type {const} */ (['mAP', 'AP50', 'AP65', 'AP75', 'AP80', 'AP90'])

/**
 * @param {readonly Tensor[]} weights
 * @param {readonly Canvas[]} canvases
 * @returns {Found[][]} For each canvas.
 */
export function detect(weights, canvases) {
  const found = []
  for (let start = 0; start < canvases.length; start += BATCH) {
    const batch = canvases.slice(start, start + BATCH)
    const tensors = tf.tidy(() => {
      const { boxes, logits } = predict(weights, imagesOf(batch))
      return [tf.mul(STRIDE, boxes), tf.softmax(logits)]
    })
    const [boxes, scores] = tensors.map((tensor) => tensor.dataSync())
    tf.dispose(tensors)
    for (let first = 0; first < batch.length * CELLS; first += CELLS) found.push(suppress(boxes, scores, first))
  }
  return found
}

/**
 * The detections of one image: all classes of all cells that have a score, without those that another one covers.
 * @param {TypedArray} boxes [cells, 4]
 * @param {TypedArray} scores [cells, CLASSES + 1]
 * @param {number} first Cell of the image.
 */
function suppress(boxes, scores, first) {
  /** @type {Found[]} */
  const candidates = []
  for (let cell = first; cell < first + CELLS; cell++)
    for (let digit = 0; digit < CLASSES; digit++) {
      const score = scores[cell * (CLASSES + 1) + digit]
      if (score < LEAST_SCORE) continue
      candidates.push({ box: /** @type {Box} */ ([...boxes.subarray(4 * cell, 4 * cell + 4)]), digit, score })
    }
  if (candidates.length === 0) return []
  // Classes do not suppress each other: each has a plane of its own.
  const apart = candidates.map(({ box, digit }) => box.map((x) => x + 10 * CANVAS_SIZE * digit))
  const scoresOf = candidates.map(({ score }) => score)
  const kept = tf.tidy(() =>
    tf.image.nonMaxSuppression(tf.tensor2d(apart), scoresOf, MOST_DETECTIONS, NMS_IOU).dataSync(),
  )
  return Array.from(kept, (at) => candidates[at])
}

/**
 * COCO's average precision.
 * @param {readonly Canvas[]} canvases
 * @param {readonly Found[][]} found For each canvas.
 * @returns {Scores}
 */
export function score(canvases, found) {
  /** @param {Labelled} object @param {number} imageId */
  const cocoBox = ({ box: [x1, y1, x2, y2], digit }, imageId) => ({
    imageId,
    categoryId: digit,
    bbox: /** @type {[number, number, number, number]} */ ([x1, y1, x2 - x1, y2 - y1]),
  })
  const truth = canvases.flatMap(({ objects }, image) => objects.map((object) => cocoBox(object, image)))
  const detections = found.flatMap((objects, image) =>
    objects.map((object) => ({ ...cocoBox(object, image), score: object.score })),
  )
  const { ap, byIou } = averagePrecision(truth, detections)
  const at = (/** @type {number} */ threshold) =>
    100 * (byIou.find(({ iouThreshold }) => iouThreshold === threshold)?.ap ?? Number.NaN)
  return { mAP: 100 * ap, AP50: at(0.5), AP65: at(0.65), AP75: at(0.75), AP80: at(0.8), AP90: at(0.9) }
}
