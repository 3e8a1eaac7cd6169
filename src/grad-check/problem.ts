import { checkFormat, checkOneOf } from '../arguments/checks.js'
import { lossParams } from '../arguments/loss-params.js'
import { withoutPrototype } from '../arguments/options.js'
import { readCorners } from '../core/boxes.js'
import { invalidArgument } from '../core/errors.js'
import { LOSS_NAMES, LOSSES, type LossName, type LossParams, type LossSpec } from '../core/losses.js'
import type { FloatArray, Format, LossOptions } from '../core/types.js'
import { evaluateLoss } from '../reference/formulas.js'
import { PLACES, randomPairs, toFormat } from './pairs.js'
import { type PairSlopes, slopesOfPairs } from './slopes.js'

/** Which pairs a gradient is checked at. */
export interface ProblemOptions extends LossOptions {
  /** Number of random pairs, up to 1,000,000. Default 1000. */
  boxes?: number | undefined
  /** A whole number: the same one gives the same pairs everywhere. Default 1. */
  seed?: number | undefined
  /** Layout of the boxes, and so of the gradients. Default `'xyxy'`. */
  format?: Format | undefined
}

/** Pairs of boxes, and what the losses and the gradients there should be. */
export interface Problem {
  name: LossName
  /** Of the loss: as a caller gives them, and with the defaults. */
  options: LossOptions
  params: LossParams
  boxes: number
  seed: number
  format: Format
  pred: FloatArray
  target: FloatArray
  slopes: PairSlopes
}

/** About a minute, and a gigabyte. */
const MOST_BOXES = 1_000_000
const KINDS = [PLACES.overlap, PLACES.disjoint, PLACES.nested, PLACES.near, PLACES.mixed]
/** Numbers on this grid, and their sums and halves in any format, are float32 numbers: both dtypes get the same boxes. */
const GRID = 2 ** -13
/** A little more than the shortest side. */
const SIDE = 16
/** From pixels to a unit in which the epsilon of a convention is not negligible. */
const SMALL = 2 ** -9
const IMAGE = { imageWidth: 640, imageHeight: 480 }

/** Draws pairs and takes the differences of their losses. */
export function drawProblem(name: LossName, given: ProblemOptions): Problem {
  checkOneOf('name', name, LOSS_NAMES)
  const { boxes = 1000, seed = 1, format = 'xyxy', ...lossOptions } = given
  const { axes, options: known }: LossSpec = LOSSES[name]
  const options = known.includes('imageWidth') ? { ...IMAGE, ...lossOptions } : lossOptions
  const params = lossParams(name, withoutPrototype(options))
  if (!Number.isInteger(boxes) || boxes < 1 || boxes > MOST_BOXES)
    throw invalidArgument('boxes', `a whole number from 1 to ${MOST_BOXES}`, boxes)
  if (!Number.isSafeInteger(seed)) throw invalidArgument('seed', 'a whole number', seed)
  checkFormat(format, axes)

  const zoom = params.epsilon > 0 ? SMALL : 1
  const corners = randomPairs(Float64Array, boxes, { seed, places: KINDS, step: GRID, axes })
  const zoomed = (rows: FloatArray) => rows.map((v) => zoom * v)
  const pred = toFormat(zoomed(corners.pred), format, axes)
  const target = toFormat(zoomed(corners.target), format, axes)
  const slopes = slopesOfPairs(() => lossOf(name, params, format), { pred, target }, 2 * axes, SIDE * zoom)
  return { name, options, params, boxes, seed, format, pred, target, slopes }
}

/**
 * The loss of a pair that stands in one array, by the reference: what every backend should compute. Factors that the gradient
 * takes for constants keep the values of the first call.
 */
function lossOf(name: LossName, params: LossParams, format: Format) {
  const { axes } = LOSSES[name]
  const withHeld = { ...params, held: {} }
  return (pair: Float64Array) =>
    evaluateLoss(name, readCorners(pair, 0, format, axes), readCorners(pair, 1, format, axes), withHeld)
}
