import { describe, expect, test } from 'vitest'
import type { Corners } from '../../src/core/boxes.js'
import { LOSSES, type LossName } from '../../src/core/losses.js'
import type { LossOptions } from '../../src/core/types.js'
import { slopesOf as differences } from '../../src/grad-check/slopes.js'
import { evaluateIou, evaluateLoss } from '../../src/reference/formulas.js'
import { KINDS } from '../support/random.js'
import {
  ALL,
  axesOf,
  EXACT,
  errorOf,
  evaluate,
  IOU_FAMILY,
  type Pair,
  PLAIN,
  pairsOf,
  slopesOf,
  type Variant,
  valuesOf,
  variant,
} from '../support/variants.js'

// Compares the reference with numbers worked out by hand and with slopes of its own values, also at the points where a
// formula has none. symmetries.test.ts tests relations between its results.

describe('worked by hand', () => {
  // w, h = 3, 1; W, H = 3, 3; overlap 2 x 1; enclosing 4 x 3, its diagonal 5. I = 2, U = 3 + 9 - 2 = 10, C = 12.
  // The centres (1.5, 0.5) and (2.5, 1.5) are 1 and 1 apart; first corners 1 and 0, second 1 and 2.
  const flat: Pair = { pred: [0, 0, 3, 1], target: [1, 0, 4, 3] }
  // The same with a z axis on which both are 0 to 12. Diagonal 13.
  const solid: Pair = { pred: [0, 0, 0, 3, 1, 12], target: [1, 0, 0, 4, 3, 12] }
  const so = 2 - (2 / 4 + 1 / 3)
  const corners = 1 + Math.sqrt(5)
  const v = (4 / Math.PI ** 2) * (Math.PI / 4 - Math.atan(3)) ** 2
  const aspect = v ** 2 / (0.8 + v)
  const siou = (1 - Math.exp(-1 / 16) + (1 - Math.exp(-1 / 9)) + (1 - Math.exp(-2 / 3)) ** 4) / 2 // γ = 1, w = W
  const eiou = 0.8 + 2 / 25 + 4 / 9
  const e = 1e-7
  const official = (Math.hypot(-1 + e, e) + Math.hypot(-1 + e, -2 + e)) / (Math.hypot(4 + e, 3 + e) + e)

  const LOSS_VALUES: [LossName, LossOptions, number][] = [
    ['so', {}, so],
    ['cd', {}, corners / 5],
    ['sca', {}, so + corners / 10],
    ['iou', {}, 0.8],
    ['giou', {}, 0.8 + 2 / 12],
    ['diou', {}, 0.8 + 2 / 25],
    ['ciou', {}, 0.8 + 2 / 25 + aspect],
    ['center', {}, Math.sqrt(2) / 5],
    ['center2', {}, 2 / 25],
    ['iou_cd', {}, 0.8 + corners / 10],
    ['eiou', {}, eiou],
    ['siou', {}, 0.8 + siou],
    ['nwd', { constant: 10 }, 1 - Math.exp(-Math.sqrt(1 + 1 + 1) / 10)], // h − H = 2
    ['mpdiou', { imageWidth: 30, imageHeight: 40 }, 0.8 + (1 + 5) / 2500],
    ['smooth_l1', {}, 0.5 + 0.5 + 1.5],
    ['smooth_l1', { beta: 2 }, 1 / 4 + 1 / 4 + 1],
    ['l1', {}, 1 + 1 + 2],
    ['so3', {}, so],
    ['cd3', {}, corners / 13],
    ['sca3', {}, so + corners / 26],
    ['sca', { alpha: 2 }, so + (2 * corners) / 5],
    ['iou', { mode: 'square' }, 1 - 0.04],
    ['iou', { mode: 'log' }, Math.log(5)],
    ['iou', { mode: 'log', logFloor: 0.5 }, Math.log(2)],
    ['iou', { power: 3 }, 1 - 0.008],
    ['giou', { power: 2 }, 1 - 0.04 + 1 / 36],
    ['ciou', { power: 0.5 }, 1 - Math.sqrt(0.2) + Math.sqrt(2) / 5 + Math.sqrt(aspect)],
    ['ciou', { mode: 'log' }, Math.log(5) + 2 / 25 + aspect],
    ['iou', { inner: 2 }, 1 - 10 / 38], // 6 x 2 and 6 x 6, overlap 5 x 2
    ['diou', { inner: 0.5 }, 1 + 2 / 25], // y from 0.25 to 0.75 and from 0.75 to 2.25
    ['eiou', { focal: 2 }, 0.04 * eiou],
    ['cd', { convention: 'official' }, official],
    ['sca', { convention: 'official' }, so + official],
    ['giou', { convention: 'torchvision' }, 1 - 2 / (10 + e) + 2 / (12 + e)],
    ['diou', { convention: 'torchvision' }, 1 - 2 / (10 + e) + 2 / (25 + e)],
    ['ciou', { convention: 'torchvision' }, 1 - 2 / (10 + e) + 2 / (25 + e) + v ** 2 / (1 - 2 / (10 + e) + v + e)],
  ]
  test.each(LOSS_VALUES)('%s %o', (name, options, expected) => {
    const pair = LOSSES[name].axes === 2 ? flat : solid
    expect(Math.abs(evaluate(variant(name, options), pair).loss - expected)).toBeLessThanOrEqual(1e-15 * expected)
  })

  test('IoU of areas and of volumes', () => {
    expect(evaluateIou(flat.pred, flat.target)).toBe(0.2)
    expect(evaluateIou(solid.pred, solid.target)).toBe(0.2)
    expect(evaluateIou([0, 0, 0, 2, 2, 2], [1, 1, 1, 3, 3, 3])).toBe(1 / 15)
  })

  test('gradients', () => {
    // dL = -(dI - IoU·dU) / U. dI: 0, -2, 1, 2, and half of the -2, for y1 is tied with Y1. dU = d(w·h) - dI: -1, -2,
    // 0, 1.
    const { grad, gradTarget } = evaluate(variant('iou'), flat)
    expect(errorOf(grad, [-0.02, 0.06, -0.1, -0.18])).toBeLessThan(1e-15)
    expect(errorOf(gradTarget, [0.06, 0.06, 0.06, 0.06])).toBeLessThan(1e-15)
    expect(evaluate(variant('l1'), flat).grad).toEqual([-1, 0, -1, -1])
    expect(evaluate(variant('smooth_l1', { beta: 2 }), flat).grad).toEqual([-0.5, 0, -0.5, -1])
  })
})

describe('the gradient is the slope of the loss', () => {
  /** `f` is the loss with whatever is constant to the gradient held as it is at a pair. */
  const expectSlopes = (v: Variant, f: (held: Pair) => (pair: Pair) => number) => {
    const faults: unknown[] = []
    for (const kind of KINDS) {
      const pairs = pairsOf(axesOf(v), kind, 40)
      let checked = 0
      for (const pair of pairs) {
        const n = pair.pred.length
        const loss = f(pair)
        const moved = (x: Float64Array) => loss({ pred: [...x.subarray(0, n)], target: [...x.subarray(n)] })
        const found = differences(moved, Float64Array.of(...pair.pred, ...pair.target), 16)
        if (found === undefined) continue // at a kink
        ++checked
        const actual = slopesOf(v, pair)
        const most = 2e-7 * found.unit
        if (!actual.every((a, k) => Math.abs(a - found.slopes[k]) <= most)) faults.push([kind, pair, actual, found])
      }
      // A root makes noise of what rounding leaves of a term that is 0.
      expect(checked).toBeGreaterThan(v.params.power < 1 ? 5 : 30)
    }
    expect(faults.slice(0, 2)).toEqual([])
  }
  const value = (v: Variant) => (pair: Pair) => evaluateLoss(v.name, pair.pred, pair.target, v.params)

  const nothingHeld = ALL.filter(({ name, params }) => (name !== 'ciou' || !params.detachAlpha) && params.focal === 0)
  test.each(nothingHeld)('$label', (v) => expectSlopes(v, () => value(v)))

  const v = ({ pred, target }: Pair) => {
    const angle = ([x1, y1, x2, y2]: Corners) => Math.atan((x2 - x1) / (y2 - y1))
    return (4 / Math.PI ** 2) * (angle(target) - angle(pred)) ** 2
  }
  const aspectWeight = (pair: Pair) => v(pair) / (1 - evaluateIou(pair.pred, pair.target) + v(pair))

  test.each<LossOptions>([{}, { mode: 'log' }, { mode: 'square' }, { inner: 0.7 }, { convention: 'torchvision' }])(
    'ciou %o: with the weight of the aspect term held',
    (options) => {
      const diou = variant('diou', options)
      expectSlopes(variant('ciou', options), (held) => (pair) => value(diou)(pair) + aspectWeight(held) * v(pair))
    },
  )
  test.each([3, 0.5])('ciou, power %d: with the weight of the aspect term held', (power) => {
    const diou = variant('diou', { power })
    expectSlopes(
      variant('ciou', { power }),
      (held) => (pair) => value(diou)(pair) + Math.max(aspectWeight(held) * v(pair), 0) ** power,
    )
  })

  test('holding the weight makes a difference', () => {
    const pair = { pred: [0, 0, 9, 2], target: [1, 1, 4, 8] }
    const [held, free] = [variant('ciou'), variant('ciou', { detachAlpha: false })]
    expect(evaluate(held, pair).loss).toBe(evaluate(free, pair).loss)
    expect(errorOf(slopesOf(held, pair), slopesOf(free, pair))).toBeGreaterThan(0.1)
  })

  test.each(IOU_FAMILY)('%s: with IoU^focal held', (name) => {
    const [focal, plain] = [variant(name, { focal: 1.5 }), variant(name)]
    for (const pair of KINDS.flatMap((kind) => pairsOf(2, kind, 40))) {
      const weight = Math.max(evaluateIou(pair.pred, pair.target), 0) ** 1.5
      expect(valuesOf(focal, pair)).toEqual(valuesOf(plain, pair).map((x) => (weight === 0 ? 0 : weight * x)))
    }
  })
})

describe('a perfect match', () => {
  const BOXES = { 2: [-3.3, 0.1, 5.7, 900.2], 3: [-3.3, 0.1, 7, 5.7, 900.2, 7.3] }
  const zeros = (axes: 2 | 3) => Array(1 + 4 * axes).fill(0)

  test.each(EXACT)('$label: +0, gradients +0', (v) => {
    const axes = axesOf(v)
    for (const scale of [1, 1e-300, 1e300]) {
      const box = BOXES[axes].map((x) => x * scale)
      expect(valuesOf(v, { pred: box, target: box })).toEqual(zeros(axes))
    }
  })

  // IoU is 0 where the union is empty: there the rest of the formula is 0, and 1 - IoU is not.
  test.each(PLAIN)('$label of a point or a line', (v) => {
    const axes = axesOf(v)
    const point = [7, -2, 7, -2]
    const line = [7, -2, 7, 3]
    for (const box of axes === 2 ? [point, line] : [BOXES[3].map(() => 5), [1, 2, 3, 1, 2, 4]]) {
      const expected = zeros(axes).with(0, IOU_FAMILY.includes(v.name) ? 1 : 0)
      expect(valuesOf(v, { pred: box, target: box })).toEqual(expected)
    }
  })
})

describe('kinks and singular points', () => {
  const CASES: Record<string, Pair> = {
    'touching edges': { pred: [0, 0, 2, 2], target: [2, 0, 4, 2] },
    'touching corners': { pred: [0, 0, 2, 2], target: [2, 2, 3, 5] },
    'the same point': { pred: [3, 3, 3, 3], target: [3, 3, 3, 3] },
    'two points': { pred: [3, 3, 3, 3], target: [3, 4, 3, 4] },
    'a point in a box': { pred: [3, 3, 3, 3], target: [0, 0, 6, 6] },
    'two lines that cross': { pred: [0, 1, 4, 1], target: [2, 0, 2, 3] },
    'two lines in a row': { pred: [0, 1, 4, 1], target: [5, 1, 6, 1] },
    'the same line': { pred: [0, 1, 4, 1], target: [0, 1, 4, 1] },
    'apart, centres on a line': { pred: [0, 0, 2, 2], target: [5, 0, 7, 2] },
    concentric: { pred: [0, 0, 4, 4], target: [1, 1, 3, 3] },
  }
  const deepen = (box: Corners) => [box[0], box[1], box[0], box[2], box[3], box[2]]

  test.each(ALL)('$label is finite', (v) => {
    for (const [name, { pred, target }] of Object.entries(CASES)) {
      const pair = axesOf(v) === 2 ? { pred, target } : { pred: deepen(pred), target: deepen(target) }
      expect(valuesOf(v, pair).every(Number.isFinite), name).toBe(true)
    }
  })

  test('max(t, 0) at 0 has slope 0', () => {
    expect(valuesOf(variant('iou'), CASES['touching edges'])).toEqual([1, ...Array(8).fill(0)])
  })

  test('tied edges have half of the slope each', () => {
    const pair = { pred: [0, 0, 2, 2], target: [0, 0, 4, 4] }
    expect(evaluate(variant('so'), pair)).toEqual({
      loss: 1,
      // x1 has half of -1/4 from wmin and of -1/8 (-2/4²) from wmax.
      grad: [1 / 16, 1 / 16, -1 / 4, -1 / 4],
      gradTarget: [1 / 16, 1 / 16, 1 / 8, 1 / 8],
    })
  })

  test('below its floor the logarithm is flat', () => {
    const pair = { pred: [0, 0, 4, 4], target: [3, 3, 7, 7] } // IoU 1/31
    const flat = variant('iou', { mode: 'log', logFloor: 0.04 })
    expect(valuesOf(flat, pair)).toEqual([-Math.log(0.04), ...Array(8).fill(0)])
    expect(evaluate(variant('iou', { mode: 'log' }), pair).loss).toBeCloseTo(Math.log(31), 14)
  })

  test('siou with centres on a line has no angle cost', () => {
    const expected = 1 + (1 - Math.exp(-2 * (5 / 7) ** 2)) / 2
    expect(evaluate(variant('siou'), CASES['apart, centres on a line']).loss).toBeCloseTo(expected, 14)
  })

  test.each(ALL)('$label is NaN where a coordinate is not finite', (v) => {
    const [pair] = pairsOf(axesOf(v), 'overlap', 1)
    for (const bad of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
      const broken = { pred: pair.pred.with(1, bad), target: pair.target }
      expect(new Set(valuesOf(v, broken))).toEqual(new Set([Number.NaN]))
      expect(evaluateIou(broken.pred, broken.target)).toBeNaN()
    }
  })
})
