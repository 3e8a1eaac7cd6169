import { afterEach, describe, expect, it, vi } from 'vitest'
import { FORMATS } from '../../../src/core/formats.js'
import { type BoxLossOptions, boxLoss, type FloatArray } from '../../../src/index.js'
import { mulberry32, randomPairs } from '../../support/random.js'
import { boxesAround, boxesAtLimits, boxesOfFewNumbers, resultBytes } from '../../support/same-bits.js'
import { ALL, axesOf, PLAIN, TOGETHER, type Variant } from '../../support/variants.js'

// Compares the sources of the kernels and of the CUDA backend with the CPU backend, bit by bit. The tests also run on a
// GPU. There the variables of the emulator have no effect, so calls that differ only in them are repeated calls.
const SCHEDULES = ['forward', 'reverse', '1', '2', '3']
const GRIDS = ['1', '2', '3', '7']

afterEach(() => {
  vi.unstubAllEnvs()
})

interface Rows {
  pred: FloatArray
  target: FloatArray
}
const sameBits = ({ name, options }: Variant, { pred, target }: Rows, more: BoxLossOptions) => {
  const bytes = (backend: 'cpu' | 'cuda') => resultBytes(name, pred, target, { ...options, ...more, backend })
  return bytes('cuda').equals(bytes('cpu'))
}
/** Of two axes, of the IoU family, of three axes. */
const SOME = PLAIN.filter(({ name }) => ['sca', 'giou', 'sca3'].includes(name))

describe.each([
  ['float32', Float32Array, { least: -149, low: -149, high: 120 }],
  ['float64', Float64Array, { least: -1074, low: -1074, high: 1016 }],
] as const)('%s: the bits of the CPU backend', (dtype, Float, sizes) => {
  const random = mulberry32(13)
  const perRow = (n: number) => new Float(n).map(() => (random() < 0.1 ? 0 : 2 * random()))
  const options = (n: number, axes: 2 | 3): [string, BoxLossOptions][] => [
    ['mean', {}],
    ['forward alone', { grad: false, reduction: 'sum', onInvalid: 'ignore' }],
    [
      'everything at once',
      { reduction: 'none', gradTarget: true, iou: true, weight: perRow(n), gradOutput: perRow(n) },
    ],
    ['target gradient alone', { grad: false, gradTarget: true, normalizer: 3, format: 'cxcywh' }],
    ['no positives', { normalizer: 0, iou: true, format: axes === 2 ? 'yxyx' : 'xywh' }],
  ]

  it.each(SCHEDULES)('for any number of rows, under schedule %s', (schedule) => {
    vi.stubEnv('EMULATOR_SCHEDULE', schedule)
    for (const variant of SOME) {
      const axes = axesOf(variant)
      for (const n of [1, 31, 256, 257, 1023, 1024, 1025, 2049, ...(variant.name === 'sca' ? [5000] : [])]) {
        const rows = randomPairs(Float, n, { seed: n, axes })
        for (const [label, option] of options(n, axes)) {
          expect(sameBits(variant, rows, option), `${variant.label}, ${n} rows, ${label}`).toBe(true)
        }
      }
    }
  })

  it.each(GRIDS)('for any grid: %s blocks', (blocks) => {
    vi.stubEnv('EMULATOR_GRID', blocks)
    const { pred, target } = randomPairs(Float, 9000, { seed: 5 })
    const expected = boxLoss('sca', pred, target, { backend: 'cpu' })
    for (const schedule of SCHEDULES) {
      vi.stubEnv('EMULATOR_SCHEDULE', schedule)
      const actual = boxLoss('sca', pred, target, { backend: 'cuda' })
      expect(actual.loss).toBe(expected.loss)
      expect(actual.grad).toEqual(expected.grad)
    }
  })

  const rowsOf = (axes: 2 | 3) => ({
    around: boxesAround(2500, Float, sizes, axes),
    limits: boxesAtLimits(1500, Float, axes),
    fewNumbers: boxesOfFewNumbers(500, Float, axes),
  })
  const rows = { 2: rowsOf(2), 3: rowsOf(3) }

  it.each(PLAIN)(`$label: for all the boxes that ${dtype} has, invalid ones too`, (variant) => {
    const { name } = variant
    const axes = axesOf(variant)
    const { around, limits } = rows[axes]
    for (const [label, option] of options(2500, axes)) expect(sameBits(variant, around, option), label).toBe(true)
    for (const format of FORMATS.filter((format) => axes === 2 || format !== 'yxyx')) {
      expect(sameBits(variant, limits, { reduction: 'none', gradTarget: true, format }), format).toBe(true)
    }
    const count = (backend: 'cpu' | 'cuda') =>
      boxLoss(name, around.pred, around.target, { ...variant.options, backend }).invalid
    const invalid = count('cpu')
    expect(invalid).toBeGreaterThan(10)
    // Twice: the workspace must be left as it was found.
    for (let i = 0; i < 2; ++i) expect(count('cuda')).toBe(invalid)
  })

  const modified = [...ALL, ...TOGETHER].filter((variant) => !PLAIN.includes(variant))
  it.each(modified)('$label: fused and forward alone', (variant) => {
    for (const [kind, boxes] of Object.entries(rows[axesOf(variant)])) {
      expect(sameBits(variant, boxes, { reduction: 'none', gradTarget: true, iou: true }), kind).toBe(true)
      expect(sameBits(variant, boxes, { grad: false }), kind).toBe(true)
    }
  })
})

it('adds more tiles than there are lanes in the order of the tree', () => {
  const n = 300 * 1024 + 17
  const { pred, target } = randomPairs(Float32Array, n, { seed: 8 })
  vi.stubEnv('EMULATOR_GRID', '5')
  const options = { reduction: 'sum', grad: false } as const
  expect(boxLoss('cd', pred, target, { ...options, backend: 'cuda' }).loss).toBe(
    boxLoss('cd', pred, target, { ...options, backend: 'cpu' }).loss,
  )
})
