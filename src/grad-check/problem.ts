import { checkFormat, checkOneOf } from '../arguments/checks.js'
import { lossParams } from '../arguments/loss-params.js'
import { withoutPrototype } from '../arguments/options.js'
import { BoxCoder } from '../calls/box-coder.js'
import { readCorners } from '../core/boxes.js'
import { invalidArgument } from '../core/errors.js'
import { LOSS_NAMES, LOSSES, type LossName, type LossParams, type LossSpec } from '../core/losses.js'
import type { FloatArray, Format, LossOptions } from '../core/types.js'
import { evaluateLoss } from '../reference/formulas.js'
import { lossOfRow, randomHead } from './head.js'
import { PLACES, randomPairs, toFormat } from './pairs.js'
import { type PairSlopes, slopesOfPairs } from './slopes.js'

/** Options of the pairs at which a gradient is checked. */
export interface ProblemOptions extends LossOptions {
  /** The number of random pairs, up to 1,000,000. Default 1000. */
  boxes?: number | undefined
  /** The seed of the pairs, a whole number. The same seed gives the same pairs on every machine. Default 1. */
  seed?: number | undefined
  /** The layout of the boxes, and so of the gradients. Default `'xyxy'`. */
  format?: Format | undefined
  /** A coder of `boxCoder`. Predictions are then raw numbers with random priors, and the gradient of `headLoss` is
   * checked. The default of `boxes` is 200 then. */
  coder?: BoxCoder | undefined
}

/** Pairs of boxes, with the losses and gradients that a backend should compute for them. */
export interface Problem {
  name: LossName
  /** The options of the loss as a caller gives them. */
  options: LossOptions
  /** The options of the loss with defaults filled in. */
  params: LossParams
  boxes: number
  seed: number
  format: Format
  pred: FloatArray
  target: FloatArray
  /** With a coder, predictions are raw numbers with these priors. */
  head?: { coder: BoxCoder; prior: FloatArray } | undefined
  slopes: PairSlopes
}

/** The largest number of pairs, which takes about a minute and a gigabyte. */
const MOST_BOXES = 1_000_000
const KINDS = [PLACES.overlap, PLACES.disjoint, PLACES.nested, PLACES.near, PLACES.mixed]
/** Numbers on this grid, and their sums and halves in any format, are float32 numbers, so both dtypes get the same
 * boxes. */
const GRID = 2 ** -13
/** A length for the steps of the differences, a little more than the shortest side. */
const SIDE = 16
/** Scales pixels to a unit in which the epsilon of a convention is not negligible. */
const SMALL = 2 ** -9
const IMAGE = { imageWidth: 640, imageHeight: 480 }

/** Draws pairs and takes the differences of their losses. */
export function drawProblem(name: LossName, given: ProblemOptions): Problem {
  checkOneOf('name', name, LOSS_NAMES)
  const { coder, boxes = coder ? 200 : 1000, seed = 1, format = 'xyxy', ...lossOptions } = given
  if (coder !== undefined && !(coder instanceof BoxCoder))
    throw invalidArgument('coder', 'a coder of boxCoder()', coder)
  const { axes, options: known }: LossSpec = LOSSES[name]
  const options = known.includes('imageWidth') ? { ...IMAGE, ...lossOptions } : lossOptions
  const params = lossParams(name, withoutPrototype(options))
  if (!Number.isInteger(boxes) || boxes < 1 || boxes > MOST_BOXES)
    throw invalidArgument('boxes', `a whole number from 1 to ${MOST_BOXES}`, boxes)
  if (!Number.isSafeInteger(seed)) throw invalidArgument('seed', 'a whole number', seed)
  checkFormat(format, axes)

  if (coder) {
    if (axes !== 2) throw invalidArgument('name', 'a loss of two axes, with a coder', name)
    const { raw: pred, prior, target } = randomHead(coder.params, boxes, seed, format)
    const lossOf = lossOfRow(name, coder.params, { ...options, format }, { raw: pred, prior, target })
    const slopes = slopesOfPairs(lossOf, { pred, target }, coder.columns, 1)
    return { name, options, params, boxes, seed, format, pred, target, head: { coder, prior }, slopes }
  }
  const zoom = params.epsilon > 0 ? SMALL : 1
  const corners = randomPairs(Float64Array, boxes, { seed, places: KINDS, step: GRID, axes })
  const zoomed = (rows: FloatArray) => rows.map((v) => zoom * v)
  const pred = toFormat(zoomed(corners.pred), format, axes)
  const target = toFormat(zoomed(corners.target), format, axes)
  const slopes = slopesOfPairs(() => lossOf(name, params, format), { pred, target }, 2 * axes, SIDE * zoom)
  return { name, options, params, boxes, seed, format, pred, target, slopes }
}

/** Makes a function for the loss of a pair in one array, computed by the reference. This is what every backend should
 * compute. Factors that are constant in the gradient keep the values of the first call. */
function lossOf(name: LossName, params: LossParams, format: Format) {
  const { axes } = LOSSES[name]
  const withHeld = { ...params, held: {} }
  return (pair: Float64Array) =>
    evaluateLoss(name, readCorners(pair, 0, format, axes), readCorners(pair, 1, format, axes), withHeld)
}
