import { describe, expect, test } from 'vitest'
import { LOSSES, type LossSpec } from '../../src/core/losses.js'
import type { FloatArray } from '../../src/core/types.js'
import { COMPILED } from '../support/backends.js'
import { KINDS, mapRows, randomPairs, VALID_KINDS } from '../support/random.js'
import { evaluate, expectClose, expectSame, largestOf, type Rows, sizesOf } from '../support/results.js'
import { ALL, axesOf, PLAIN, type Variant, variant } from '../support/variants.js'

// Properties that a loss keeps when both boxes are moved, scaled, mirrored or exchanged. The kernels keep most of them
// to the last bit.

/** Runs of valid pairs, which loops may take a faster way, and runs with inverted ones among them. */
const MIXED = [...Array(16).fill(VALID_KINDS).flat(), ...Array(10).fill(KINDS).flat()]
/** Differences of coordinates on this grid are exact in float32, also after moving the boxes by a few thousand. */
const GRID = 1 / 64

const scaled = (rows: FloatArray, factor: number) => rows.map((v) => v * factor)

const hasEpsilon = ({ params }: Variant) => params.epsilon > 0
/** A sum of lengths, not of ratios. */
const isLength = ({ name }: Variant) => name === 'l1' || name === 'smooth_l1'
/** Options in the unit of the coordinates. */
const LENGTHS = ['beta', 'imageWidth', 'imageHeight', 'constant'] as const
const lengthsOf = ({ name }: Variant) => {
  const spec: LossSpec = LOSSES[name]
  return LENGTHS.filter((option) => spec.options.includes(option))
}
/** Does not change as its boxes grow together, its options left as they are. */
const isScaleFree = (v: Variant) => !isLength(v) && !hasEpsilon(v) && lengthsOf(v).length === 0
/** Grows as its boxes do. */
const isHomogeneous = (v: Variant) => v.name === 'l1' || (v.name === 'smooth_l1' && v.params.beta === 0)

/** The loss for boxes that are `factor` times as large: options that are lengths scale with them. */
const atScale = (v: Variant, factor: number): Variant => ({
  ...v,
  options: { ...v.options, ...Object.fromEntries(lengthsOf(v).map((option) => [option, factor * v.params[option]])) },
})

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
const isOfOneAxis = ({ reflected }: Mirror) => reflected.filter(Boolean).length === 1
/** The epsilon of the authors is added to differences of coordinates, which have a sign. */
const isLopsided = ({ name, params }: Variant) => pairsCorners(variant(name)) && params.epsilon > 0

const CONFIGURATIONS = [Float32Array, Float64Array].flatMap((Boxes) => {
  const dtype = Boxes === Float32Array ? 'float32' : 'float64'
  return [
    ...COMPILED.flatMap((backend) =>
      ALL.map((variant) => ({ backend, Boxes, dtype, variant, label: variant.label, n: 1000 })),
    ),
    ...PLAIN.map((variant) => ({ backend: 'js' as const, Boxes, dtype, variant, label: variant.label, n: 114 })),
  ]
})

describe.each(CONFIGURATIONS)('$label on $backend in $dtype', ({ backend, Boxes, variant: v, n }) => {
  const axes = axesOf(v)
  const width = 2 * axes
  const epsilon = Boxes === Float32Array ? 2 ** -23 : 2 ** -52
  const valid = randomPairs(Boxes, n, { seed: 2, step: GRID, axes })
  const onGrid = randomPairs(Boxes, n, { seed: 2, kinds: MIXED, step: GRID, axes })
  const any = randomPairs(Boxes, n, { seed: 4, kinds: MIXED, axes })
  const results = (rows: Rows) => evaluate(v, rows, backend)
  test.each([1, -256, 2048, -4096.5])('moving both boxes by %d changes no bit', (offset) => {
    const move = (rows: FloatArray) => rows.map((x, j) => x + (j % axes === 0 ? offset : -3))
    expectSame(results({ pred: move(onGrid.pred), target: move(onGrid.target) }), results(onGrid))
  })

  const atScaleOf = (power: number) => {
    const factor = 2 ** power
    const zoomed = { pred: scaled(any.pred, factor), target: scaled(any.target, factor) }
    const before = results(any)
    const gradFactor = isLength(v) ? 1 : 1 / factor
    return {
      actual: evaluate(atScale(v, factor), zoomed, backend),
      expected: {
        ...before,
        loss: scaled(before.loss, isLength(v) ? factor : 1),
        grad: scaled(before.grad, gradFactor),
        gradTarget: scaled(before.gradTarget, gradFactor),
      },
    }
  }
  const powers = Boxes === Float32Array ? [1, -10, 60, -60, -90] : [1, -10, 150, -150, -900]
  test.skipIf(hasEpsilon(v)).each(powers)('scaling both boxes by 2^%d scales loss and gradient exactly', (power) => {
    const { actual, expected } = atScaleOf(power)
    expectSame(actual, expected)
  })
  // Parts of the gradient get near the smallest number; a power below 1 makes large ones of those below it.
  const most = v.params.power < 1 ? 60 : Boxes === Float32Array ? 100 : 900
  test.skipIf(hasEpsilon(v))(`scaling both boxes by 2^${most} scales loss and gradient`, () => {
    const { actual, expected } = atScaleOf(most)
    expectClose(actual, expected, { loss: 0, grad: 2 * epsilon })
  })

  test.skipIf(isLopsided(v))('exchanging prediction and target exchanges the gradients, to the bit', () => {
    const before = results(any)
    const after = results({ pred: any.target, target: any.pred })
    const { grad, gradTarget } = after
    expectSame({ ...after, grad: gradTarget, gradTarget: grad, loss: before.loss }, before)
    // The terms of a loss may be added in another order.
    expectClose({ ...after, grad: gradTarget, gradTarget: grad }, before, { loss: 2 * epsilon, grad: 0 })
  })

  const mirrors = MIRRORS[axes].filter((mirror) => !isLopsided(v) || !mirror.reflected.includes(true))
  test.each(mirrors)('$mirror does the same to the gradients, or pairs other corners', (mirror) => {
    const map = (rows: FloatArray) => mapRows(rows, reflect(mirror), width)
    const result = results(valid)
    const expected = { ...result, grad: map(result.grad), gradTarget: map(result.gradTarget) }
    const mirrored = results({ pred: map(valid.pred), target: map(valid.target) })
    if (pairsCorners(v) && isOfOneAxis(mirror)) {
      expect(
        largestOf(
          mirrored.loss.map((l, i) => l - expected.loss[i]),
          0,
          n,
        ),
      ).toBeGreaterThan(0.01)
    } else {
      // The reference is right to 1e-15 of 1, not of the loss.
      const sizes = { ...sizesOf(v, expected) }
      if (backend === 'js') sizes.loss = expected.loss.map((l) => Math.max(1, l))
      expectClose(mirrored, expected, { loss: 4 * epsilon, grad: 10 * epsilon }, sizes)
    }
  })

  test('the gradients of both boxes cancel along each axis, and what they do as the boxes grow', () => {
    const { loss, grad, gradTarget } = results(any)
    let sloped = 0
    const faults = Array.from(loss, (l, i) => {
      const size = Math.max(largestOf(grad, i, width), largestOf(gradTarget, i, width))
      const reach = Math.max(largestOf(any.pred, i, width), largestOf(any.target, i, width))
      const sum = Array(axes).fill(0)
      let growth = 0
      for (let j = width * i; j < width * (i + 1); ++j) {
        sum[j % axes] += grad[j] + gradTarget[j]
        growth += grad[j] * any.pred[j] + gradTarget[j] * any.target[j]
      }
      const cancels = sum.every((rest) => Math.abs(rest) <= 4 * epsilon * size)
      const grows =
        !(isScaleFree(v) || isHomogeneous(v)) ||
        Math.abs(growth - (isHomogeneous(v) ? l : 0)) <= 16 * epsilon * size * reach
      if (size > 0) ++sloped
      return cancels && grows ? [] : [[i, sum, growth, size]]
    }).flat()
    expect(faults.slice(0, 3)).toEqual([])
    expect(sloped).toBeGreaterThan(n / 2)
  })
})
