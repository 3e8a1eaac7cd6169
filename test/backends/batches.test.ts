import { afterEach, describe, expect, test } from 'vitest'
import { boxLoss } from '../../src/calls/box-loss.js'
import type { FloatArray } from '../../src/core/types.js'
import { loadNative } from '../../src/native/addon.js'
import { EVERY_BACKEND } from '../support/backends.js'
import { type Boxes, KINDS, mulberry32, randomPairs, VALID_KINDS } from '../support/random.js'
import { ARRAYS, evaluate, expectSame } from '../support/results.js'
import { axesOf, PLAIN } from '../support/variants.js'

// Rows are computed independently of each other, and added up in a fixed order.

const native = loadNative()
const widest = native.simd()
const LEVELS = native.simdLevels()
afterEach(() => void native.setSimd(widest))

/** A run of valid pairs, which loops may take a faster way, and runs with inverted ones among them. */
const MIXED = [...Array(8).fill(VALID_KINDS).flat(), ...Array(8).fill(KINDS).flat()]
const DTYPES = [
  { dtype: 'float32', Boxes: Float32Array },
  { dtype: 'float64', Boxes: Float64Array },
]

/** Rows `order[0]`, `order[1]`, ... of an array with `columns` numbers a row. */
function pickRows(rows: FloatArray, order: number[], columns: number): FloatArray {
  const picked = rows.slice(0, columns * order.length)
  for (const [i, row] of order.entries()) picked.set(rows.subarray(columns * row, columns * (row + 1)), columns * i)
  return picked
}

/** One array of all rows'. */
function joined(Boxes: Boxes, parts: FloatArray[]): FloatArray {
  const whole = new Boxes(parts.reduce((length, part) => length + part.length, 0))
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}

const CONFIGURATIONS = EVERY_BACKEND.flatMap((backend) =>
  DTYPES.flatMap(({ dtype, Boxes }) =>
    PLAIN.map((variant) => ({ backend, dtype, Boxes, variant, name: variant.name })),
  ),
)

describe.each(CONFIGURATIONS)('$name on $backend in $dtype', ({ backend, Boxes, variant }) => {
  const axes = axesOf(variant)
  const width = 2 * axes
  const epsilon = Boxes === Float32Array ? 2 ** -23 : 2 ** -52

  test('the mean is the mean of the rows', () => {
    const { pred, target } = randomPairs(Boxes, 300, { seed: 3, axes })
    const { loss } = evaluate(variant, { pred, target }, backend)
    let sum = 0
    for (const l of loss) sum += l
    const mean = boxLoss(variant.name, pred, target, { ...variant.options, backend }).loss
    // The JavaScript backend adds its losses before they are rounded to float32.
    expect(Math.abs(mean * loss.length - sum)).toBeLessThanOrEqual((backend === 'js' ? epsilon : 1e-12) * sum)
  })

  test('permuting rows permutes results', () => {
    const any = randomPairs(Boxes, 300, { seed: 4, kinds: MIXED, axes })
    const random = mulberry32(7)
    const order = Array.from({ length: 300 }, (_, i) => ({ i, key: random() }))
      .sort((a, b) => a.key - b.key)
      .map(({ i }) => i)
    const permute = (rows: FloatArray, columns: number) => pickRows(rows, order, columns)
    const before = evaluate(variant, any, backend)
    const permuted = { pred: permute(any.pred, width), target: permute(any.target, width) }
    expectSame(evaluate(variant, permuted, backend), {
      loss: permute(before.loss, 1),
      grad: permute(before.grad, width),
      gradTarget: permute(before.gradTarget, width),
      iou: permute(before.iou, 1),
      invalid: before.invalid,
    })
  })

  test.each(backend === 'cpu' ? LEVELS : [backend])('a row gets the same bits alone and in any batch: %s', (level) => {
    if (backend === 'cpu') expect(native.setSimd(level)).toBe(true)
    const most = backend === 'js' ? 5 : 70
    const boxes = randomPairs(Boxes, most, { seed: 8, kinds: MIXED.slice(24), axes })
    const random = mulberry32(9)
    const perRow = { weight: new Boxes(most).map(random), gradOutput: new Boxes(most).map(random) }
    const batch = (first: number, n: number) => {
      const part = (rows: FloatArray, columns: number) => rows.slice(columns * first, columns * (first + n))
      const { weight, gradOutput } = perRow
      const rows = { weight: part(weight, 1), gradOutput: part(gradOutput, 1) }
      return evaluate(variant, { pred: part(boxes.pred, width), target: part(boxes.target, width), ...rows }, backend)
    }
    const alone = Array.from({ length: most }, (_, i) => batch(i, 1))
    // Every rest of every pack, and a few packs.
    const sizes = Array.from({ length: most }, (_, i) => i + 1).filter((n) => n <= 17 || n % 8 < 2)
    for (const n of sizes) {
      const rows = alone.slice(0, n)
      const [loss, grad, gradTarget, iou] = ARRAYS.map((key) => {
        const parts = rows.map((row) => row[key])
        return joined(Boxes, parts)
      })
      const invalid = rows.reduce((count, row) => count + row.invalid, 0)
      expectSame(batch(0, n), { loss, grad, gradTarget, iou, invalid })
    }
  })
})

/** The lanes and the tree of core/reduction.h. */
function laneSum(values: ArrayLike<number>): number {
  const lanes = new Float64Array(256)
  for (let i = 0; i < values.length; ++i) lanes[i % 256] += values[i]
  for (let half = 128; half >= 1; half /= 2) {
    for (let t = 0; t < half; ++t) lanes[t] += lanes[t + half]
  }
  return lanes[0]
}

/** Tiles of 1024 rows, and their sums through the same lanes and tree. */
function tiledSum(losses: FloatArray): number {
  const tiles: number[] = []
  for (let first = 0; first < losses.length; first += 1024) tiles.push(laneSum(losses.subarray(first, first + 1024)))
  return laneSum(tiles)
}

// Of two axes, of the IoU family, of three axes.
const SUMMED = PLAIN.filter(({ name }) => ['sca', 'giou', 'sca3'].includes(name))
describe.each(DTYPES.flatMap((d) => SUMMED.map((variant) => ({ ...d, variant, name: variant.name }))))(
  'the sum of $name on cpu in $dtype',
  ({ Boxes, variant }) => {
    const { name } = variant
    const axes = axesOf(variant)
    const lengths = [1, 2, 255, 256, 257, 1023, 1024, 1025, 2049, ...(name === 'sca' ? [262144, 262145] : [])]
    const most = Math.max(...lengths)
    const rows = randomPairs(Boxes, most, { seed: 10, axes })
    const random = mulberry32(13)
    const sizes = new Boxes(most).map(() => 10 ** (12 * random()))

    /**
     * n rows of many sizes. Each comes again elsewhere with the opposite weight: the sum is what rounding leaves, and
     * another order leaves another.
     */
    function cancelling(n: number) {
      const half = Math.floor(n / 2)
      const order = Array.from({ length: n }, (_, i) => (i < half ? i : i < 2 * half ? (7919 * i) % half : i))
      const weight = new Boxes(n).map((_, i) => (i < half ? sizes[i] : i < 2 * half ? -sizes[order[i]] : 1e-3))
      return {
        pred: pickRows(rows.pred, order, 2 * axes),
        target: pickRows(rows.target, order, 2 * axes),
        weight,
      }
    }

    test.each(lengths)('of %d rows is the documented tree', (n) => {
      const { pred, target, weight } = cancelling(n)
      const expected = tiledSum(evaluate(variant, { pred, target, weight }, 'cpu').loss)
      for (const level of LEVELS) {
        native.setSimd(level)
        const options = { backend: 'cpu', reduction: 'sum', weight } as const
        expect(boxLoss(name, pred, target, { ...options, grad: false }).loss).toBe(expected)
        expect(boxLoss(name, pred, target, options).loss).toBe(expected)
        expect(boxLoss(name, pred, target, { backend: 'cpu', weight }).loss).toBe(expected / n)
      }
    })
  },
)
