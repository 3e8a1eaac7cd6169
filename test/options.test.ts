import { describe, expect, test } from 'vitest'
import { boxLoss, cdLoss, scaLoss, soLoss } from '../src/box-loss.js'
import { FORMATS } from '../src/formats.js'
import type { FloatArray } from '../src/types.js'
import { chooseSteps, gradientFaults, numericGradient } from './support/gradcheck.js'
import { randomPairs, toFormat } from './support/random.js'

const N = 37
const CONFIGURATIONS = (['cpu', 'js'] as const).flatMap((backend) => [
  { backend, Boxes: Float32Array, dtype: 'float32' },
  { backend, Boxes: Float64Array, dtype: 'float64' },
])
const numbers = (value: number | FloatArray | undefined) =>
  value === undefined ? [] : typeof value === 'number' ? [value] : [...value]
const isZero = (v: number) => Object.is(v, 0)
function sum(values: FloatArray): number {
  let total = 0
  for (const v of values) total += v
  return total
}

/** The authors' loss of one pair, as their code computes it. */
function official([x1, y1, x2, y2]: FloatArray, [X1, Y1, X2, Y2]: FloatArray, alpha: number): number {
  const eps = 1e-7
  const width = Math.max(x2, X2) - Math.min(x1, X1)
  const height = Math.max(y2, Y2) - Math.min(y1, Y1)
  const so = (Math.min(x2, X2) - Math.max(x1, X1)) / width + (Math.min(y2, Y2) - Math.max(y1, Y1)) / height
  const distance = (dx: number, dy: number) => Math.sqrt((dx + eps) ** 2 + (dy + eps) ** 2)
  const cd = (distance(x1 - X1, y1 - Y1) + distance(x2 - X2, y2 - Y2)) / (distance(width, height) + eps)
  return 1 - (so - alpha * cd - 1)
}

describe.each(CONFIGURATIONS)('$backend, $dtype', ({ backend, Boxes }) => {
  const epsilon = Boxes === Float32Array ? 2 ** -23 : 2 ** -52
  const { pred, target } = randomPairs(Boxes, N, { seed: 20, step: 1 / 64 })
  const perRow = (value: (i: number) => number) => new Boxes(N).map((_, i) => value(i))
  const all = { backend, reduction: 'none', gradTarget: true, iou: true } as const
  const plain = boxLoss('sca', pred, target, all)

  /** Equal but for the rounding of a few operations. */
  function expectClose(actual: number | FloatArray, expected: ArrayLike<number> | number) {
    const [a, e] = [numbers(actual), typeof expected === 'number' ? [expected] : Array.from(expected)]
    expect(a).toHaveLength(e.length)
    const size = Math.max(...e.map(Math.abs))
    a.forEach((v, i) => void expect(Math.abs(v - e[i])).toBeLessThanOrEqual(8 * epsilon * size))
  }

  describe('alpha', () => {
    test.each([0, 0.25, 1, 3, -1])('%d: sca is so + alpha · cd', (alpha) => {
      const so = boxLoss('so', pred, target, all)
      const cd = boxLoss('cd', pred, target, all)
      const sca = boxLoss('sca', pred, target, { ...all, alpha })
      for (const key of ['loss', 'grad', 'gradTarget'] as const) {
        expectClose(
          sca[key],
          so[key].map((v: number, i: number) => v + alpha * cd[key][i]),
        )
      }
    })
    test('is 0.5 by default, and nothing to so and cd', () => {
      expect(boxLoss('sca', pred, target, { ...all, alpha: 0.5 })).toEqual(plain)
      for (const name of ['so', 'cd'] as const) {
        expect(boxLoss(name, pred, target, { ...all, alpha: 7 })).toEqual(boxLoss(name, pred, target, all))
      }
    })
  })

  test('the functions of one name are boxLoss with that name', () => {
    expect(scaLoss(pred, target, all)).toEqual(plain)
    expect(soLoss(pred, target, all)).toEqual(boxLoss('so', pred, target, all))
    expect(cdLoss(pred, target, all)).toEqual(boxLoss('cd', pred, target, all))
  })

  test.each(FORMATS)('format %s: the same loss, and gradients for its own numbers', (format) => {
    const [p, t] = [toFormat(pred, format), toFormat(target, format)]
    const result = boxLoss('sca', p, t, { ...all, format })
    expect(result.loss).toEqual(plain.loss)
    expect(result.iou).toEqual(plain.iou)
    const boxes = { pred: Float64Array.from(p), target: Float64Array.from(t) }
    const losses = (a: FloatArray, b: FloatArray) => boxLoss('sca', a, b, { backend, format, reduction: 'none' }).loss
    const { steps, atKink } = chooseSteps(pred, target)
    const bounds = { element: 2e-6, relativeL2: 1e-6, direction: 1e-12, bias: 1e-7 }
    expect(atKink.size).toBeLessThan(4)
    for (const [argument, grad] of [
      ['pred', result.grad],
      ['target', result.gradTarget],
    ] as const) {
      expect(gradientFaults(grad, numericGradient(losses, boxes, argument, steps), bounds, atKink)).toEqual([])
    }
  })

  test('reduction: none, sum, and mean by default', () => {
    expect(plain.loss).toHaveLength(N)
    const total = boxLoss('sca', pred, target, { ...all, reduction: 'sum' })
    const mean = boxLoss('sca', pred, target, { ...all, reduction: 'mean' })
    expectClose(total.loss, sum(plain.loss))
    expect(total.grad).toEqual(plain.grad)
    expectClose(mean.loss, sum(plain.loss) / N)
    expectClose(
      mean.grad,
      plain.grad.map((g) => g / N),
    )
    expectClose(
      mean.gradTarget,
      plain.gradTarget.map((g) => g / N),
    )
    expect(boxLoss('sca', pred, target, { backend, gradTarget: true, iou: true })).toEqual(mean)
  })

  describe('weight', () => {
    const weight = perRow((i) => i / 8)
    test('multiplies losses and gradients; the mean is still over N', () => {
      const weighted = boxLoss('sca', pred, target, { ...all, weight })
      expectClose(
        weighted.loss,
        plain.loss.map((l, i) => l * weight[i]),
      )
      expectClose(
        weighted.grad,
        plain.grad.map((g, j) => g * weight[j >> 2]),
      )
      expectClose(
        weighted.gradTarget,
        plain.gradTarget.map((g, j) => g * weight[j >> 2]),
      )
      expect(weighted.iou).toEqual(plain.iou)
      const mean = boxLoss('sca', pred, target, { backend, weight })
      expectClose(mean.loss, sum(weighted.loss) / N)
      expectClose(
        mean.grad,
        weighted.grad.map((g) => g / N),
      )
    })
    test.each([0, -0])('%d gives exactly 0 loss and gradient, whatever the box holds', (zero) => {
      const holes = pred.slice()
      for (const [i, value] of [Number.NaN, Infinity, -Infinity, 1e38].entries()) holes.fill(value, 4 * i, 4 * i + 4)
      const masked = perRow((i) => (i < 5 ? zero : 1))
      const { loss, grad, gradTarget, invalid } = boxLoss('sca', holes, target, { ...all, weight: masked })
      const rows = [loss.subarray(0, 5), grad.subarray(0, 20), gradTarget.subarray(0, 20)]
      expect(rows.flatMap(numbers).every(isZero)).toBe(true)
      expect(loss.subarray(5)).toEqual(plain.loss.subarray(5))
      expect(grad.subarray(20)).toEqual(plain.grad.subarray(20))
      expect(invalid).toBe(3)
      expectClose(boxLoss('sca', holes, target, { backend, weight: masked }).loss, sum(plain.loss.subarray(5)) / N)
    })
  })

  describe('normalizer', () => {
    test.each(['mean', 'sum'] as const)('divides the sum, with reduction %s', (reduction) => {
      const { loss, grad, gradTarget } = boxLoss('sca', pred, target, { ...all, reduction, normalizer: 2.5 })
      expectClose(loss, sum(plain.loss) / 2.5)
      expectClose(
        grad,
        plain.grad.map((g) => g / 2.5),
      )
      expectClose(
        gradTarget,
        plain.gradTarget.map((g) => g / 2.5),
      )
    })
    test.each([0, -0, -3])('%d gives loss 0 and gradient 0; invalid rows are still counted', (normalizer) => {
      const holes = pred.slice().fill(Number.NaN, 4, 9)
      for (const reduction of ['mean', 'sum'] as const) {
        const { loss, grad, gradTarget, invalid } = boxLoss('sca', holes, target, { ...all, reduction, normalizer })
        expect([loss, ...grad, ...gradTarget].every(isZero)).toBe(true)
        expect(invalid).toBe(2)
      }
    })
  })

  test.each([0, 0.3, -2])('lossWeight %d multiplies loss and gradient', (lossWeight) => {
    const none = boxLoss('sca', pred, target, { ...all, lossWeight })
    expectClose(
      none.loss,
      plain.loss.map((l) => l * lossWeight),
    )
    expectClose(
      none.grad,
      plain.grad.map((g) => g * lossWeight),
    )
    expectClose(
      none.gradTarget,
      plain.gradTarget.map((g) => g * lossWeight),
    )
    const total = boxLoss('sca', pred, target, { backend, reduction: 'sum', lossWeight })
    expectClose(total.loss, sum(plain.loss) * lossWeight)
    expectClose(total.grad, none.grad)
  })

  test.each(['none', 'sum', 'mean'] as const)('gradOutput, a number: multiplies the gradients of %s', (reduction) => {
    const before = boxLoss('sca', pred, target, { ...all, reduction })
    const after = boxLoss('sca', pred, target, { ...all, reduction, gradOutput: -1.7 })
    expect(after.loss).toEqual(before.loss)
    expectClose(
      after.grad,
      before.grad.map((g) => g * -1.7),
    )
    expectClose(
      after.gradTarget,
      before.gradTarget.map((g) => g * -1.7),
    )
  })
  test('gradOutput, an array: one factor a row, on top of weight and lossWeight', () => {
    const gradOutput = perRow((i) => i / 4 - 3)
    const weight = perRow((i) => 1 + (i % 3))
    const { loss, grad, gradTarget } = boxLoss('sca', pred, target, { ...all, gradOutput, weight, lossWeight: 0.5 })
    const factor = (j: number) => gradOutput[j >> 2] * weight[j >> 2] * 0.5
    expectClose(
      loss,
      plain.loss.map((l, i) => l * weight[i] * 0.5),
    )
    expectClose(
      grad,
      plain.grad.map((g, j) => g * factor(j)),
    )
    expectClose(
      gradTarget,
      plain.gradTarget.map((g, j) => g * factor(j)),
    )
  })

  test('grad, gradTarget, iou: each result only where asked for, and the same whatever else is', () => {
    const defaults = boxLoss('sca', pred, target, { backend, reduction: 'none' })
    expect(defaults.grad).toEqual(plain.grad)
    for (const grad of [true, false]) {
      for (const gradTarget of [true, false]) {
        for (const iou of [true, false]) {
          const result = boxLoss('sca', pred, target, { backend, reduction: 'none', grad, gradTarget, iou })
          expect(result.loss).toEqual(plain.loss)
          expect(result.grad).toEqual(grad ? plain.grad : undefined)
          expect(result.gradTarget).toEqual(gradTarget ? plain.gradTarget : undefined)
          expect(result.iou).toEqual(iou ? plain.iou : undefined)
        }
      }
    }
    expect([defaults.gradTarget, defaults.iou]).toEqual([undefined, undefined])
    // The target's gradient is the prediction's, with the roles exchanged.
    expect(boxLoss('sca', target, pred, { backend, reduction: 'none' }).grad).toEqual(plain.gradTarget)
  })

  test.each([
    { boxes: 'sharing a quarter', a: [0, 0, 2, 2], b: [1, 1, 3, 3], expected: 1 / 7 },
    { boxes: 'equal', a: [3, 1, 5, 9], b: [3, 1, 5, 9], expected: 1 },
    { boxes: 'nested', a: [0, 0, 4, 4], b: [1, 1, 2, 3], expected: 1 / 8 },
    { boxes: 'touching', a: [0, 0, 1, 1], b: [1, 0, 2, 1], expected: 0 },
    { boxes: 'apart', a: [0, 0, 1, 1], b: [5, 6, 7, 8], expected: 0 },
    { boxes: 'two equal points', a: [1, 1, 1, 1], b: [1, 1, 1, 1], expected: 0 },
    { boxes: 'two lines', a: [0, 0, 4, 0], b: [1, 0, 3, 0], expected: 0 },
    { boxes: 'a line in a box', a: [1, 0, 1, 4], b: [0, 0, 4, 4], expected: 0 },
  ])('iou of boxes $boxes', ({ a, b, expected }) => {
    const { iou } = boxLoss('sca', Boxes.from(a), Boxes.from(b), { backend, iou: true, weight: Boxes.of(0.25) })
    expect(iou).toEqual(Boxes.of(expected))
  })

  describe('convention official', () => {
    // Small boxes, so that 1e-7 counts: they differ by less than that where they are near.
    const tiny = randomPairs(Boxes, 40, { seed: 21 })
    const p = tiny.pred.map((v) => v * 1e-6)
    const t = tiny.target.map((v) => v * 1e-6)
    const row = (rows: FloatArray, i: number) => rows.subarray(4 * i, 4 * i + 4)
    const options = { ...all, convention: 'official' } as const

    test.each([undefined, 0.5, 2])('is the loss of the authors’ code, alpha %s (1 by default)', (alpha) => {
      const { loss } = boxLoss('sca', p, t, alpha === undefined ? options : { ...options, alpha })
      const exact = boxLoss('sca', p, t, { ...all, alpha: alpha ?? 1 }).loss
      const expected = loss.map((_, i) => official(row(p, i), row(t, i), alpha ?? 1))
      loss.forEach((l, i) => void expect(Math.abs(l - expected[i])).toBeLessThanOrEqual(32 * epsilon))
      expect(Math.max(...exact.map((l, i) => Math.abs(l - expected[i])))).toBeGreaterThan(1e-3)
    })
    test('has that loss’ gradient', () => {
      const double = { pred: Float64Array.from(p), target: Float64Array.from(t) }
      const losses = (a: FloatArray, b: FloatArray) =>
        Float64Array.from({ length: 40 }, (_, i) => official(row(a, i), row(b, i), 1))
      const { grad, gradTarget } = boxLoss('sca', p, t, options)
      const { steps, atKink } = chooseSteps(p, t)
      const bounds = { element: 1e-5, relativeL2: 1e-5, direction: 1e-10, bias: 1e-6 }
      for (const [argument, actual] of [
        ['pred', grad],
        ['target', gradTarget],
      ] as const) {
        expect(gradientFaults(actual, numericGradient(losses, double, argument, steps), bounds, atKink)).toEqual([])
      }
    })
    test.each([undefined, 0.5])('pushes a perfect match towards smaller coordinates, alpha %s', (alpha) => {
      const box = Boxes.of(10, 20, 40, 60) // diagonal 50
      const { loss, grad } = boxLoss('sca', box, box, alpha === undefined ? options : { ...options, alpha })
      const strength = (Math.SQRT1_2 * (alpha ?? 1)) / 50
      for (const g of grad) expect(Math.abs(g / strength - 1)).toBeLessThan(1e-4)
      expect(loss[0] / ((2 * Math.SQRT2 * 1e-7 * (alpha ?? 1)) / 50)).toBeCloseTo(1, 5)
    })
    test('leaves the side overlap as it is', () => {
      expect(boxLoss('so', p, t, options)).toEqual(boxLoss('so', p, t, all))
      expect(boxLoss('sca', p, t, { ...all, convention: 'exact' })).toEqual(boxLoss('sca', p, t, all))
    })
  })
})
