import { afterAll, describe, expect, it } from 'vitest'
import { FORMATS } from '../../src/core/formats.js'
import type { BoxLossOptions, FloatArray } from '../../src/index.js'
import { loadNative } from '../../src/native/addon.js'
import { mulberry32 } from '../support/random.js'
import { boxesAround, boxesAtLimits, boxesOfFewNumbers, resultBytes } from '../support/same-bits.js'
import { ALL, axesOf, PLAIN, TOGETHER, type Variant } from '../support/variants.js'

// Every SIMD level gives the bits of the scalar level. Packs of regular and of ordinary boxes take a quicker path
// (core/box.h, core/ordinary.h) that the scalar level does not have. So the boxes here lie around these limits, on both
// sides.
const native = loadNative()
const widest = native.simd()
afterAll(() => {
  native.setSimd(widest)
})

const PAIRS = 2500
const DTYPES = [
  ['float32', Float32Array],
  ['float64', Float64Array],
] as const
const SIZES = {
  float32: {
    pixels: { least: -12, low: 2, high: 8 },
    'up to the limits of ordinary boxes': { least: -40, low: -20, high: 16 },
    'the whole range': { least: -149, low: -149, high: 120 },
  },
  float64: {
    pixels: { least: -40, low: 2, high: 8 },
    'up to the limits of ordinary boxes': { least: -320, low: -160, high: 154 },
    'the whole range': { least: -1074, low: -1074, high: 1016 },
  },
}

interface Rows {
  pred: FloatArray
  target: FloatArray
}

/** The levels whose bits differ from those of the scalar level. */
function levelsApart({ name, options }: Variant, { pred, target }: Rows, more: BoxLossOptions): string[] {
  const bytes = (level: string) => {
    native.setSimd(level)
    return resultBytes(name, pred, target, { ...options, ...more, backend: 'cpu' })
  }
  const expected = bytes('scalar')
  const apart = native.simdLevels().filter((level) => level !== 'scalar' && !bytes(level).equals(expected))
  const wasm = resultBytes(name, pred, target, { ...options, ...more, backend: 'wasm' })
  return wasm.equals(expected) ? apart : [...apart, 'wasm']
}

describe.each(DTYPES)('%s', (dtype, Float) => {
  const rowsOf = (axes: 2 | 3): [string, Rows][] => [
    ...Object.entries(SIZES[dtype]).map(([kind, sizes]): [string, Rows] => [
      kind,
      boxesAround(PAIRS, Float, sizes, axes),
    ]),
    ['at the limits', boxesAtLimits(PAIRS, Float, axes)],
    ['of few numbers', boxesOfFewNumbers(PAIRS, Float, axes)],
  ]
  const rows = { 2: rowsOf(2), 3: rowsOf(3) }

  describe.each([...ALL, ...TOGETHER])('$label', (variant) => {
    it.each(rows[axesOf(variant)])('%s', (_, boxes) => {
      const everything = { reduction: 'none', gradTarget: true, iou: true } as const
      expect(levelsApart(variant, boxes, everything)).toEqual([])
      expect(levelsApart(variant, boxes, { grad: false })).toEqual([])
    })
  })

  describe.each(PLAIN)('$label, options of the call', (variant) => {
    const random = mulberry32(11)
    const perRow = () => new Float(PAIRS).map(() => (random() < 0.1 ? 0 : 2 * random()))
    const calls: [string, BoxLossOptions][] = [
      ['weights, upstream gradient', { reduction: 'none', weight: perRow(), gradOutput: perRow(), lossWeight: 0.3 }],
      ['mean of the valid rows', { onInvalid: 'ignore', iou: true }],
      ['weighted sum, target gradient alone', { reduction: 'sum', weight: perRow(), grad: false, gradTarget: true }],
      ['forward alone, IoU', { reduction: 'none', grad: false, iou: true, lossWeight: -1, onInvalid: 'ignore' }],
      ['no positives', { normalizer: 0, gradTarget: true, iou: true }],
      ...FORMATS.filter((format) => axesOf(variant) === 2 || format !== 'yxyx').map(
        (format): [string, BoxLossOptions] => [format, { reduction: 'none', format, gradTarget: true, iou: true }],
      ),
    ]
    it.each(calls)('%s', (_, options) => {
      for (const [kind, boxes] of rows[axesOf(variant)]) {
        expect([kind, ...levelsApart(variant, boxes, options)]).toEqual([kind])
      }
    })
  })
})
