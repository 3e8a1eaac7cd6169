import { describe, expect, test } from 'vitest'
import { boxLoss } from '../src/box-loss.js'
import { FORMATS } from '../src/formats.js'
import type { FloatArray, LossName } from '../src/types.js'
import { type Bounds, chooseSteps, gradientFaults, numericGradient } from './support/gradcheck.js'
import { KINDS, mulberry32, randomPairs, toFormat } from './support/random.js'

const BACKENDS = ['cpu', 'js'] as const
const LOSSES: { name: LossName; alpha: number }[] = [
  { name: 'so', alpha: 0.5 },
  { name: 'cd', alpha: 0.5 },
  { name: 'sca', alpha: 0 },
  { name: 'sca', alpha: 0.5 },
  { name: 'sca', alpha: 1 },
  { name: 'sca', alpha: 4 },
]

/** Truncation of the differences is 1e-9 of a component; the rest is rounding of losses and coordinates over the step. */
const DIFFERENCES: Bounds = { element: 1e-6, relativeL2: 1e-7, direction: 1e-13, bias: 1e-8 }
/** 12 float32 spacings of the largest component; rounding has no preferred sign. */
const ROUNDING: Bounds = { element: 12 * 2 ** -23, relativeL2: 2 ** -22, direction: 1e-13, bias: 1e-8 }

/** Per kind. */
const PAIRS = 60

/** Pairs of every kind in every format, and rows too near to a tie for differences. */
const cases = KINDS.flatMap((kind, seed) => {
  const corners = randomPairs(Float64Array, PAIRS, { seed, kinds: [kind] })
  const { steps, atKink } = chooseSteps(corners.pred, corners.target)
  return FORMATS.map((format) => ({
    kind,
    format,
    steps,
    atKink,
    pred: toFormat(corners.pred, format),
    target: toFormat(corners.target, format),
  }))
})

test('few pairs are left out for being near a tie', () => {
  for (const { atKink } of cases) expect(atKink.size).toBeLessThanOrEqual(0.02 * PAIRS)
})

describe.each(BACKENDS)('%s', (backend) => {
  describe.each(LOSSES)('$name, alpha $alpha', ({ name, alpha }) => {
    test.each(cases)('$kind boxes as $format: the gradients are the slopes of the loss', (boxes) => {
      const options = { backend, alpha, format: boxes.format, reduction: 'none' } as const
      const losses = (pred: FloatArray, target: FloatArray) =>
        boxLoss(name, pred, target, { ...options, grad: false }).loss
      const { grad, gradTarget } = boxLoss(name, boxes.pred, boxes.target, { ...options, gradTarget: true })
      const slopes = (argument: 'pred' | 'target') => numericGradient(losses, boxes, argument, boxes.steps)
      expect(gradientFaults(grad, slopes('pred'), DIFFERENCES, boxes.atKink)).toEqual([])
      expect(gradientFaults(gradTarget, slopes('target'), DIFFERENCES, boxes.atKink)).toEqual([])
    })

    test.each(FORMATS)('float32 boxes as %s have the gradients of float64', (format) => {
      const corners = randomPairs(Float32Array, 4000, { seed: 5, kinds: KINDS, step: 2 ** -12 })
      const single = { pred: toFormat(corners.pred, format), target: toFormat(corners.target, format) }
      const options = { backend, alpha, format, reduction: 'none', gradTarget: true } as const
      const actual = boxLoss(name, single.pred, single.target, options)
      const reference = boxLoss(name, Float64Array.from(single.pred), Float64Array.from(single.target), options)
      expect(gradientFaults(actual.grad, reference.grad, ROUNDING)).toEqual([])
      expect(gradientFaults(actual.gradTarget, reference.gradTarget, ROUNDING)).toEqual([])
    })
  })
})

describe('the checks themselves', () => {
  const { pred, target } = randomPairs(Float64Array, 500, { seed: 9 })
  const right = boxLoss('sca', pred, target, { backend: 'js', reduction: 'none' }).grad

  test('find no fault in the gradient itself, nor in noise below the bounds', () => {
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
    { error: 'a shrinking too small for any one component', plant: (g) => g * (1 - 3e-8), found: ['bias'] },
  ])('find a planted error: $error', ({ plant, found }) => {
    const planted = Float64Array.from(right, plant)
    for (const bounds of [DIFFERENCES, ROUNDING]) {
      const names = gradientFaults(planted, right, bounds).map((fault) => fault.split(':')[0])
      expect(names).toEqual(expect.arrayContaining(found))
    }
  })
})
