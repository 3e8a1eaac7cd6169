import { createRequire } from 'node:module'
import { randomStream } from './random.mjs'

// Canvases with real handwritten digits to find, made from the 10,000 digits of MNIST that the package `mnist` has.

/**
 * @typedef {[x1: number, y1: number, x2: number, y2: number]} Box In pixels.
 * @typedef {{ box: Box, digit: number }} Labelled
 * @typedef {{ pixels: Float32Array, objects: Labelled[] }} Canvas `pixels`: CANVAS_SIZE², 0 to about 1, row by row.
 * @typedef {{ ink: Float32Array, width: number, height: number, digit: number }} Glyph A digit cut to its ink.
 * @typedef {'train' | 'held-out'} Split
 * @typedef {{ length: number, get(index: number): number[] }} DigitsOfClass
 */

export const CANVAS_SIZE = 64
export const CLASSES = 10

const GLYPH_SIZE = 28
/** What is fainter does not count to a digit's box. */
const LEAST_INK = 0.25
/** Of each class; the rest is held out. */
const TRAIN_SHARE = 0.8
/** Of a digit on a canvas, in pixels. */
const HEIGHTS = [14, 34]
/** How much of the smaller of two boxes the other may cover. */
const MOST_COVERED = 0.15

/** @type {Record<Split, Glyph[]> | undefined} */
let loaded

/**
 * The digits of one part; no digit is in both.
 * @param {Split} split
 */
export function glyphs(split) {
  loaded ??= load()
  return loaded[split]
}

function load() {
  /** @type {DigitsOfClass[]} */
  const mnist = createRequire(import.meta.url)('mnist')
  /** @type {Record<Split, Glyph[]>} */
  const parts = { train: [], 'held-out': [] }
  for (let digit = 0; digit < CLASSES; digit++) {
    const { length } = mnist[digit]
    for (let i = 0; i < length; i++)
      parts[i < TRAIN_SHARE * length ? 'train' : 'held-out'].push(cutToInk(mnist[digit].get(i), digit))
  }
  return parts
}

/**
 * @param {number[]} pixels GLYPH_SIZE², 0 to 1.
 * @param {number} digit
 * @returns {Glyph}
 */
function cutToInk(pixels, digit) {
  let [left, top, right, bottom] = [GLYPH_SIZE, GLYPH_SIZE, 0, 0]
  for (let y = 0; y < GLYPH_SIZE; y++)
    for (let x = 0; x < GLYPH_SIZE; x++) {
      if (pixels[y * GLYPH_SIZE + x] < LEAST_INK) continue
      left = Math.min(left, x)
      right = Math.max(right, x + 1)
      top = Math.min(top, y)
      bottom = Math.max(bottom, y + 1)
    }
  const [width, height] = [right - left, bottom - top]
  const ink = new Float32Array(width * height)
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) ink[y * width + x] = pixels[(top + y) * GLYPH_SIZE + left + x]
  return { ink, width, height, digit }
}

/**
 * A canvas of one to four digits of varied size, proportions, brightness and place, between strokes and pieces of other
 * digits, with noise. The same arguments give the same canvas.
 * @param {Split} split
 * @param {number} seed
 * @param {number} index
 * @returns {Canvas}
 */
export function makeCanvas(split, seed, index) {
  const random = randomStream(split === 'train' ? 0 : 1, seed, index)
  const uniform = (/** @type {number} */ low, /** @type {number} */ high) => low + (high - low) * random()
  const digits = glyphs(split)
  const anyGlyph = () => digits[Math.floor(uniform(0, digits.length))]
  const pixels = new Float32Array(CANVAS_SIZE ** 2)

  for (let strokes = Math.floor(uniform(2, 6)); strokes > 0; strokes--) {
    const [x, y, angle] = [uniform(0, CANVAS_SIZE), uniform(0, CANVAS_SIZE), uniform(0, 2 * Math.PI)]
    drawStroke(pixels, x, y, angle, uniform(6, 20), uniform(0.3, 0.8))
  }
  for (let pieces = Math.floor(uniform(2, 6)); pieces > 0; pieces--) {
    const piece = pieceOf(anyGlyph(), random)
    const [x, y] = [uniform(0, CANVAS_SIZE - 8), uniform(0, CANVAS_SIZE - 8)]
    paste(pixels, piece, [x, y, x + uniform(5, 9), y + uniform(5, 9)], uniform(0.4, 0.9))
  }

  /** @type {Labelled[]} */
  const objects = []
  const wanted = 1 + Math.floor(uniform(0, 4))
  for (let attempt = 0; attempt < 20 && objects.length < wanted; attempt++) {
    const glyph = anyGlyph()
    const height = uniform(HEIGHTS[0], HEIGHTS[1])
    const width = Math.max(5, ((height * glyph.width) / glyph.height) * Math.exp(uniform(-0.3, 0.3)))
    if (width > CANVAS_SIZE) continue
    const [x, y] = [uniform(0, CANVAS_SIZE - width), uniform(0, CANVAS_SIZE - height)]
    /** @type {Box} */
    const box = [x, y, x + width, y + height]
    if (objects.some((other) => covered(box, other.box) > MOST_COVERED)) continue
    paste(pixels, glyph, box, uniform(0.6, 1))
    objects.push({ box, digit: glyph.digit })
  }

  for (let i = 0; i < pixels.length; i++) pixels[i] += uniform(-0.15, 0.15)
  return { pixels, objects }
}

/**
 * The intersection over the smaller box.
 * @param {Box} a
 * @param {Box} b
 */
function covered(a, b) {
  const width = Math.min(a[2], b[2]) - Math.max(a[0], b[0])
  const height = Math.min(a[3], b[3]) - Math.max(a[1], b[1])
  const area = (/** @type {Box} */ box) => (box[2] - box[0]) * (box[3] - box[1])
  return (Math.max(width, 0) * Math.max(height, 0)) / Math.min(area(a), area(b))
}

/**
 * A part of a digit that is too small to be one.
 * @param {Glyph} glyph
 * @param {() => number} random
 * @returns {Glyph}
 */
function pieceOf({ ink, width, height, digit }, random) {
  const [w, h] = [Math.min(7, width), Math.min(7, height)]
  const [left, top] = [Math.floor(random() * (width - w + 1)), Math.floor(random() * (height - h + 1))]
  const piece = new Float32Array(w * h)
  for (let y = 0; y < h; y++) for (let x = 0; x < w; x++) piece[y * w + x] = ink[(top + y) * width + left + x]
  return { ink: piece, width: w, height: h, digit }
}

/**
 * Stretches a glyph over a box, bilinearly; where there is ink already the brighter stays.
 * @param {Float32Array} pixels
 * @param {Glyph} glyph
 * @param {Box} box
 * @param {number} brightness
 */
function paste(pixels, { ink, width, height }, [x1, y1, x2, y2], brightness) {
  const at = (/** @type {number} */ x, /** @type {number} */ y) =>
    x < 0 || y < 0 || x >= width || y >= height ? 0 : ink[y * width + x]
  for (let y = Math.floor(y1); y < Math.min(y2 + 1, CANVAS_SIZE); y++)
    for (let x = Math.floor(x1); x < Math.min(x2 + 1, CANVAS_SIZE); x++) {
      const u = ((x + 0.5 - x1) / (x2 - x1)) * width - 0.5
      const v = ((y + 0.5 - y1) / (y2 - y1)) * height - 0.5
      const [i, j] = [Math.floor(u), Math.floor(v)]
      const upper = at(i, j) * (i + 1 - u) + at(i + 1, j) * (u - i)
      const lower = at(i, j + 1) * (i + 1 - u) + at(i + 1, j + 1) * (u - i)
      const value = brightness * (upper * (j + 1 - v) + lower * (v - j))
      pixels[y * CANVAS_SIZE + x] = Math.max(pixels[y * CANVAS_SIZE + x], value)
    }
}

/**
 * @param {Float32Array} pixels
 * @param {number} x
 * @param {number} y
 * @param {number} angle
 * @param {number} length
 * @param {number} brightness
 */
function drawStroke(pixels, x, y, angle, length, brightness) {
  for (let t = 0; t < length; t += 0.5) {
    const [i, j] = [Math.floor(x + t * Math.cos(angle)), Math.floor(y + t * Math.sin(angle))]
    if (i >= 0 && j >= 0 && i < CANVAS_SIZE && j < CANVAS_SIZE) pixels[j * CANVAS_SIZE + i] = brightness
  }
}
