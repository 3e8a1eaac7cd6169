import { describe, expect, test } from 'vitest'
import { LOSSES, type LossName, type LossOption, type LossSpec } from '../../src/core/losses.js'
import type { FloatArray, LossOptions } from '../../src/core/types.js'
import { mapRows, randomPairs } from '../support/random.js'
import { combine, evaluate, expectClose, expectSame, type Results, type Rows } from '../support/results.js'
import { axesOf, IOU_FAMILY, PLAIN, type Variant, variant } from '../support/variants.js'

// The range of each loss, and relations between losses, with and without an option.

const DTYPES = [
  { dtype: 'float32', Boxes: Float32Array, epsilon: 2 ** -23 },
  { dtype: 'float64', Boxes: Float64Array, epsilon: 2 ** -52 },
]

const onCpu = (v: Variant, rows: Rows) => evaluate(v, rows, 'cpu')

describe.each(DTYPES)('$dtype', ({ Boxes, epsilon }) => {
  const valid = { 2: randomPairs(Boxes, 1000, { seed: 3 }), 3: randomPairs(Boxes, 1000, { seed: 3, axes: 3 }) }
  const on = (v: Variant) => onCpu(v, valid[axesOf(v)])

  test.each(PLAIN)('$label lies in its range', (v) => {
    const { loss } = on(v)
    expect(loss.filter((l) => !(l >= 0 && l <= LOSSES[v.name].largest))).toHaveLength(0)
    expect(Math.max(...loss)).toBeGreaterThan(0.4)
  })

  test('the IoU lies between 0 and 1, and 1 less the loss of that name is it', () => {
    const { loss, iou } = on(variant('iou'))
    expect(iou.filter((u) => !(u >= 0 && u <= 1))).toHaveLength(0)
    expect(Math.max(...loss.map((l, i) => Math.abs(1 - l - iou[i])))).toBeLessThanOrEqual(4 * epsilon)
    const { iou: volumes } = on(variant('so3'))
    expect(volumes.filter((u) => !(u >= 0 && u <= 1))).toHaveLength(0)
    expect(volumes.filter((u) => u > 0 && u < 1).length).toBeGreaterThan(300)
  })

  type Named = [LossName, LossOptions?, number?]
  const ORDERED: { less: Named; more: Named }[] = [
    { less: ['iou'], more: ['giou'] },
    { less: ['iou'], more: ['diou'] },
    { less: ['diou'], more: ['ciou'] },
    { less: ['diou'], more: ['eiou'] },
    { less: ['iou'], more: ['siou'] },
    { less: ['iou'], more: ['iou_cd'] },
    { less: ['iou'], more: ['mpdiou'] },
    // The paper's side overlap, 2 - L_SO, never exceeds IoU + 1.
    { less: ['iou'], more: ['so'] },
    { less: ['so'], more: ['sca'] },
    { less: ['so3'], more: ['sca3'] },
    { less: ['center2'], more: ['center'] },
    // Twice the distance of the centres is the length of the sum of the corners' differences.
    { less: ['center', {}, 2], more: ['cd'] },
    { less: ['smooth_l1'], more: ['l1'] },
    { less: ['smooth_l1', { beta: 4 }], more: ['smooth_l1', { beta: 0.5 }] },
    { less: ['giou', { focal: 0.5 }], more: ['giou'] },
    { less: ['iou'], more: ['iou', { mode: 'square' }] },
    { less: ['iou'], more: ['iou', { mode: 'log' }] },
    { less: ['iou', { power: 0.5 }], more: ['iou'] },
    { less: ['iou'], more: ['iou', { power: 3 }] },
    { less: ['siou'], more: ['siou', { mode: 'log' }] },
  ]
  test.each(ORDERED)('$less is not above $more', ({ less, more }) => {
    const [lower, upper] = [less, more].map(([name, options, factor = 1]) =>
      on(variant(name, options)).loss.map((l) => factor * l),
    )
    expect(lower.filter((l, i) => !(l <= upper[i] * (1 + 4 * epsilon)))).toHaveLength(0)
    expect(lower.filter((l, i) => l < upper[i]).length).toBeGreaterThan(250)
  })

  describe('the sum of others', () => {
    test.each([
      { whole: variant('sca', { alpha: 0.25 }), parts: ['so', 'cd'], factor: 0.25 },
      { whole: variant('sca', { alpha: -2 }), parts: ['so', 'cd'], factor: -2 },
      { whole: variant('sca', { alpha: 0 }), parts: ['so', 'cd'], factor: 0 },
      { whole: variant('sca3', { alpha: 3 }), parts: ['so3', 'cd3'], factor: 3 },
      { whole: variant('iou_cd', { alpha: 0.7 }), parts: ['iou', 'cd'], factor: 0.7 },
      { whole: variant('iou_cd', { alpha: -1 }), parts: ['iou', 'cd'], factor: -1 },
      { whole: variant('diou'), parts: ['iou', 'center2'], factor: 1 },
    ] as const)('$whole.label is $parts.0 + $factor · $parts.1', ({ whole, parts, factor }) => {
      const terms = parts.map((name) => on(variant(name)))
      const expected = combine(terms, ([a, b]) => a + factor * b)
      // Measured by its terms, which may cancel.
      const sizes = combine(terms, ([a, b]) => Math.abs(a) + Math.abs(factor * b))
      expectClose(on(whole), { ...expected, iou: on(whole).iou }, { loss: 8 * epsilon, grad: 8 * epsilon }, sizes)
    })
  })

  describe('the same', () => {
    const specOf = (name: LossName): LossSpec => LOSSES[name]
    const DEFAULTS: Partial<Record<LossOption, unknown>> = {
      ...{ alpha: 0.5, mode: 'linear', logFloor: 1e-6, power: 1, inner: 1, focal: 0, detachAlpha: true, beta: 1 },
      constant: 12.8,
    }
    test.each(PLAIN)('$label with its options at their defaults, to the bit', (v) => {
      const defaults = Object.entries(DEFAULTS).filter(([option]) =>
        specOf(v.name).options.includes(option as LossOption),
      )
      expectSame(on(variant(v.name, Object.fromEntries(defaults))), on(v))
      expectSame(on(variant(v.name, { ...DEFAULTS, convention: 'exact' } as LossOptions)), on(v))
    })

    test.each([
      { one: variant('smooth_l1', { beta: 0 }), other: variant('l1') },
      { one: variant('so', { convention: 'official' }), other: variant('so') },
      { one: variant('sca', { alpha: 0 }), other: variant('so') },
      { one: variant('iou_cd', { alpha: 0 }), other: variant('iou') },
    ])('$one.label as $other.label, to the bit', ({ one, other }) => {
      expectSame(on(one), on(other))
    })

    test('iou with power 2 as with mode square', () => {
      const [power, square] = [variant('iou', { power: 2 }), variant('iou', { mode: 'square' })].map(on)
      expectClose(power, square, { loss: 6 * epsilon, grad: 8 * epsilon })
    })

    test('ciou as diou for boxes of one aspect', () => {
      const boxes = mapRows(valid[2].pred, ([x1, y1, x2]) => [x1, y1, x2, y1 + (x2 - x1) / 2])
      const onGrid = boxes.map((x) => Math.round(x))
      const likes = {
        pred: mapRows(onGrid, ([x, y, x2]) => [x, y, x + 2 * (x2 - x), y + (x2 - x)]),
        target: mapRows(onGrid, ([x, y]) => [x + 3, y - 2, x + 43, y + 18]),
      }
      expect(onCpu(variant('ciou'), likes)).toEqual(onCpu(variant('diou'), likes))
    })

    test('center2 as the square of center', () => {
      const [center, center2] = [variant('center'), variant('center2')].map(on)
      center.loss.forEach(
        (l, i) => void expect(Math.abs(l * l - center2.loss[i])).toBeLessThanOrEqual(6 * epsilon * l * l),
      )
    })

    test.each(IOU_FAMILY)('%s with focal as IoU^focal times the plain one', (name) => {
      const [plain, focal] = [on(variant(name)), on(variant(name, { focal: 0.5 }))]
      const expected = { ...combine([plain], ([x], row) => x * Math.sqrt(plain.iou[row])), iou: plain.iou }
      expectClose(focal, expected, { loss: 6 * epsilon, grad: 6 * epsilon })
    })

    test('iou with mode log as the logarithm of the IoU, above its floor', () => {
      const { loss, iou, grad } = on(variant('iou', { mode: 'log', logFloor: 0.125 }))
      for (const [i, l] of loss.entries()) {
        expect(Math.abs(Math.exp(-l) - Math.max(iou[i], 0.125))).toBeLessThanOrEqual(4 * epsilon)
        if (iou[i] < 0.125) expect([...grad.subarray(4 * i, 4 * i + 4)]).toEqual([0, 0, 0, 0])
      }
      expect(iou.filter((u) => u < 0.125).length).toBeGreaterThan(250)
    })

    test('ciou with and without detachAlpha, but for the gradient', () => {
      const [held, free] = [on(variant('ciou')), on(variant('ciou', { detachAlpha: false }))]
      expect(free.loss).toEqual(held.loss)
      expect(() => expectClose(free, held, { loss: 0, grad: 1e-3 })).toThrow()
    })
  })

  describe('a third axis', () => {
    const deepen = (rows: FloatArray, z1: number, z2: number): FloatArray =>
      new Boxes(
        Array.from({ length: rows.length / 4 }, (_, i) => [
          ...rows.subarray(4 * i, 4 * i + 2),
          z1,
          ...rows.subarray(4 * i + 2, 4 * i + 4),
          z2,
        ]).flat(),
      )
    const deep = (z1: number, z2: number) => ({
      pred: deepen(valid[2].pred, z1, z2),
      target: deepen(valid[2].target, z1, z2),
    })
    const expectDeep = (actual: Results, flat: Results) => {
      expect(actual.loss).toEqual(flat.loss)
      for (const key of ['grad', 'gradTarget'] as const) expect(actual[key]).toEqual(deepen(flat[key], 0, 0))
    }
    test('on which the boxes match leaves so as it is', () =>
      expectDeep(onCpu(variant('so3'), deep(-2, 5)), on(variant('so'))))
    test.each([
      ['so3', 'so'],
      ['cd3', 'cd'],
      ['sca3', 'sca'],
    ] as const)('on which the boxes are flat: %s is %s', (three, two) => {
      const result = onCpu(variant(three), deep(7, 7))
      expectDeep(result, on(variant(two)))
      expect(result.iou.every((u) => u === 0)).toBe(true)
    })
    test('on which one box is flat and in the other', () => {
      const rows = { pred: Boxes.of(0, 0, 1, 2, 2, 1), target: Boxes.of(0, 0, 0, 2, 2, 4) }
      const { loss, grad, iou } = onCpu(variant('so3'), rows)
      expect([...loss, ...iou]).toEqual([1, 0])
      // Both faces move away from an overlap of 0 over 4.
      expect([...grad]).toEqual([0, 0, 0.25, 0, 0, -0.25])
    })
  })
})
