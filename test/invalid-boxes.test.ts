import { describe, expect, test } from 'vitest'
import { boxLoss } from '../src/box-loss.js'
import type { FloatArray } from '../src/types.js'
import { mulberry32, randomPairs } from './support/random.js'

const POISON = 12345
const CONFIGURATIONS = (['cpu', 'js'] as const).flatMap((backend) => [
  { backend, Boxes: Float32Array, dtype: 'float32' },
  { backend, Boxes: Float64Array, dtype: 'float64' },
])
const isZero = (v: number) => Object.is(v, 0)
const GOOD = [0, 0, 4, 4]

describe.each(CONFIGURATIONS)('$backend, $dtype', ({ backend, Boxes }) => {
  const all = { backend, reduction: 'none', gradTarget: true, iou: true } as const

  describe('onInvalid', () => {
    const rows = Boxes.from([...GOOD, 3, 0, 1, 2, ...GOOD, Number.NaN, 0, 1, 1])
    const others = Boxes.from([...GOOD, ...GOOD, 0, 0, Infinity, 4, ...GOOD])

    test('propagate, the default: the formulas as they stand', () => {
      const { loss, grad, invalid } = boxLoss('so', rows, others, all)
      // Row 1, x: 1 - (-2 / 4), y: 1 - 2 / 4; the edges y1 tie.
      expect([loss[0], loss[1], loss[3], invalid]).toEqual([0, 2, Number.NaN, 3])
      expect(grad.slice(4, 8)).toEqual(Boxes.of(0.25, 0.0625, -0.25, -0.25))
      expect(boxLoss('so', rows, others, { backend }).loss).toBeNaN()
      expect(boxLoss('so', rows, others, { ...all, onInvalid: 'propagate' })).toEqual(boxLoss('so', rows, others, all))
    })

    test('ignore: the row counts 0, in a mean over all rows', () => {
      const result = boxLoss('sca', rows, others, { ...all, onInvalid: 'ignore' })
      expect([...result.loss, ...result.grad, ...result.gradTarget].every(isZero)).toBe(true)
      expect(result.iou).toEqual(Boxes.of(1, 0, 0, 0))
      expect(result.invalid).toBe(3)
      const [pred, target] = [Boxes.from([...rows, 0, 0, 2, 2]), Boxes.from([...others, 0, 0, 2, 4])]
      const mean = boxLoss('so', pred, target, { backend, onInvalid: 'ignore' })
      expect(mean.loss).toBe(0.5 / 5)
      expect(mean.grad.slice(0, 16).every(isZero)).toBe(true)
      expect(mean.grad[19]).toBeCloseTo(-0.25 / 5, 7)
    })

    test.each([
      { argument: 'pred', row: 1, format: 'xyxy', bad: [3, 0, 1, 2], shown: '3, 0, 1, 2' },
      { argument: 'pred', row: 0, format: 'yxyx', bad: [3, 0, 1, 2], shown: '3, 0, 1, 2' },
      { argument: 'pred', row: 2, format: 'xywh', bad: [1, 1, 2, -1], shown: '1, 1, 2, -1' },
      { argument: 'target', row: 0, format: 'cxcywh', bad: [1, 1, -2, 1], shown: '1, 1, -2, 1' },
      { argument: 'target', row: 2, format: 'xyxy', bad: [0, Number.NaN, 1, 1], shown: '0, NaN, 1, 1' },
      { argument: 'target', row: 1, format: 'xywh', bad: [0, 0, Infinity, 1], shown: '0, 0, Infinity, 1' },
    ] as const)('throw: names row $row of $argument as $format, writes nothing', (fault) => {
      const { argument, row, format, bad, shown } = fault
      const boxes = { pred: new Boxes(12).fill(1), target: new Boxes(12).fill(1) }
      boxes[argument].set(bad, 4 * row)
      const out = { loss: new Boxes(3).fill(POISON), grad: new Boxes(12).fill(POISON) }
      const options = { backend, reduction: 'none', format, onInvalid: 'throw', out } as const
      const call = () => boxLoss('sca', boxes.pred, boxes.target, options)
      expect(call).toThrow(expect.objectContaining({ name: 'ScaLossError', code: 'ERR_SCALOSS_INVALID_BOX' }))
      expect(call).toThrow(new RegExp(`^${argument}: row ${row} .*\\[${shown}\\] as '${format}'`))
      expect([...out.loss, ...out.grad].every((v) => v === POISON)).toBe(true)
    })

    test.each(['ignore', 'throw'] as const)('%s: does nothing to boxes that are finite and ordered', (onInvalid) => {
      const { pred, target } = randomPairs(Boxes, 50, { seed: 30 })
      expect(boxLoss('sca', pred, target, { ...all, onInvalid })).toEqual(boxLoss('sca', pred, target, all))
    })
  })

  describe('invalid', () => {
    const bad = { NaN: Number.NaN, Infinity, '-Infinity': -Infinity }
    const singles = Object.entries(bad).flatMap(([name, value]) => [0, 1, 2, 3].map((k) => ({ name, value, k })))
    test.each(singles)('counts a row with $name as coordinate $k', ({ value, k }) => {
      const good = Boxes.from(GOOD)
      const box = good.map((v, j) => (j === k ? value : v))
      expect(boxLoss('sca', box, good, { backend }).invalid).toBe(1)
      expect(boxLoss('sca', good, box, { backend }).invalid).toBe(1)
      expect(boxLoss('sca', box, box, { backend }).invalid).toBe(1)
    })

    test.each([
      { boxes: 'x2 < x1', box: [2, 0, 1, 1], expected: 1 },
      { boxes: 'y2 < y1', box: [0, 2, 1, 1], expected: 1 },
      { boxes: 'a point', box: [1, 1, 1, 1], expected: 0 },
      { boxes: 'a line', box: [1, 1, 1, 5], expected: 0 },
      { boxes: 'negative coordinates', box: [-5, -5, -4, -4], expected: 0 },
    ])('of $boxes is $expected', ({ box, expected }) => {
      expect(boxLoss('sca', Boxes.from(box), Boxes.from(GOOD), { backend }).invalid).toBe(expected)
    })

    test('counts every such row of a batch, also those of weight 0 and those ignored', () => {
      const { pred, target } = randomPairs(Boxes, 2100, { seed: 31 })
      // First few enough that most packs of rows are all valid, then many.
      let expected = 0
      for (let i = 0; i < 2100; i += i < 1000 ? 41 : 1 + (i % 7)) {
        const [boxes, k] = [i % 2 ? pred : target, 4 * i + (i % 4)]
        if (i % 3 === 0) boxes.copyWithin(4 * i + 2, 4 * i, 4 * i + 2).fill(1000, 4 * i, 4 * i + 1)
        else boxes[k] = i % 3 === 1 ? Number.NaN : Infinity
        expected += 1
      }
      const weight = new Boxes(2100)
      expect(boxLoss('sca', pred, target, { backend }).invalid).toBe(expected)
      expect(boxLoss('sca', pred, target, { backend, weight }).invalid).toBe(expected)
      expect(boxLoss('sca', pred, target, { backend, onInvalid: 'ignore' }).invalid).toBe(expected)
      expect(boxLoss('sca', pred, target, { backend, normalizer: 0 }).invalid).toBe(expected)
      expect(boxLoss('sca', pred, target, { backend, grad: false }).invalid).toBe(expected)
    })
  })

  test('any bits at all are taken without an error', () => {
    const random = mulberry32(32)
    const bytes = Uint8Array.from({ length: 2 * 1000 * 4 * Boxes.BYTES_PER_ELEMENT }, () => 256 * random())
    const boxes = new Boxes(bytes.buffer)
    for (const onInvalid of ['propagate', 'ignore'] as const) {
      const { loss, invalid } = boxLoss('sca', boxes.slice(0, 4000), boxes.slice(4000), { ...all, onInvalid })
      expect(invalid).toBeGreaterThan(800)
      if (onInvalid === 'ignore') expect(loss.filter((l) => l === 0).length).toBeGreaterThanOrEqual(invalid)
      if (onInvalid === 'ignore') expect(loss.every(Number.isFinite)).toBe(true)
    }
  })

  describe('valid boxes of extreme size', () => {
    const { least, normal, most } =
      Boxes === Float32Array
        ? { least: 2 ** -149, normal: 2 ** -126, most: (2 - 2 ** -23) * 2 ** 127 }
        : { least: Number.MIN_VALUE, normal: 2 ** -1022, most: Number.MAX_VALUE }
    const magnitudes = [
      least,
      12 * least,
      normal,
      1e-19,
      1,
      1e19,
      most,
      ...(Boxes === Float64Array ? [1e-160, 1e160] : []),
    ]
    const values = [0, ...magnitudes, ...magnitudes.map((v) => -v)].sort((a, b) => a - b)
    const intervals = values.flatMap((low, i) => values.slice(i).map((high) => [low, high]))
    const pairs = intervals.flatMap((p) => intervals.map((t) => [p, t]))
    // Every pair of intervals on x, against a few drawn ones on y.
    const random = mulberry32(33)
    const rows = [0, 1].flatMap(() => pairs.map((x) => ({ x, y: pairs[Math.floor(random() * pairs.length)] })))
    const pick = (box: 0 | 1): FloatArray =>
      Boxes.from(rows.flatMap(({ x, y }) => [x[box][0], y[box][0], x[box][1], y[box][1]]))
    const [pred, target] = [pick(0), pick(1)]

    test.each(['so', 'cd', 'sca'] as const)('%s is finite, its gradient not NaN', (name) => {
      for (const convention of ['exact', 'official'] as const) {
        const result = boxLoss(name, pred, target, { ...all, convention })
        const row = (at: number) => `${pred.subarray(4 * at, 4 * at + 4)} and ${target.subarray(4 * at, 4 * at + 4)}`
        const faults = rows.flatMap((_, i) => {
          const gradients = [...result.grad.subarray(4 * i, 4 * i + 4), ...result.gradTarget.subarray(4 * i, 4 * i + 4)]
          const isRight = result.loss[i] >= 0 && result.loss[i] <= 10 && !gradients.some(Number.isNaN)
          return isRight && result.iou[i] >= 0 && result.iou[i] <= 1 ? [] : [row(i)]
        })
        expect(faults.slice(0, 5)).toEqual([])
        expect(result.invalid).toBe(0)
      }
    })
  })
})
