import { describe, expect, test } from 'vitest'
import { boxLoss } from '../../src/calls/box-loss.js'
import * as namedLosses from '../../src/calls/named-losses.js'
import { FORMATS } from '../../src/core/formats.js'
import type { BackendName, FloatArray, Format, LossName } from '../../src/core/types.js'
import { EVERY_BACKEND } from '../support/backends.js'
import { mapRows, randomPairs, toFormat } from '../support/random.js'
import { axesOf, functionOf, PLAIN } from '../support/variants.js'

// Options of the call, which have the same effect for every loss. loss-options.test.ts has those of the losses.

const N = 37
const CONFIGURATIONS = EVERY_BACKEND.flatMap((backend) =>
  PLAIN.flatMap((v) => [
    { backend, v, name: v.name, Boxes: Float32Array, dtype: 'float32' },
    { backend, v, name: v.name, Boxes: Float64Array, dtype: 'float64' },
  ]),
)
/** The corners that the numbers of a box stand for. */
const CORNERS: Record<Format, (row: number[]) => number[]> = {
  xyxy: (row) => row,
  xywh: (row) => row.map((v, k) => (2 * k < row.length ? v : v + row[k - row.length / 2])),
  cxcywh: (row) =>
    row.map((v, k) => (2 * k < row.length ? v - row[k + row.length / 2] / 2 : row[k - row.length / 2] + v / 2)),
  yxyx: ([y1, x1, y2, x2]) => [x1, y1, x2, y2],
}
const numbers = (value: number | FloatArray | undefined) =>
  value === undefined ? [] : typeof value === 'number' ? [value] : [...value]
const isZero = (v: number) => Object.is(v, 0)
function sum(values: FloatArray): number {
  let total = 0
  for (const v of values) total += v
  return total
}

describe.each(CONFIGURATIONS)('$name on $backend in $dtype', ({ backend, Boxes, v }) => {
  const { name } = v
  const axes = axesOf(v)
  const width = 2 * axes
  const rowOf = (j: number) => Math.floor(j / width)
  const epsilon = Boxes === Float32Array ? 2 ** -23 : 2 ** -52
  const { pred, target } = randomPairs(Boxes, N, { seed: 20, step: 1 / 64, axes })
  const perRow = (value: (i: number) => number) => new Boxes(N).map((_, i) => value(i))
  const own = { ...v.options, backend } as const
  const all = { ...own, reduction: 'none', gradTarget: true, iou: true } as const
  const plain = boxLoss(name, pred, target, all)

  /** Equal but for the rounding of a few operations on numbers of the size of `sizes`. */
  function expectClose(actual: number | FloatArray, expected: FloatArray | number, sizes = expected) {
    const [a, e, size] = [actual, expected, sizes].map(numbers)
    expect(a).toHaveLength(e.length)
    a.forEach((x, i) => void expect(Math.abs(x - e[i])).toBeLessThanOrEqual(4 * epsilon * Math.abs(size[i])))
  }

  test.each(axes === 2 ? FORMATS : FORMATS.filter((format) => format !== 'yxyx'))(
    'format %s: the same loss, and gradients for its own numbers by the chain rule',
    (format) => {
      const result = boxLoss(name, toFormat(pred, format, axes), toFormat(target, format, axes), { ...all, format })
      expect(result.loss).toEqual(plain.loss)
      expect(result.iou).toEqual(plain.iou)
      expect(result.invalid).toBe(0)
      // What each number of a box does to the corners.
      const moves = Array.from({ length: width }, (_, k) =>
        CORNERS[format](Array.from({ length: width }, (_, j) => (j === k ? 1 : 0))),
      )
      const carried = (rows: FloatArray) =>
        mapRows(rows, (row) => moves.map((move) => move.reduce((slope, by, j) => slope + by * row[j], 0)), width)
      for (const key of ['grad', 'gradTarget'] as const) {
        const largest = mapRows(plain[key], (row) => row.map(() => Math.max(...row.map(Math.abs))), width)
        expectClose(result[key], carried(plain[key]), largest)
      }
    },
  )

  test('reduction: none, sum, and mean by default', () => {
    expect(plain.loss).toHaveLength(N)
    const total = boxLoss(name, pred, target, { ...all, reduction: 'sum' })
    const mean = boxLoss(name, pred, target, { ...all, reduction: 'mean' })
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
    expect(boxLoss(name, pred, target, { ...own, gradTarget: true, iou: true })).toEqual(mean)
  })

  describe('weight', () => {
    const weight = perRow((i) => i / 8)
    test('multiplies losses and gradients; the mean is still over N', () => {
      const weighted = boxLoss(name, pred, target, { ...all, weight })
      expectClose(
        weighted.loss,
        plain.loss.map((l, i) => l * weight[i]),
      )
      expectClose(
        weighted.grad,
        plain.grad.map((g, j) => g * weight[rowOf(j)]),
      )
      expectClose(
        weighted.gradTarget,
        plain.gradTarget.map((g, j) => g * weight[rowOf(j)]),
      )
      expect(weighted.iou).toEqual(plain.iou)
      const mean = boxLoss(name, pred, target, { ...own, weight })
      expectClose(mean.loss, sum(weighted.loss) / N)
      expectClose(
        mean.grad,
        weighted.grad.map((g) => g / N),
      )
    })
    test.each([0, -0])('%d gives exactly 0 loss and gradient, whatever the box holds', (zero) => {
      const holes = pred.slice()
      for (const [i, value] of [Number.NaN, Infinity, -Infinity, 1e38].entries())
        holes.fill(value, width * i, width * (i + 1))
      const masked = perRow((i) => (i < 5 ? zero : 1))
      const { loss, grad, gradTarget, invalid } = boxLoss(name, holes, target, { ...all, weight: masked })
      const rows = [loss.subarray(0, 5), grad.subarray(0, 5 * width), gradTarget.subarray(0, 5 * width)]
      expect(rows.flatMap(numbers).every(isZero)).toBe(true)
      expect(loss.subarray(5)).toEqual(plain.loss.subarray(5))
      expect(grad.subarray(5 * width)).toEqual(plain.grad.subarray(5 * width))
      expect(invalid).toBe(3)
      expectClose(boxLoss(name, holes, target, { ...own, weight: masked }).loss, sum(plain.loss.subarray(5)) / N)
    })
  })

  describe('normalizer', () => {
    test.each(['mean', 'sum'] as const)('divides the sum, with reduction %s', (reduction) => {
      const { loss, grad, gradTarget } = boxLoss(name, pred, target, { ...all, reduction, normalizer: 2.5 })
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
      const holes = pred.slice().fill(Number.NaN, width, 2 * width + 1)
      for (const reduction of ['mean', 'sum'] as const) {
        const { loss, grad, gradTarget, invalid } = boxLoss(name, holes, target, { ...all, reduction, normalizer })
        expect([loss, ...grad, ...gradTarget].every(isZero)).toBe(true)
        expect(invalid).toBe(2)
      }
    })
  })

  test.each([0, 0.3, -2])('lossWeight %d multiplies loss and gradient', (lossWeight) => {
    const none = boxLoss(name, pred, target, { ...all, lossWeight })
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
    const total = boxLoss(name, pred, target, { ...own, reduction: 'sum', lossWeight })
    expectClose(total.loss, sum(plain.loss) * lossWeight)
    expectClose(total.grad, none.grad)
  })

  test.each(['none', 'sum', 'mean'] as const)('gradOutput, a number: multiplies the gradients of %s', (reduction) => {
    const before = boxLoss(name, pred, target, { ...all, reduction })
    const after = boxLoss(name, pred, target, { ...all, reduction, gradOutput: -1.7 })
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
    const { loss, grad, gradTarget } = boxLoss(name, pred, target, { ...all, gradOutput, weight, lossWeight: 0.5 })
    const factor = (j: number) => gradOutput[rowOf(j)] * weight[rowOf(j)] * 0.5
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
    const defaults = boxLoss(name, pred, target, { ...own, reduction: 'none' })
    expect(defaults.grad).toEqual(plain.grad)
    for (const grad of [true, false]) {
      for (const gradTarget of [true, false]) {
        for (const iou of [true, false]) {
          const result = boxLoss(name, pred, target, { ...own, reduction: 'none', grad, gradTarget, iou })
          expect(result.loss).toEqual(plain.loss)
          expect(result.grad).toEqual(grad ? plain.grad : undefined)
          expect(result.gradTarget).toEqual(gradTarget ? plain.gradTarget : undefined)
          expect(result.iou).toEqual(iou ? plain.iou : undefined)
        }
      }
    }
    expect([defaults.gradTarget, defaults.iou]).toEqual([undefined, undefined])
    // The target's gradient is the prediction's, with the roles exchanged.
    expect(boxLoss(name, target, pred, { ...own, reduction: 'none' }).grad).toEqual(plain.gradTarget)
  })
})

describe.each([Float32Array, Float64Array])('iou of $name', (Boxes) => {
  const iouOf = (name: LossName, backend: BackendName, pred: number[], target: number[]) =>
    boxLoss(name, Boxes.from(pred), Boxes.from(target), { backend, iou: true, weight: Boxes.of(0.25) }).iou

  test.each([
    { boxes: 'sharing a quarter', a: [0, 0, 2, 2], b: [1, 1, 3, 3], expected: 1 / 7 },
    { boxes: 'equal', a: [3, 1, 5, 9], b: [3, 1, 5, 9], expected: 1 },
    { boxes: 'nested', a: [0, 0, 4, 4], b: [1, 1, 2, 3], expected: 1 / 8 },
    { boxes: 'touching', a: [0, 0, 1, 1], b: [1, 0, 2, 1], expected: 0 },
    { boxes: 'apart', a: [0, 0, 1, 1], b: [5, 6, 7, 8], expected: 0 },
    { boxes: 'two equal points', a: [1, 1, 1, 1], b: [1, 1, 1, 1], expected: 0 },
    { boxes: 'two lines', a: [0, 0, 4, 0], b: [1, 0, 3, 0], expected: 0 },
    { boxes: 'a line in a box', a: [1, 0, 1, 4], b: [0, 0, 4, 4], expected: 0 },
  ])('boxes $boxes', ({ a, b, expected }) => {
    for (const backend of EVERY_BACKEND) expect(iouOf('sca', backend, a, b)).toEqual(Boxes.of(expected))
  })

  test.each([
    { boxes: 'sharing an eighth', a: [0, 0, 0, 2, 2, 2], b: [1, 1, 1, 3, 3, 3], expected: 1 / 15 },
    { boxes: 'equal', a: [3, 1, 0, 5, 9, 2], b: [3, 1, 0, 5, 9, 2], expected: 1 },
    { boxes: 'nested', a: [0, 0, 0, 4, 4, 2], b: [1, 1, 1, 2, 3, 2], expected: 1 / 16 },
    { boxes: 'apart on z alone', a: [0, 0, 0, 4, 4, 2], b: [0, 0, 3, 4, 4, 4], expected: 0 },
    { boxes: 'two flat ones', a: [0, 0, 1, 4, 4, 1], b: [0, 0, 1, 4, 4, 1], expected: 0 },
  ])('boxes of three axes $boxes', ({ a, b, expected }) => {
    for (const backend of EVERY_BACKEND) expect(iouOf('so3', backend, a, b)).toEqual(Boxes.of(expected))
  })
})

test.each(PLAIN)('$label by its own name is boxLoss with that name', (v) => {
  const { pred, target } = randomPairs(Float32Array, N, { seed: 20, axes: axesOf(v) })
  const options = { ...v.options, backend: 'cpu', reduction: 'none', gradTarget: true } as const
  const named = (namedLosses as unknown as Record<string, (...args: unknown[]) => unknown>)[functionOf(v.name)]
  expect(named).toHaveProperty('name', functionOf(v.name))
  expect(named?.(pred, target, options)).toEqual(boxLoss(v.name, pred, target, options))
})
