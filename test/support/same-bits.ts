import type { LossName } from '../../src/core/losses.js'
import { type BoxLossOptions, boxLoss, type FloatArray } from '../../src/index.js'
import { type Boxes, mulberry32 } from './random.js'

/** Rows of a kind come in blocks, so that whole packs lie on one side of a limit or the other. */
const BLOCK = 64

/** Where sizes lie, as powers of two. */
export interface Sizes {
  /** Smallest difference between prediction and target. */
  least: number
  /** Sides. */
  low: number
  high: number
}

/**
 * Boxes with sides from 2^low to 2^high, differences between prediction and target from those down to 2^least, ties,
 * matches and, in every fourth block, bad rows.
 */
export function boxesAround(pairs: number, Float: Boxes, { least, low, high }: Sizes, axes: 2 | 3 = 2) {
  const random = mulberry32(7)
  const sign = () => (random() < 0.5 ? -1 : 1)
  const width = 2 * axes
  const pred: FloatArray = new Float(width * pairs)
  const target: FloatArray = new Float(width * pairs)
  let exponents = { side: 0, difference: 0 }
  for (let row = 0; row < pairs; ++row) {
    const i = width * row
    if (row % BLOCK === 0) {
      const side = low + (high - low) * random()
      exponents = { side, difference: least + (side - least) * random() }
    }
    for (let axis = 0; axis < axes; ++axis) {
      const side = () => 2 ** (exponents.side + 3 * random())
      const difference = () => (random() < 0.1 ? 0 : sign() * 2 ** (exponents.difference + 3 * random()))
      const first = random() < 0.5 ? 0 : sign() * 4 * random() * side()
      const second = first + side()
      target[i + axis] = first
      target[i + axis + axes] = second
      pred[i + axis] = first + difference()
      pred[i + axis + axes] = random() < 0.3 ? first + side() : second + difference()
    }
    if (random() < 0.02) pred.set(target.subarray(i, i + width), i)
    if (row % (4 * BLOCK) < BLOCK && random() < 0.1) {
      pred[i + Math.floor(width * random())] = [Number.NaN, Number.POSITIVE_INFINITY, -Number.MAX_VALUE, 0][
        Math.floor(4 * random())
      ]
    }
  }
  return { pred, target }
}

/** The powers of two at which the kernels take another way: of core/box.h and core/ordinary.h. */
const LIMITS = {
  float32: { regular: 20, difference: -40, huge: 125, tiny: -60, ulp: 2 ** -23 },
  float64: { regular: 160, difference: -320, huge: 1021, tiny: -500, ulp: 2 ** -52 },
}

/**
 * Boxes of everyday sizes of which some have one number at a limit of the kernels, or next to it on either side. There
 * are blocks of all shares of such rows, and blocks in which all of them keep to the limit: a pack takes the quicker
 * way only if all of its rows may.
 */
export function boxesAtLimits(pairs: number, Float: Boxes, axes: 2 | 3 = 2) {
  const limits = LIMITS[Float === Float32Array ? 'float32' : 'float64']
  const random = mulberry32(19)
  const pick = <T>(values: readonly T[]) => values[Math.floor(values.length * random())]
  const uniform = (low: number, high: number) => low + (high - low) * random()
  const width = 2 * axes
  const pred: FloatArray = new Float(width * pairs)
  const target: FloatArray = new Float(width * pairs)

  /** The edges a1, a2, b1, b2 of a pair along one axis, from a factor near 1. */
  const kinds: Record<string, (f: number) => number[]> = {
    far: (f) => [uniform(0, 9), 2 ** limits.regular * f, uniform(0, 9), pick([20, 2 ** limits.regular])],
    farBelow: (f) => [-(2 ** limits.regular) * f, uniform(0, 9), uniform(-9, 0), uniform(0, 9)],
    narrow: (f) => [0, 2 ** -limits.regular * f, pick([0, -1, 2 ** -limits.regular]), uniform(1, 2)],
    narrowBoth: (f) => [0, 2 ** -limits.regular * f, 0, 2 ** -limits.regular * uniform(1, 2)],
    nearFirst: (f) => [2 ** limits.difference * f, uniform(1, 2), 0, uniform(1, 2)],
    nearSecond: (f) => [uniform(-2, -1), 2 ** limits.difference * f, uniform(-2, -1), 0],
    touching: (f) => [uniform(-2, -1), 2 ** limits.difference * f, 0, uniform(1, 2)],
    gap: (f) => [2 ** limits.difference * f, uniform(1, 2), uniform(-2, -1), 0],
    huge: (f) => [-(2 ** limits.huge) * f, 2 ** limits.huge, uniform(-1, 0), pick([1, 2 ** limits.huge * f])],
    tiny: (f) => [0, 2 ** limits.tiny * f, 0, 2 ** limits.tiny * uniform(0.5, 1)],
  }
  /** Factors on the side of the limit where the quicker way is open. */
  const inside = (kind: string) =>
    kind.startsWith('far') || kind === 'huge' ? [1, 1 - limits.ulp / 2, 0.5] : [1, 1 + limits.ulp, 2]
  const either = [1 - limits.ulp / 2, 1, 1 + limits.ulp]
  let block = { share: 0, within: true, kinds: Object.keys(kinds) }
  for (let row = 0; row < pairs; ++row) {
    if (row % BLOCK === 0) {
      const some = random() < 0.5 ? Object.keys(kinds) : [pick(Object.keys(kinds))]
      block = { share: pick([0.03, 0.3, 1]), within: random() < 0.4, kinds: some }
    }
    for (let axis = 0; axis < axes; ++axis) {
      const [a, b] = [uniform(-50, 50), uniform(-50, 50)]
      let edges = [a, a + uniform(10, 60), pick([a, b]), b + uniform(60, 70)]
      if (random() < block.share) {
        const kind = pick(block.kinds)
        edges = kinds[kind](pick(block.within ? inside(kind) : either))
      }
      if (random() < 0.5) edges = [edges[2], edges[3], edges[0], edges[1]]
      const i = width * row + axis
      pred[i] = edges[0]
      pred[i + axes] = edges[1]
      target[i] = edges[2]
      target[i + axes] = edges[3]
    }
  }
  return { pred, target }
}

/** Boxes whose coordinates are all of a few numbers, so that most tie, and far apart in size, or no numbers at all. */
export function boxesOfFewNumbers(pairs: number, Float: Boxes, axes: 2 | 3 = 2) {
  const random = mulberry32(23)
  const most = Float === Float32Array ? (2 - 2 ** -23) * 2 ** 127 : Number.MAX_VALUE
  const finite = [0, 0, 1, -1, 3, 1e-45, -1e-38, 1e19, -1e38, 5e-324, most, -most / 4]
  const bad = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]
  const draw = () => {
    const values = random() < 0.01 ? bad : finite
    return values[Math.floor(values.length * random())]
  }
  const boxes = (): FloatArray => new Float(2 * axes * pairs).map(draw)
  return { pred: boxes(), target: boxes() }
}

/** All of a result's numbers, NaN in one form: which of its many NaNs a processor gives is not defined. */
export function resultBytes(name: LossName, pred: FloatArray, target: FloatArray, options: BoxLossOptions): Buffer {
  const { loss, grad, gradTarget, iou, invalid } = boxLoss(name, pred, target, options)
  const arrays = [Float64Array.of(invalid), typeof loss === 'number' ? Float64Array.of(loss) : loss]
  for (const array of [grad, gradTarget, iou]) if (array) arrays.push(array as Float64Array<ArrayBuffer>)
  return Buffer.concat(
    arrays.map((array) => {
      for (let i = 0; i < array.length; ++i) if (Number.isNaN(array[i])) array[i] = Number.NaN
      return Buffer.from(array.buffer, array.byteOffset, array.byteLength)
    }),
  )
}
