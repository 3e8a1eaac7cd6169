import { describe, expect, test } from 'vitest'
import { boxLoss } from '../../src/calls/box-loss.js'
import { FORMATS } from '../../src/core/formats.js'
import { LOSS_NAMES, LOSSES, type LossName } from '../../src/core/losses.js'
import type { FloatArray, LossOptions } from '../../src/core/types.js'
import { type Bounds, deviationOf, faultsOf } from '../../src/grad-check/deviation.js'
import { slopesOf, slopesOfPairs } from '../../src/grad-check/slopes.js'
import { EVERY_BACKEND } from '../support/backends.js'
import { gradientFaults } from '../support/gradcheck.js'
import { KINDS, mulberry32, randomPairs, toFormat } from '../support/random.js'

// Compares gradients with slopes of the losses of the same backend, and tests the checks that do so. grad-check.test.ts
// compares them with the losses of the reference, with all options.

/** Without factors that the gradient takes for constants: such a gradient is not the slope of the loss. */
const OPTIONS: Partial<Record<LossName, LossOptions>> = {
  ciou: { detachAlpha: false },
  nwd: { constant: 100 }, // of this size are the distances
  mpdiou: { imageWidth: 640, imageHeight: 480 },
}
const CASES = LOSS_NAMES.flatMap((name) => {
  const { axes } = LOSSES[name]
  return FORMATS.filter((format) => axes === 2 || format !== 'yxyx').map((format) => ({ name, format, axes }))
})

/** Slopes are certain to 1e-7. */
const DIFFERENCES: Bounds = { element: 2e-7, relativeL2: 1e-8, direction: 1e-13, bias: 1e-8 }
/** 12 float32 spacings of the largest component; rounding has no preferred sign but that of the options. */
const ROUNDING: Bounds = { element: 12 * 2 ** -23, relativeL2: 2 ** -22, direction: 1e-13, bias: 2 ** -24 }

/** Of each kind 5. */
const PAIRS = 5 * KINDS.length

describe.each(EVERY_BACKEND)('%s', (backend) => {
  describe.each(CASES)('$name as $format', ({ name, format, axes }) => {
    const columns = 2 * axes
    const options = { ...OPTIONS[name], backend, format, reduction: 'none', gradTarget: true } as const

    test('the gradients are the slopes of the loss', () => {
      // On a grid, so that coordinates move without rounding.
      const corners = randomPairs(Float64Array, PAIRS, { seed: 4, kinds: KINDS, step: 2 ** -20, axes })
      const pred = toFormat(corners.pred, format, axes)
      const target = toFormat(corners.target, format, axes)
      const { grad, gradTarget } = boxLoss(name, pred, target, options)
      const lossAlone = { ...options, grad: false, gradTarget: false }
      const loss = (pair: Float64Array) =>
        boxLoss(name, pair.subarray(0, columns), pair.subarray(columns), lossAlone).loss[0]

      const { units, ...slopes } = slopesOfPairs(() => loss, { pred, target }, columns, 16)
      expect(units.filter((unit) => unit === 0).length).toBeLessThanOrEqual(2)
      expect(faultsOf(deviationOf(grad, slopes.pred, units), DIFFERENCES)).toEqual([])
      expect(faultsOf(deviationOf(gradTarget, slopes.target, units), DIFFERENCES)).toEqual([])
    })

    test('float32 boxes have the gradients of float64', () => {
      const corners = randomPairs(Float32Array, 1000, { seed: 5, kinds: KINDS, step: 2 ** -12, axes })
      const single = { pred: toFormat(corners.pred, format, axes), target: toFormat(corners.target, format, axes) }
      const actual = boxLoss(name, single.pred, single.target, options)
      const reference = boxLoss(name, Float64Array.from(single.pred), Float64Array.from(single.target), options)
      const faults = (gradient: FloatArray, expected: FloatArray) =>
        gradientFaults(gradient, expected, ROUNDING, columns)
      expect(faults(actual.grad, reference.grad)).toEqual([])
      expect(faults(actual.gradTarget, reference.gradTarget)).toEqual([])
    })
  })
})

describe('slopesOf', () => {
  const slope = (f: (x: number) => number, x: number) => slopesOf(([y]) => f(y), Float64Array.of(x), 16)

  test('tells slopes to ten digits', () => {
    expect(slope(Math.sin, 1)?.slopes[0]).toBeCloseTo(Math.cos(1), 10)
    expect(slope((x) => 1e6 + x, 3)?.slopes[0]).toBeCloseTo(1, 7)
    const { slopes, unit } = slopesOf(([x, y]) => x * y, Float64Array.of(2, 5), 16)!
    expect([...slopes, unit]).toEqual([5, 2, 5])
  })

  test.each([1e-3, 1e-4, 1e-5])('takes steps that stay on one side of a kink %d away', (distance) => {
    expect(slope(Math.abs, distance)?.slopes[0]).toBeCloseTo(1, 10)
    expect(slope((x) => x ** 2 + 3 * Math.max(x, 0), -distance)?.slopes[0]).toBeCloseTo(-2 * distance, 10)
  })

  test('follows a bend far shorter than its first step', () => {
    for (const radius of [1, 0.1, 0.01]) {
      const f = (x: number) => Math.hypot(x, radius)
      expect(slope(f, radius)?.slopes[0]).toBeCloseTo(Math.SQRT1_2, 6)
    }
  })

  test('finds no slope at a kink, wherever it lies between the points', () => {
    for (let i = -100; i <= 100; ++i) expect(slope(Math.abs, (i / 100) * 1e-6)).toBe(undefined)
    expect(slope((x) => 1e-3 * Math.abs(x) + x, 0)).toBe(undefined)
    expect(slope(Math.sqrt, 0)).toBe(undefined)
    expect(slope((x) => (x > 0 ? 1 : 0), 0)).toBe(undefined)
  })

  test('takes what rounding drowns for as large as it could be', () => {
    const { slopes, unit } = slope((x) => 1 + 1e-15 * x, 1)!
    expect(Math.abs(slopes[0] - 1e-15)).toBeLessThan(1e-7 * unit)
    expect(slope(() => 5, 1)).toEqual({ slopes: Float64Array.of(0), unit: expect.any(Number) })
    // Never 0, which stands for a kink.
    expect(slope(() => 0, 1)).toEqual({ slopes: Float64Array.of(0), unit: 2 ** -100 })
  })
})

describe('the measure of a gradient', () => {
  const { pred, target } = randomPairs(Float64Array, 500, { seed: 9 })
  const right = boxLoss('sca', pred, target, { backend: 'js', reduction: 'none' }).grad

  test('finds no fault in the gradient itself, nor in noise below the bounds', () => {
    const random = mulberry32(3)
    const noisy = right.map((g) => g * (1 + 1e-8 * (random() - 0.5)))
    expect(gradientFaults(right, right, DIFFERENCES)).toEqual([])
    expect(gradientFaults(noisy, right, DIFFERENCES)).toEqual([])
  })

  const last = right.length - 1
  test.each<{ error: string; plant: (g: number, j: number) => number; found: (keyof Bounds)[] }>([
    { error: 'all scaled by 1.001', plant: (g) => 1.001 * g, found: ['element', 'relativeL2', 'bias'] },
    { error: 'the sign of one component', plant: (g, j) => (j === last ? -g : g), found: ['element'] },
    { error: 'one component left 0', plant: (g, j) => (j === 8 ? 0 : g), found: ['element'] },
    { error: 'one component NaN', plant: (g, j) => (j === 8 ? Number.NaN : g), found: ['element'] },
    { error: 'x and y exchanged', plant: (_, j) => right[j ^ 1], found: ['element', 'direction'] },
    { error: 'all of them 0', plant: () => 0, found: ['element', 'relativeL2', 'bias'] },
    { error: 'a shrinking too small for any one component', plant: (g) => g * (1 - 1e-7), found: ['bias'] },
  ])('finds a planted error: $error', ({ plant, found }) => {
    const planted = Float64Array.from(right, plant)
    for (const bounds of [DIFFERENCES, ROUNDING]) {
      const names = gradientFaults(planted, right, bounds).map((fault) => fault.split(':')[0])
      expect(names).toEqual(expect.arrayContaining(found))
    }
  })

  test('leaves out rows without a unit; nothing at all does not pass', () => {
    const [good, bad] = [Float64Array.of(1, 2), Float64Array.of(1, 7)]
    expect(faultsOf(deviationOf(good, bad, [1, 0]), DIFFERENCES)).toEqual([])
    expect(faultsOf(deviationOf(good, bad, [0, 1]), DIFFERENCES)).not.toEqual([])
    expect(faultsOf(deviationOf(good, good, [0, 0]), DIFFERENCES)).not.toEqual([])
  })

  test('the worst component stays NaN once it is', () => {
    const { worst } = deviationOf([0, Number.NaN, 9, 9], [0, 0, 0, 0], [1, 1])
    expect(worst).toEqual({ error: Number.NaN, row: 0, component: 1, analytic: Number.NaN, numeric: 0 })
  })
})
