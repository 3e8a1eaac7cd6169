import { mulberry32 } from '../../dist/grad-check/pairs.js'

// Random pairs of boxes. The paper only says "random", but a mean over pairs depends on how they are drawn. So there
// are three ways to draw them, and each is stated.

/**
 * @typedef {() => number} Random Uniform in [0, 1).
 * @typedef {[x1: number, y1: number, x2: number, y2: number]} Box
 * @typedef {(random: Random) => [pred: Box, target: Box]} DrawPair
 * @typedef {object} Sampling
 * @property {string} label
 * @property {string} text
 * @property {DrawPair} pair
 */

/** @type {(random: Random) => Box} */
function anyCorners(random) {
  const [xa, xb, ya, yb] = [random(), random(), random(), random()]
  return [Math.min(xa, xb), Math.min(ya, yb), Math.max(xa, xb), Math.max(ya, yb)]
}

/** @type {(cx: number, cy: number, w: number, h: number) => Box} */
const fromCentre = (cx, cy, w, h) => [cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2]

/** @type {(random: Random) => number} */
const side = (random) => 0.1 + 0.4 * random()
/** @type {(random: Random) => Box} */
const centreAndSize = (random) => fromCentre(random(), random(), side(random), side(random))

/** @type {DrawPair} */
function jittered(random) {
  const [cx, cy, w, h] = [random(), random(), side(random), side(random)]
  const strength = random()
  const about0 = () => strength * (2 * random() - 1)
  const pred = fromCentre(cx + w * about0(), cy + h * about0(), w * Math.exp(about0()), h * Math.exp(about0()))
  return [pred, fromCentre(cx, cy, w, h)]
}

/** @satisfies {Record<string, Sampling>} */
export const SAMPLINGS = {
  corners: {
    label: 'uniform corners',
    text: 'Both x and both y of every box uniform in the unit square, sorted. Most pairs lie apart; an IoU near 1 is rare.',
    pair: (random) => [anyCorners(random), anyCorners(random)],
  },
  centre: {
    label: 'centre and size',
    text: 'Centres uniform in the unit square, sides uniform from 0.1 to 0.5.',
    pair: (random) => [centreAndSize(random), centreAndSize(random)],
  },
  jitter: {
    label: 'jitter',
    text: `Targets by centre and size; predictions are the target moved by up to ± s of its sides, the sides times e to a power
uniform in ± s, and s uniform from 0 to 1 for each pair: boxes as a detector in training gives them.`,
    pair: jittered,
  },
}

/** @typedef {keyof typeof SAMPLINGS} SamplingName */
export const SAMPLING_NAMES = /** @type {SamplingName[]} */ (Object.keys(SAMPLINGS))

/**
 * @param {DrawPair} pair
 * @param {number} boxes
 * @param {number} seed
 */
export function drawPairs(pair, boxes, seed) {
  const random = mulberry32(seed)
  const pred = new Float32Array(4 * boxes)
  const target = new Float32Array(4 * boxes)
  for (let i = 0; i < 4 * boxes; i += 4) {
    const [a, b] = pair(random)
    pred.set(a, i)
    target.set(b, i)
  }
  return { pred, target }
}

/** Euclidean length of the gradient of box i.
 * @param {Float32Array} grad
 * @param {number} i */
export const gradNorm = (grad, i) => Math.hypot(grad[4 * i], grad[4 * i + 1], grad[4 * i + 2], grad[4 * i + 3])
