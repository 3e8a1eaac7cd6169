import * as tf from '@tensorflow/tfjs-core'
import { CANVAS_SIZE, CLASSES } from './data.mjs'

// A one-stage detector. Convolutions reduce the image to a grid. Each cell of the grid predicts one box and the
// probabilities of the classes.

/**
 * @import { Tensor, Tensor2D, Tensor4D, Variable } from '@tensorflow/tfjs-core'
 * @typedef {{ boxes: Tensor2D, logits: Tensor2D }} Prediction For all cells of all images, row by row. `boxes`: [cells,
 *   4], x1,y1,x2,y2 in cells. `logits`: [cells, CLASSES + 1], the last is the background.
 */

/** Pixels a cell. */
export const STRIDE = 8
/** Cells a side. */
export const GRID = CANVAS_SIZE / STRIDE
export const CELLS = GRID ** 2
export const BACKGROUND = CLASSES

const HEAD = 4 + CLASSES + 1

/** [filter size, stride, channels out]; the last one is the head. */
const CONVOLUTIONS = [
  [3, 2, 16],
  [3, 2, 32],
  [3, 2, 64],
  [3, 1, 64],
  [3, 1, 64],
  [1, 1, HEAD],
]

/** Width and height in cells that the head means by 0. */
const BASE_SIZE = 2.5
/**
 * Before training, most cells are to be background: other mistakes would hide all else in the first steps (RetinaNet's
 * prior).
 */
const BACKGROUND_BIAS = 4
/** Keeps exp of the head's numbers finite: sizes are e⁻² to e² times the base. */
const SIZE_LIMIT = 2

/**
 * @param {number} seed
 * @returns {Variable[]} Filter and bias of each convolution in turn.
 */
export function createWeights(seed) {
  let inChannels = 1
  return CONVOLUTIONS.flatMap(([size, , outChannels], i) => {
    const isHead = i === CONVOLUTIONS.length - 1
    const deviation = isHead ? 0.01 : Math.sqrt(2 / (size * size * inChannels))
    const filter = tf.randomNormal([size, size, inChannels, outChannels], 0, deviation, 'float32', 1000 * seed + i)
    inChannels = outChannels
    const bias = new Float32Array(outChannels)
    if (isHead) bias[HEAD - 1] = BACKGROUND_BIAS
    return [tf.variable(filter), tf.variable(tf.tensor1d(bias))]
  })
}

/** [CELLS, 2]: the centres of the cells of one image, x and y in cells. */
const CENTRES = Array.from({ length: CELLS }, (_, cell) => [(cell % GRID) + 0.5, Math.floor(cell / GRID) + 0.5])

/**
 * @param {readonly Tensor[]} weights
 * @param {Tensor4D} images [batch, CANVAS_SIZE, CANVAS_SIZE, 1]
 * @returns {Prediction}
 */
export function predict(weights, images) {
  /** @type {Tensor4D} */
  let x = images
  CONVOLUTIONS.forEach(([, stride], i) => {
    const filter = /** @type {Tensor4D} */ (weights[2 * i])
    x = tf.add(tf.conv2d(x, filter, stride, 'same'), weights[2 * i + 1])
    if (i < CONVOLUTIONS.length - 1) x = tf.relu(x)
  })
  const head = tf.reshape(x, [-1, HEAD])
  const cells = head.shape[0]
  return {
    boxes: decode(tf.slice(head, [0, 0], [cells, 4]), images.shape[0]),
    logits: /** @type {Tensor2D} */ (tf.slice(head, [0, 4], [cells, CLASSES + 1])),
  }
}

/**
 * @param {Tensor} head [batch · CELLS, 4]: the centre's distance from the cell's in cells, logarithms of width and
 *   height.
 * @param {number} batch
 * @returns {Tensor2D} x1,y1,x2,y2 in cells.
 */
export function decode(head, batch) {
  const cells = batch * CELLS
  const centre = tf.add(tf.slice(head, [0, 0], [cells, 2]), tf.tile(tf.tensor2d(CENTRES), [batch, 1]))
  const logSize = tf.clipByValue(tf.slice(head, [0, 2], [cells, 2]), -SIZE_LIMIT, SIZE_LIMIT)
  const half = tf.mul(BASE_SIZE / 2, tf.exp(logSize))
  return /** @type {Tensor2D} */ (tf.concat([tf.sub(centre, half), tf.add(centre, half)], 1))
}

/**
 * @param {import('./data.mjs').Canvas[]} canvases
 * @returns {Tensor4D}
 */
export function imagesOf(canvases) {
  const pixels = new Float32Array(canvases.length * CANVAS_SIZE ** 2)
  canvases.forEach((canvas, i) => {
    pixels.set(canvas.pixels, i * CANVAS_SIZE ** 2)
  })
  return tf.tensor4d(pixels, [canvases.length, CANVAS_SIZE, CANVAS_SIZE, 1])
}
