import { afterAll, describe, expect, it } from 'vitest'
import type { BoxLossOptions } from '../src/index.js'
import { LOSS_NAMES } from '../src/losses.js'
import { loadNative } from '../src/native.js'
import { mulberry32 } from './support/random.js'
import { boxesAround, resultBytes } from './support/same-bits.js'

// Every SIMD level gives the bits of the scalar level. Packs of ordinary boxes skip the power-of-two scaling that the scalar
// level always does (cuda/ordinary.h), so the boxes here lie around the limits of what is ordinary, on both sides.
const native = loadNative()
const widest = native.simd()
afterAll(() => {
  native.setSimd(widest)
})

const PAIRS = 30_000

describe.each([
  ['float32', Float32Array, 'pixels', -12, 2, 8],
  ['float32', Float32Array, 'up to the limits of ordinary boxes', -40, -20, 16],
  ['float32', Float32Array, 'the whole range', -149, -149, 120],
  ['float64', Float64Array, 'pixels', -40, 2, 8],
  ['float64', Float64Array, 'up to the limits of ordinary boxes', -320, -160, 154],
  ['float64', Float64Array, 'the whole range', -1074, -1074, 1016],
] as const)('%s (%s), %s', (_dtype, Float, _kind, least, low, high) => {
  const { pred, target } = boxesAround(PAIRS, Float, least, low, high)
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
      const expected = resultBytes(name, pred, target, { ...options, backend: 'cpu' })
      for (const level of native.simdLevels()) {
        native.setSimd(level)
        expect(
          resultBytes(name, pred, target, { ...options, backend: 'cpu' }).equals(expected),
          `${name}, ${level}`,
        ).toBe(true)
      }
    }
  })
})
