import { afterAll, describe, expect, it } from 'vitest'
import { type BoxLossOptions, boxLoss, type FloatArray } from '../src/index.js'
import { LOSS_NAMES, type LossName } from '../src/losses.js'
import { loadNative } from '../src/native.js'
import { mulberry32 } from './support/random.js'

// Every SIMD level gives the bits of the scalar level. Packs of ordinary boxes skip the power-of-two scaling that the scalar
// level always does (cuda/ordinary.h), so the boxes here lie around the limits of what is ordinary, on both sides.
const native = loadNative()
const widest = native.simd()
afterAll(() => {
  native.setSimd(widest)
})

const PAIRS = 30_000

/** Rows of a kind come in blocks, so that whole packs lie on one side of a limit or the other. */
const BLOCK = 64

/**
 * Boxes with sides from 2^low to 2^high, differences between prediction and target from those down to 2^least, ties,
 * matches and, in every fourth block, bad rows.
 */
function boxesAround(
  Float: Float32ArrayConstructor | Float64ArrayConstructor,
  least: number,
  low: number,
  high: number,
) {
  const random = mulberry32(7)
  const sign = () => (random() < 0.5 ? -1 : 1)
  const pred = new Float(4 * PAIRS)
  const target = new Float(4 * PAIRS)
  let exponents = { side: 0, difference: 0 }
  for (let i = 0; i < 4 * PAIRS; i += 4) {
    if (i % (4 * BLOCK) === 0) {
      const side = low + (high - low) * random()
      exponents = { side, difference: least + (side - least) * random() }
    }
    for (const axis of [0, 1]) {
      const side = () => 2 ** (exponents.side + 3 * random())
      const difference = () => (random() < 0.1 ? 0 : sign() * 2 ** (exponents.difference + 3 * random()))
      const first = random() < 0.5 ? 0 : sign() * 4 * random() * side()
      const second = first + side()
      target[i + axis] = first
      target[i + axis + 2] = second
      pred[i + axis] = first + difference()
      pred[i + axis + 2] = random() < 0.3 ? first + side() : second + difference()
    }
    if (random() < 0.02) pred.set(target.subarray(i, i + 4), i)
    if (i % (16 * BLOCK) < 4 * BLOCK && random() < 0.1) {
      pred[i + Math.floor(4 * random())] = [Number.NaN, Number.POSITIVE_INFINITY, -Number.MAX_VALUE, 0][
        Math.floor(4 * random())
      ]!
    }
  }
  return { pred, target }
}

/** The results of a call as one string of bytes, NaN in one form: which of its many NaNs a processor gives is not defined. */
function bytes(name: LossName, pred: FloatArray, target: FloatArray, options: BoxLossOptions): Buffer {
  const { loss, grad, gradTarget, iou } = boxLoss(name, pred, target, { ...options, backend: 'cpu' })
  const arrays = [typeof loss === 'number' ? Float64Array.of(loss) : loss, grad, gradTarget, iou]
  return Buffer.concat(
    arrays.map((array) => {
      if (!array) return Buffer.alloc(0)
      const plain = array.map((x) => (Number.isNaN(x) ? Number.NaN : x))
      return Buffer.from(plain.buffer, plain.byteOffset, plain.byteLength)
    }),
  )
}

describe.each([
  ['float32', Float32Array, 'pixels', -12, 2, 8],
  ['float32', Float32Array, 'up to the limits of ordinary boxes', -40, -20, 16],
  ['float32', Float32Array, 'the whole range', -149, -149, 120],
  ['float64', Float64Array, 'pixels', -40, 2, 8],
  ['float64', Float64Array, 'up to the limits of ordinary boxes', -320, -160, 154],
  ['float64', Float64Array, 'the whole range', -1074, -1074, 1016],
] as const)('%s (%s), %s', (_dtype, Float, _kind, least, low, high) => {
  const { pred, target } = boxesAround(Float, least, low, high)
  const random = mulberry32(11)
  const perRow = () => new Float(PAIRS).map(() => (random() < 0.1 ? 0 : 2 * random()))
  const variants: [string, BoxLossOptions][] = [
    ['none, both gradients, iou', { reduction: 'none', gradTarget: true, iou: true }],
    ['weights, upstream gradient', { reduction: 'none', weight: perRow(), gradOutput: perRow(), lossWeight: 0.3 }],
    ['mean of the valid rows', { onInvalid: 'ignore', alpha: 0.7, iou: true }],
    ['official', { reduction: 'none', gradTarget: true, convention: 'official' }],
    ['cxcywh', { reduction: 'none', format: 'cxcywh', gradTarget: true }],
  ]
  it.each(variants)('%s', (_name, options) => {
    for (const name of LOSS_NAMES) {
      native.setSimd('scalar')
      const expected = bytes(name, pred, target, options)
      for (const level of native.simdLevels()) {
        native.setSimd(level)
        expect(bytes(name, pred, target, options).equals(expected), `${name}, ${level}`).toBe(true)
      }
    }
  })
})
