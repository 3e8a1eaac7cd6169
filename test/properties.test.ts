import { describe, expect, test } from 'vitest'
import { boxLoss } from '../src/box-loss.js'
import type { BoxLossOptions, FloatArray } from '../src/types.js'
import { KINDS, mapRows, randomPairs, VALID_KINDS } from './support/random.js'
import { ALL, axesOf, PLAIN, type Variant } from './support/variants.js'

// What a loss keeps when both boxes are moved, scaled, mirrored or exchanged. The kernels keep most of it to the last bit.

/** Runs of valid pairs, which loops may take a faster way, and runs with inverted ones among them. */
const MIXED = [...Array(16).fill(VALID_KINDS).flat(), ...Array(10).fill(KINDS).flat()]
/** Differences of coordinates on this grid are exact in float32, also after moving the boxes by a few thousand. */
const GRID = 1 / 64

interface Rows {
  pred: FloatArray
  target: FloatArray
}
type Results = ReturnType<typeof evaluate>

/** Every row's results. `toEqual` tells +0 from −0 and takes NaN for itself: numbers that pass it have the same bits. */
function evaluate({ name, options }: Variant, { pred, target }: Rows, more: BoxLossOptions) {
  const all = { ...options, ...more, reduction: 'none', gradTarget: true, iou: true } as const
  const { loss, grad, gradTarget, iou, invalid } = boxLoss(name, pred, target, all)
  return { loss, grad, gradTarget, iou, invalid }
}
const scaled = (rows: FloatArray, factor: number) => rows.map((v) => v * factor)
const largestOf = (rows: FloatArray, i: number, columns: number) =>
  Math.max(...rows.subarray(columns * i, columns * (i + 1)).map(Math.abs))

const isLength = ({ name }: Variant) => name === 'l1' || name === 'smooth_l1'
const hasEpsilon = ({ params }: Variant) => params.epsilon > 0

/** The loss for boxes that are `factor` times as large: options that are lengths scale with them. */
function atScale(variant: Variant, factor: number): Variant {
  const options = { ...variant.options }
  if (variant.name === 'smooth_l1') options.beta = factor * variant.params.beta
  for (const option of ['imageWidth', 'imageHeight'] as const) {
    if (options[option] !== undefined) options[option] *= factor
  }
  return { ...variant, options }
}

/** Which axis, and whether reflected, becomes axis k. */
interface Mirror {
  mirror: string
  from: number[]
  reflected: boolean[]
}
/** Subtracted from 0, so that a zero keeps its sign as a result has it. */
const reflect =
  ({ from, reflected }: Mirror) =>
  (row: number[]) => {
    const axes = from.length
    const edge = (k: number, second: boolean) => {
      const at = from[k] + (second === reflected[k] ? 0 : axes)
      return reflected[k] ? 0 - row[at] : row[at]
    }
    return [...from.map((_, k) => edge(k, false)), ...from.map((_, k) => edge(k, true))]
  }

const MIRRORS: Record<2 | 3, Mirror[]> = {
  2: [
    { mirror: 'exchanging x and y', from: [1, 0], reflected: [false, false] },
    { mirror: 'reflecting both axes', from: [0, 1], reflected: [true, true] },
    { mirror: 'reflecting x', from: [0, 1], reflected: [true, false] },
  ],
  3: [
    { mirror: 'exchanging x and z', from: [2, 1, 0], reflected: [false, false, false] },
    { mirror: 'rotating x, y, z', from: [1, 2, 0], reflected: [false, false, false] },
    { mirror: 'reflecting all axes', from: [0, 1, 2], reflected: [true, true, true] },
    { mirror: 'reflecting y', from: [0, 1, 2], reflected: [false, true, false] },
  ],
}
/** The corners that CD pairs survive a reflection of all axes, but not of one. */
const pairsCorners = ({ name }: Variant) => /^(sca|cd|iou_cd)/.test(name)

const CONFIGURATIONS = [Float32Array, Float64Array].flatMap((Boxes) => {
  const dtype = Boxes === Float32Array ? 'float32' : 'float64'
  return [
    ...ALL.map((variant) => ({ backend: 'cpu' as const, Boxes, dtype, variant, label: variant.label, n: 1000 })),
    ...PLAIN.map((variant) => ({ backend: 'js' as const, Boxes, dtype, variant, label: variant.label, n: 114 })),
  ]
})

describe.each(CONFIGURATIONS)('$label on $backend in $dtype', ({ backend, Boxes, variant, n }) => {
  const axes = axesOf(variant)
  const width = 2 * axes
  const epsilon = Boxes === Float32Array ? 2 ** -23 : 2 ** -52
  const onGrid = randomPairs(Boxes, n, { seed: 2, kinds: MIXED, step: GRID, axes })
  const any = randomPairs(Boxes, n, { seed: 4, kinds: MIXED, axes })

  /** The same but for rounding, each row measured by its loss or by the largest component of its gradient. */
  function expectClose(actual: Results, expected: Results, most: number) {
    for (const [key, columns] of [
      ['loss', 1],
      ['grad', width],
      ['gradTarget', width],
      ['iou', 1],
    ] as const) {
      const faults: unknown[] = []
      for (let i = 0; i < n; ++i) {
        const unit = largestOf(expected[key], i, columns)
        for (let j = columns * i; j < columns * (i + 1); ++j) {
          const error = Math.abs(actual[key][j] - expected[key][j])
          if (!(error <= most * epsilon * unit))
            faults.push([key, i, actual[key][j], expected[key][j], error / unit / epsilon])
        }
      }
      expect(faults.slice(0, 3)).toEqual([])
    }
    expect(actual.invalid).toBe(expected.invalid)
  }

  test.each([1, -256, 2048, -4096.5])('moving both boxes by %d changes no bit', (offset) => {
    const move = (rows: FloatArray) => rows.map((v, j) => v + (j % axes === 0 ? offset : -3))
    const moved = { pred: move(onGrid.pred), target: move(onGrid.target) }
    expect(evaluate(variant, moved, { backend })).toEqual(evaluate(variant, onGrid, { backend }))
  })

  const powers = Boxes === Float32Array ? [1, -10, 60, -60, 100, -90] : [1, -10, 150, -150, 900, -900]
  test.skipIf(hasEpsilon(variant)).each(powers)('scaling both boxes by 2^%d divides the gradient exactly', (power) => {
    const factor = 2 ** power
    const zoomed = { pred: scaled(any.pred, factor), target: scaled(any.target, factor) }
    const before = evaluate(variant, any, { backend })
    expect(evaluate(atScale(variant, factor), zoomed, { backend })).toEqual({
      ...before,
      loss: scaled(before.loss, isLength(variant) ? factor : 1),
      grad: scaled(before.grad, isLength(variant) ? 1 : 1 / factor),
      gradTarget: scaled(before.gradTarget, isLength(variant) ? 1 : 1 / factor),
    })
  })

  test('exchanging prediction and target exchanges the gradients', () => {
    const { loss, iou, grad, gradTarget, invalid } = evaluate(variant, any, { backend })
    const swapped = evaluate(variant, { pred: any.target, target: any.pred }, { backend })
    expect(swapped.grad).toEqual(gradTarget)
    expect(swapped.gradTarget).toEqual(grad)
    expect(swapped.iou).toEqual(iou)
    expect(swapped.invalid).toBe(invalid)
    expect(swapped.loss).toEqual(loss)
  })

  test.each(MIRRORS[axes])('$mirror does the same to the gradients', (mirror) => {
    const map = (rows: FloatArray) => mapRows(rows, reflect(mirror), width)
    const result = evaluate(variant, onGrid, { backend })
    const mirrored = evaluate(variant, { pred: map(onGrid.pred), target: map(onGrid.target) }, { backend })
    expectClose(mirrored, { ...result, grad: map(result.grad), gradTarget: map(result.gradTarget) }, 0)
  })

  test('the gradients of both boxes cancel along each axis, and across the coordinates', () => {
    const { loss, grad, gradTarget } = evaluate(variant, any, { backend })
    for (let i = 0; i < n; ++i) {
      const size = Math.max(largestOf(grad, i, width), largestOf(gradTarget, i, width))
      const reach = Math.max(largestOf(any.pred, i, width), largestOf(any.target, i, width))
      const sum = Array(axes).fill(0)
      let euler = 0
      for (let k = 0; k < width; ++k) {
        const j = width * i + k
        sum[k % axes] += grad[j] + gradTarget[j]
        euler += grad[j] * any.pred[j] + gradTarget[j] * any.target[j]
      }
      for (const rest of sum) expect(Math.abs(rest)).toBeLessThanOrEqual(4 * epsilon * size)
      expect(Math.abs(euler)).toBeLessThanOrEqual(16 * epsilon * size * reach)
    }
  })
})
