import { afterEach, describe, expect, test } from 'vitest'
import { boxLoss } from '../src/box-loss.js'
import { FORMATS } from '../src/formats.js'
import { loadNative } from '../src/native.js'
import type { FloatArray, LossName } from '../src/types.js'
import { KINDS, mapRows, mulberry32, randomPairs, toFormat } from './support/random.js'

const native = loadNative()
const widest = native.simd()
const LEVELS = native.simdLevels()
const LOSSES: LossName[] = ['so', 'cd', 'sca']
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
  const { loss, grad, gradTarget, iou } = boxLoss(name, pred, target, options)
  return { loss, grad, gradTarget, iou }
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
  const onGrid = randomPairs(Boxes, 1000, { seed: 2, kinds: KINDS, step: GRID })
  const valid = randomPairs(Boxes, 1000, { seed: 3 })
  const any = randomPairs(Boxes, 1000, { seed: 4, kinds: KINDS })

  test.each([1, -256, 2048, -4096.5])('moving both boxes by %d changes no bit', (offset) => {
    const move = (rows: FloatArray) => mapRows(rows, ([x1, y1, x2, y2]) => [x1 + offset, y1 - 3, x2 + offset, y2 - 3])
    const moved = { pred: move(onGrid.pred), target: move(onGrid.target) }
    expect(evaluate(name, moved, backend)).toEqual(evaluate(name, onGrid, backend))
  })

  test.each([2, 2 ** -10, 2 ** 60, 2 ** -60])('scaling both boxes by %d divides the gradient exactly', (factor) => {
    const zoomed = { pred: scaled(any.pred, factor), target: scaled(any.target, factor) }
    const before = evaluate(name, any, backend)
    expect(evaluate(name, zoomed, backend)).toEqual({
      ...before,
      grad: scaled(before.grad, 1 / factor),
      gradTarget: scaled(before.gradTarget, 1 / factor),
    })
  })

  test('swapping prediction and target swaps the gradients', () => {
    const { loss, iou, grad, gradTarget } = evaluate(name, any, backend)
    const swapped = evaluate(name, { pred: any.target, target: any.pred }, backend)
    expect(swapped.loss).toEqual(loss)
    expect(swapped.grad).toEqual(gradTarget)
    expect(swapped.gradTarget).toEqual(grad)
    expect(swapped.iou).toEqual(iou)
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

  test('a perfect match has loss and gradients of exactly +0, whatever the box', () => {
    const random = mulberry32(6)
    const boxes = new Boxes(4 * 5000).map(() => (random() - 0.3) * 10 ** Math.round(40 * random() - 20))
    const special = [0, 0, 0, 0, 5, 5, 5, 5, -1, 2, 3, 2, 1e30, -1e30, 1e38, 1e38, 1e-38, 0, 1e-37, 1e-45, 9, 9, 1, 1]
    const matches = Boxes.from([...boxes, ...special])
    const { loss, grad, gradTarget } = evaluate(name, { pred: matches, target: matches.slice() }, backend)
    expect(loss).toEqual(new Boxes(matches.length / 4))
    expect(grad).toEqual(new Boxes(matches.length))
    expect(gradTarget).toEqual(new Boxes(matches.length))
    expect(boxLoss(name, matches, matches, { backend }).loss).toBe(0)
  })

  test('the mean is the mean of the rows', () => {
    const { loss } = evaluate(name, valid, backend)
    let sum = 0
    for (const l of loss) sum += l
    const mean = boxLoss(name, valid.pred, valid.target, { backend }).loss
    expect(Math.abs(mean - sum / loss.length)).toBeLessThanOrEqual(1e-12)
  })

  test('permuting rows permutes results', () => {
    const random = mulberry32(7)
    const order = Array.from({ length: 1000 }, (_, i) => ({ i, key: random() })).sort((a, b) => a.key - b.key)
    const permute = (rows: FloatArray, columns: number) =>
      pickRows(
        rows,
        order.map(({ i }) => i),
        columns,
      )
    const before = evaluate(name, any, backend)
    const after = evaluate(name, { pred: permute(any.pred, 4), target: permute(any.target, 4) }, backend)
    expect(after).toEqual({
      loss: permute(before.loss, 1),
      grad: permute(before.grad, 4),
      gradTarget: permute(before.gradTarget, 4),
      iou: permute(before.iou, 1),
    })
  })

  test.each(backend === 'cpu' ? LEVELS : ['js'])('a row gets the same bits alone and in any batch: %s', (level) => {
    if (backend === 'cpu') expect(native.setSimd(level)).toBe(true)
    const boxes = randomPairs(Boxes, 70, { seed: 8, kinds: KINDS })
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
  test.each([1, 2, 255, 256, 257, 1023, 1024, 1025, 2049, 262144, 262145])('of %d rows is the documented tree', (n) => {
    const boxes = { pred: rows.pred.subarray(0, 4 * n), target: rows.target.subarray(0, 4 * n) }
    const expected = tiledSum(evaluate('sca', boxes, 'cpu').loss)
    for (const level of LEVELS) {
      native.setSimd(level)
      const options = { backend: 'cpu', reduction: 'sum' } as const
      expect(boxLoss('sca', boxes.pred, boxes.target, { ...options, grad: false }).loss).toBe(expected)
      expect(boxLoss('sca', boxes.pred, boxes.target, options).loss).toBe(expected)
      expect(boxLoss('sca', boxes.pred, boxes.target, { backend: 'cpu' }).loss).toBe(expected / n)
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
})
