import { afterEach, describe, expect, test } from 'vitest'
import { boxLoss } from '../src/box-loss.js'
import { FORMATS } from '../src/formats.js'
import { loadNative } from '../src/native.js'
import type { FloatArray, LossName } from '../src/types.js'
import { KINDS, mapRows, mulberry32, randomPairs, toFormat, VALID_KINDS } from './support/random.js'

const native = loadNative()
const widest = native.simd()
const LEVELS = native.simdLevels()
const LOSSES: LossName[] = ['so', 'cd', 'sca']
/** Runs of valid pairs, which loops may take a faster way, and runs with inverted ones among them. */
const MIXED = [...Array(16).fill(VALID_KINDS).flat(), ...Array(10).fill(KINDS).flat()]
/** Differences of coordinates on this grid are exact in float32, also after moving the boxes by a few thousand. */
const GRID = 1 / 64

/** Every row's results. `toEqual` tells +0 from −0 and takes NaN for itself: numbers that pass it have the same bits. */
function evaluate(
  name: LossName,
  { pred, target }: { pred: FloatArray; target: FloatArray },
  backend: 'cpu' | 'js',
  more: { weight?: FloatArray; gradOutput?: FloatArray; format?: (typeof FORMATS)[number] } = {},
) {
  const options = { backend, reduction: 'none', gradTarget: true, iou: true, ...more } as const
  const { loss, grad, gradTarget, iou, invalid } = boxLoss(name, pred, target, options)
  return { loss, grad, gradTarget, iou, invalid }
}
const scaled = (rows: FloatArray, factor: number) => rows.map((v) => v * factor)
const largest = (rows: FloatArray, i: number) => Math.max(...rows.subarray(4 * i, 4 * i + 4).map(Math.abs))
/** Rows `order[0]`, `order[1]`, ... of an array with `columns` numbers a row. */
function pickRows(rows: FloatArray, order: number[], columns: number): FloatArray {
  const picked = rows.slice(0, columns * order.length)
  for (const [i, row] of order.entries()) picked.set(rows.subarray(columns * row, columns * (row + 1)), columns * i)
  return picked
}

afterEach(() => void native.setSimd(widest))

const CONFIGURATIONS = (['cpu', 'js'] as const).flatMap((backend) =>
  [Float32Array, Float64Array].flatMap((Boxes) =>
    LOSSES.map((name) => ({ backend, Boxes, name, dtype: Boxes === Float32Array ? 'float32' : 'float64' })),
  ),
)

describe.each(CONFIGURATIONS)('$name on $backend in $dtype', ({ backend, Boxes, name }) => {
  const epsilon = Boxes === Float32Array ? 2 ** -23 : 2 ** -52
  const onGrid = randomPairs(Boxes, 1000, { seed: 2, kinds: MIXED, step: GRID })
  const valid = randomPairs(Boxes, 1000, { seed: 3 })
  const any = randomPairs(Boxes, 1000, { seed: 4, kinds: MIXED })

  test.each([1, -256, 2048, -4096.5])('moving both boxes by %d changes no bit', (offset) => {
    const move = (rows: FloatArray) => mapRows(rows, ([x1, y1, x2, y2]) => [x1 + offset, y1 - 3, x2 + offset, y2 - 3])
    const moved = { pred: move(onGrid.pred), target: move(onGrid.target) }
    expect(evaluate(name, moved, backend)).toEqual(evaluate(name, onGrid, backend))
  })

  const powers = Boxes === Float32Array ? [1, -10, 60, -60, 100, -90] : [1, -10, 150, -150, 900, -900]
  test.each(powers)('scaling both boxes by 2^%d divides the gradient exactly', (power) => {
    const factor = 2 ** power
    const zoomed = { pred: scaled(any.pred, factor), target: scaled(any.target, factor) }
    const before = evaluate(name, any, backend)
    expect(evaluate(name, zoomed, backend)).toEqual({
      ...before,
      grad: scaled(before.grad, 1 / factor),
      gradTarget: scaled(before.gradTarget, 1 / factor),
    })
  })

  test('swapping prediction and target swaps the gradients', () => {
    const { loss, iou, grad, gradTarget, invalid } = evaluate(name, any, backend)
    const swapped = evaluate(name, { pred: any.target, target: any.pred }, backend)
    expect(swapped.loss).toEqual(loss)
    expect(swapped.grad).toEqual(gradTarget)
    expect(swapped.gradTarget).toEqual(grad)
    expect(swapped.iou).toEqual(iou)
    expect(swapped.invalid).toBe(invalid)
  })

  // Subtracted from 0, so that a zero keeps its sign as a result has it. The corners that CD pairs survive a reflection of
  // both axes, but not of one.
  type Mirror = (row: [number, number, number, number]) => number[]
  const mirrors: { mirror: string; map: Mirror }[] = [
    { mirror: 'exchanging x and y', map: ([x1, y1, x2, y2]) => [y1, x1, y2, x2] },
    { mirror: 'reflecting both axes', map: ([x1, y1, x2, y2]) => [0 - x2, 0 - y2, 0 - x1, 0 - y1] },
    ...(name === 'so'
      ? [{ mirror: 'reflecting x', map: (([x1, y1, x2, y2]) => [0 - x2, y1, 0 - x1, y2]) satisfies Mirror }]
      : []),
  ]
  test.each(mirrors)('$mirror does the same to the gradients', ({ map }) => {
    const { loss, grad, gradTarget } = evaluate(name, onGrid, backend)
    const mirrored = evaluate(name, { pred: mapRows(onGrid.pred, map), target: mapRows(onGrid.target, map) }, backend)
    expect(mirrored.loss).toEqual(loss)
    expect(mirrored.grad).toEqual(mapRows(grad, map))
    expect(mirrored.gradTarget).toEqual(mapRows(gradTarget, map))
  })

  test('the gradients of both boxes cancel along x and along y, and across the coordinates', () => {
    const { grad, gradTarget } = evaluate(name, any, backend)
    for (let i = 0; i < 1000; ++i) {
      const size = Math.max(largest(grad, i), largest(gradTarget, i))
      const reach = Math.max(largest(any.pred, i), largest(any.target, i))
      const sum = [0, 0]
      let euler = 0
      for (let k = 0; k < 4; ++k) {
        const j = 4 * i + k
        sum[k % 2] += grad[j] + gradTarget[j]
        euler += grad[j] * any.pred[j] + gradTarget[j] * any.target[j]
      }
      expect(size).toBeGreaterThan(0)
      for (const rest of sum) expect(Math.abs(rest)).toBeLessThanOrEqual(4 * epsilon * size)
      expect(Math.abs(euler)).toBeLessThanOrEqual(16 * epsilon * size * reach)
    }
  })

  test('the loss of valid boxes lies in its range', () => {
    const { loss, iou } = evaluate(name, valid, backend)
    const most = { so: 4, cd: 2, sca: 5 }[name]
    for (const l of loss) expect(l).toBeGreaterThanOrEqual(0)
    for (const l of loss) expect(l).toBeLessThanOrEqual(most)
    // Side overlap, the paper's SO = 2 - L_SO, never exceeds IoU + 1.
    if (name === 'so') loss.forEach((l, i) => void expect(2 - l).toBeLessThanOrEqual(iou[i] + 1 + 4 * epsilon))
  })

  /** Sides and places of all sizes, down to points. */
  const anyBoxes = () => {
    const random = mulberry32(6)
    const corners = new Boxes(4 * 5000).map(() => (random() - 0.3) * 10 ** Math.round(40 * random() - 20))
    const special = [0, 0, 0, 0, 5, 5, 5, 5, -1, 2, 3, 2, -1e30, -1e30, 1e38, 1e38, 0, 1e-45, 1e-38, 1e-37]
    return Boxes.from([...corners, ...special])
  }
  const perfectMatch = (boxes: FloatArray) => {
    const { loss, grad, gradTarget } = evaluate(name, { pred: boxes, target: boxes.slice() }, backend)
    return [...loss, ...grad, ...gradTarget]
  }

  test('a perfect match has loss and gradients of exactly +0', () => {
    const boxes = mapRows(anyBoxes(), ([x1, y1, x2, y2]) => [
      Math.min(x1, x2),
      Math.min(y1, y2),
      Math.max(x1, x2),
      Math.max(y1, y2),
    ])
    expect(perfectMatch(boxes).filter((v) => !Object.is(v, 0))).toEqual([])
    expect(boxLoss(name, boxes, boxes, { backend }).loss).toBe(0)
  })

  test('a perfect match of inverted boxes has loss and gradients of 0', () => {
    expect(perfectMatch(anyBoxes()).filter((v) => v !== 0)).toEqual([])
  })

  test('the mean is the mean of the rows', () => {
    const { loss } = evaluate(name, valid, backend)
    let sum = 0
    for (const l of loss) sum += l
    const mean = boxLoss(name, valid.pred, valid.target, { backend }).loss
    // The JavaScript backend adds its losses before they are rounded to float32.
    expect(Math.abs(mean - sum / loss.length)).toBeLessThanOrEqual(backend === 'js' ? epsilon : 1e-12)
  })

  test('permuting rows permutes results', () => {
    const random = mulberry32(7)
    const order = Array.from({ length: 1000 }, (_, i) => ({ i, key: random() }))
      .sort((a, b) => a.key - b.key)
      .map(({ i }) => i)
    const permute = (rows: FloatArray, columns: number) => pickRows(rows, order, columns)
    const before = evaluate(name, any, backend)
    const after = evaluate(name, { pred: permute(any.pred, 4), target: permute(any.target, 4) }, backend)
    expect(after).toEqual({
      loss: permute(before.loss, 1),
      grad: permute(before.grad, 4),
      gradTarget: permute(before.gradTarget, 4),
      iou: permute(before.iou, 1),
      invalid: before.invalid,
    })
  })

  test.each(backend === 'cpu' ? LEVELS : ['js'])('a row gets the same bits alone and in any batch: %s', (level) => {
    if (backend === 'cpu') expect(native.setSimd(level)).toBe(true)
    const boxes = randomPairs(Boxes, 70, { seed: 8, kinds: MIXED.slice(32) })
    const random = mulberry32(9)
    const perRow = { weight: new Boxes(70).map(random), gradOutput: new Boxes(70).map(random) }
    const batch = (first: number, n: number) => {
      const part = (rows: FloatArray, columns: number) => rows.slice(columns * first, columns * (first + n))
      const { weight, gradOutput } = perRow
      return evaluate(name, { pred: part(boxes.pred, 4), target: part(boxes.target, 4) }, backend, {
        weight: part(weight, 1),
        gradOutput: part(gradOutput, 1),
      })
    }
    const alone = Array.from({ length: 70 }, (_, i) => batch(i, 1))
    for (let n = 1; n <= 70; ++n) {
      const rows = alone.slice(0, n)
      expect(batch(0, n)).toEqual({
        loss: Boxes.from(rows.flatMap((row) => [...row.loss])),
        grad: Boxes.from(rows.flatMap((row) => [...row.grad])),
        gradTarget: Boxes.from(rows.flatMap((row) => [...row.gradTarget])),
        iou: Boxes.from(rows.flatMap((row) => [...row.iou])),
        invalid: rows.reduce((count, row) => count + row.invalid, 0),
      })
    }
  })
})

/** The lanes and the tree of cuda/reduction.h. */
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

describe.each([
  { dtype: 'float32', Boxes: Float32Array },
  { dtype: 'float64', Boxes: Float64Array },
])('the sum on cpu in $dtype', ({ Boxes }) => {
  const rows = randomPairs(Boxes, 262145, { seed: 10 })
  const random = mulberry32(13)
  const sizes = new Boxes(262145).map(() => 10 ** (12 * random()))

  /** n rows of many sizes. Each comes again elsewhere with the opposite weight: the sum is what rounding leaves, and another order leaves another. */
  function cancelling(n: number) {
    const half = Math.floor(n / 2)
    const order = Array.from({ length: n }, (_, i) => (i < half ? i : i < 2 * half ? (7919 * i) % half : i))
    const weight = new Boxes(n).map((_, i) => (i < half ? sizes[i] : i < 2 * half ? -sizes[order[i]] : 1e-3))
    return { pred: pickRows(rows.pred, order, 4), target: pickRows(rows.target, order, 4), weight }
  }

  test.each([1, 2, 255, 256, 257, 1023, 1024, 1025, 2049, 262144, 262145])('of %d rows is the documented tree', (n) => {
    const { pred, target, weight } = cancelling(n)
    const expected = tiledSum(evaluate('sca', { pred, target }, 'cpu', { weight }).loss)
    for (const level of LEVELS) {
      native.setSimd(level)
      const options = { backend: 'cpu', reduction: 'sum', weight } as const
      expect(boxLoss('sca', pred, target, { ...options, grad: false }).loss).toBe(expected)
      expect(boxLoss('sca', pred, target, options).loss).toBe(expected)
      expect(boxLoss('sca', pred, target, { backend: 'cpu', weight }).loss).toBe(expected / n)
    }
  })
})

describe.each(CONFIGURATIONS.filter(({ backend }) => backend === 'cpu'))('$name in $dtype', ({ Boxes, name }) => {
  test.each(FORMATS)('has the same bits on every SIMD level: %s', (format) => {
    const random = mulberry32(11)
    const corners = randomPairs(Boxes, 997, { seed: 12, kinds: KINDS })
    const boxes = { pred: toFormat(corners.pred, format), target: toFormat(corners.target, format) }
    // Rows of ties and of numbers far apart in size, some of them not finite.
    const extreme = [0, 1, -1, 1e-45, 1e-38, 1e19, -1e38, 3e38, Number.NaN, Number.NEGATIVE_INFINITY]
    for (let j = 0; j < 4 * 300; ++j) boxes.pred[j] = extreme[Math.floor(random() * extreme.length)]
    for (let j = 0; j < 4 * 300; ++j) boxes.target[j] = extreme[Math.floor(random() * extreme.length)]
    const more = { format, weight: new Boxes(997).map(random), gradOutput: new Boxes(997).map(random) }
    native.setSimd('scalar')
    const scalar = evaluate(name, boxes, 'cpu', more)
    for (const level of LEVELS) {
      expect(native.setSimd(level)).toBe(true)
      expect(native.simd()).toBe(level)
      expect(evaluate(name, boxes, 'cpu', more)).toEqual(scalar)
    }
  })

  test('has the same bits on every SIMD level at every size', () => {
    const random = mulberry32(14)
    const [least, most, depth] = Boxes === Float32Array ? [-150, 118, 12] : [-1070, 1010, 60]
    // Runs of 64 rows of one size; prediction and target differ by any fraction of it, down to the last bit.
    const runs = Array.from({ length: 200 }, (_, i) => 2 ** Math.round(least + ((most - least) * i) / 199))
    const { target } = randomPairs(Boxes, 64 * runs.length, { seed: 15, kinds: MIXED })
    for (let j = 0; j < target.length; ++j) target[j] *= runs[j >> 8]
    const pred = target.map((v) => v * (1 + (random() - 0.5) * 2 ** -Math.round(60 * random() ** 3)))
    // In two runs of three, edges near 0, where they can differ by far less: the first edges, or those where boxes touch.
    for (let i = 0; i < target.length; i += 4) {
      const run = i >> 8
      for (const k of run % 3 === 0 ? [] : [i, i + 1]) {
        const tiny = runs[run] * (random() - 0.5) * 2 ** (-depth * (run % 11) * random())
        if (run % 3 === 2) pred[k] = -target[k + 2]
        pred[run % 3 === 1 ? k : k + 2] = tiny
        target[k] = 0
      }
    }
    native.setSimd('scalar')
    const scalar = evaluate(name, { pred, target }, 'cpu')
    for (const level of LEVELS) {
      native.setSimd(level)
      const result = evaluate(name, { pred, target }, 'cpu')
      for (const key of ['loss', 'grad', 'gradTarget', 'iou'] as const) {
        const at = result[key].findIndex((v, i) => !Object.is(v, scalar[key][i]))
        expect([level, key, at]).toEqual([level, key, -1])
      }
      expect(result.invalid).toBe(scalar.invalid)
    }
  })
})
