import { describe, expect, test } from 'vitest'
import { boxLoss } from '../../src/calls/box-loss.js'
import type { FloatArray } from '../../src/core/types.js'
import { EVERY_BACKEND } from '../support/backends.js'
import { mulberry32, randomPairs } from '../support/random.js'
import { rejection } from '../support/rejection.js'
import { combine, evaluate, expectSame } from '../support/results.js'
import { ALL, axesOf, PLAIN, TOGETHER } from '../support/variants.js'

// Boxes that are not valid, and boxes at the ends of the range of numbers.

const POISON = 12345
const CONFIGURATIONS = EVERY_BACKEND.flatMap((backend) => [
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

    test.each(['weight', 'gradOutput'])('throw: names a %s that is not finite, writes nothing', (argument) => {
      const [pred, target] = [new Boxes(12), new Boxes(12)]
      const out = { loss: new Boxes(3).fill(POISON) }
      for (const bad of [Number.NaN, Infinity]) {
        const options = { backend, reduction: 'none', [argument]: Boxes.of(1, 1, bad), out } as const
        expect(() => boxLoss('sca', pred, target, options)).not.toThrow()
        out.loss.fill(POISON)
        const { message } = rejection(() => boxLoss('sca', pred, target, { ...options, onInvalid: 'throw' }))
        expect(message).toBe(`${argument}: expected finite numbers with onInvalid: 'throw', got ${bad} in row 2`)
        expect([...out.loss]).toEqual([POISON, POISON, POISON])
      }
    })

    test('throw: rows of three axes', () => {
      const { pred, target } = randomPairs(Boxes, 2, { axes: 3, seed: 1 })
      const options = { backend, onInvalid: 'throw' } as const
      expect(boxLoss('sca3', pred, target, options).loss).toBe(boxLoss('sca3', pred, target, { backend }).loss)
      const boxes = Boxes.of(0, 0, 0, 1, 1, 1, 2, 2, 2, 1, 3, 3)
      expect(() => boxLoss('sca3', boxes, boxes.slice(), options)).toThrow(/row 1 .*: \[2, 2, 2, 1, 3, 3\] as/)
    })

    test('throw: passes over rows of weight 0, whatever is in them', () => {
      const padding = [Number.NaN, 3, 1, 1]
      const weight = Boxes.of(1, 0)
      const gradOutput = Boxes.of(1, Number.NaN)
      const options = { backend, reduction: 'none', onInvalid: 'throw', weight, gradOutput } as const
      const { loss, grad, invalid } = boxLoss('sca', Boxes.of(...GOOD, ...padding), Boxes.of(...GOOD, ...GOOD), options)
      expect([...loss, ...grad]).toEqual(new Array(10).fill(0))
      expect(invalid).toBe(1)
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
})

const OF_EVERY_LOSS = CONFIGURATIONS.flatMap((configuration) =>
  PLAIN.map((v) => ({ ...configuration, v, name: v.name })),
)
describe.each(OF_EVERY_LOSS)('$name on $backend in $dtype', ({ backend, Boxes, v }) => {
  const axes = axesOf(v)
  const width = 2 * axes
  const bads = [Number.NaN, Infinity, -Infinity]
  const n = 2 * width * bads.length
  const good = randomPairs(Boxes, n, { seed: 34, axes })
  const before = evaluate(v, good, backend)
  /** Every second row has one of the numbers as one of its coordinates. */
  const spoiled = (boxes: FloatArray) => {
    const copy = boxes.slice()
    for (const [i, bad] of bads.entries()) {
      for (let k = 0; k < width; ++k) copy[width * (2 * (width * i + k) + 1) + k] = bad
    }
    return copy
  }

  test.each(['pred', 'target'] as const)('a number in %s that is not finite: its row is NaN, and no other', (side) => {
    const rows = { ...good, [side]: spoiled(good[side]) }
    const expected = combine([before], ([x], row) => (row % 2 === 1 ? Number.NaN : x))
    expectSame(evaluate(v, rows, backend), { ...expected, invalid: n / 2 })
    // Ignored, such rows count 0.
    const { name, options } = v
    const counted = boxLoss(name, rows.pred, rows.target, {
      ...options,
      backend,
      reduction: 'sum',
      onInvalid: 'ignore',
    })
    let sum = 0
    for (const [i, l] of before.loss.entries()) sum += i % 2 === 1 ? 0 : l
    expect(Math.abs(counted.loss - sum)).toBeLessThanOrEqual(1e-6 * sum)
    expect(counted.invalid).toBe(n / 2)
    expect(counted.grad.filter((_, j) => Math.floor(j / width) % 2 === 1).every(isZero)).toBe(true)
  })
})

describe.each(CONFIGURATIONS)('valid boxes of extreme size on $backend, $dtype', ({ backend, Boxes }) => {
  const [least, normal, most] =
    Boxes === Float32Array ? [2 ** -149, 2 ** -126, (2 - 2 ** -23) * 2 ** 127] : [5e-324, 2 ** -1022, Number.MAX_VALUE]
  const middle = [1e-19, 1e-10, 1e-3, 1, 3, 1e10, 1e19, ...(Boxes === Float64Array ? [1e-160, 1e160] : [])]
  const sizes = [least, 12 * least, normal, ...middle, most / 8, most / 4, most / 2, most]
  const values = [0, ...sizes, ...sizes.map((x) => -x)]
  const n = backend === 'js' ? 400 : 20_000

  /** Boxes with every coordinate one of the values, many an edge in common. */
  function extremePairs(axes: 2 | 3) {
    const random = mulberry32(33)
    const draw = () => values[Math.floor(values.length * random())]
    const [pred, target]: FloatArray[] = [new Boxes(2 * axes * n), new Boxes(2 * axes * n)]
    for (let i = 0; i < n; ++i) {
      for (let k = 0; k < axes; ++k) {
        const edges = [draw(), draw()].sort((a, b) => a - b)
        const others = [0, 1].map((e) => (random() < 0.3 ? edges[e] : draw())).sort((a, b) => a - b)
        for (const e of [0, 1]) {
          pred[2 * axes * i + axes * e + k] = edges[e]
          target[2 * axes * i + axes * e + k] = others[e]
        }
      }
    }
    return { pred, target }
  }
  const rows = { 2: extremePairs(2), 3: extremePairs(3) }

  test.each(backend === 'js' ? PLAIN : [...ALL, ...TOGETHER])('$label: finite, and the gradient is not NaN', (v) => {
    const width = 2 * axesOf(v)
    const { pred, target } = rows[axesOf(v)]
    const result = evaluate(v, rows[axesOf(v)], backend)
    // Lengths and squares of lengths are as large as they are.
    const largest = /l1|mpdiou/.test(v.name) ? Infinity : 40
    const least = v.params.alpha < 0 ? -largest : 0
    const faults: string[] = []
    for (let i = 0; i < n; ++i) {
      const part = (array: FloatArray) => array.subarray(width * i, width * (i + 1))
      const hasNoGradient = [result.grad, result.gradTarget].some((gradient) => part(gradient).some(Number.isNaN))
      const isRight = result.loss[i] >= least && result.loss[i] <= largest && result.iou[i] >= 0 && result.iou[i] <= 1
      if (isRight && !hasNoGradient) continue
      faults.push(`${part(pred)} and ${part(target)}: ${result.loss[i]}, gradient ${part(result.grad)}`)
    }
    expect(faults.slice(0, 5)).toEqual([])
    expect(result.invalid).toBe(0)
  })
})
