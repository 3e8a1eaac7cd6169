import { Decimal } from 'decimal.js'
import { describe, expect, it } from 'vitest'
import { mul, sub, sum } from '../../scripts/golden-dual.mjs'
import { differences, geometry, lossTerms, results, variants } from '../../scripts/golden-family.mjs'
import type { LossName, LossOptions } from '../../src/core/types.js'
import { categories, category } from '../support/golden.mjs'

// Checks whether the vectors of scripts/golden-family.mjs can be trusted. No code of the package runs here.

/** Without ties of coordinates, so that every loss has a derivative. */
const SMOOTH = ['overlap', 'disjoint', 'nested', 'near_match', 'aspect', 'inverted', 'scale_extreme']
const PAIR = 4
const coordinates = ({ pred, target }: { pred: number[]; target: number[] }, i: number) =>
  [...pred.slice(4 * i, 4 * i + 4), ...target.slice(4 * i, 4 * i + 4)].map((v) => new Decimal(v.toPrecision(100)))

describe('golden-family.json.gz', () => {
  it('is what its generator makes of a sample of the pairs', () => {
    expect(differences()).toEqual([])
  })
})

describe('the formulas behind it', () => {
  it.each(SMOOTH)('%s: the gradients are central differences', (name) => {
    const at = coordinates(category(name), PAIR)
    const here = geometry(at)
    const step = Decimal.max(...at.map((v) => v.abs())).times('1e-25')
    const moved = at.map((_, k) =>
      [1, -1].map((sign) => geometry(at.map((v, j) => (j === k ? v.plus(step.times(sign)) : v)))),
    )
    for (const { label, loss, options } of variants) {
      const { grad } = sum(...lossTerms(loss, options, here))
      const slopes = moved.map(([up, down]) => {
        const [above, below] = [up, down].map((there) => sum(...lossTerms(loss, options, there!, here)))
        return sub(above!, below!).value.div(step.times(2))
      })
      const largest = Decimal.max(...slopes.map((slope) => slope.abs()))
      if (largest.lt('1e-1000')) continue // flat beyond what 80 digits of a loss near 1 show
      const errors = slopes.map((slope, k) => slope.minus(grad[k] ?? 0).abs())
      expect(Decimal.max(...errors).lte(largest.times(1e-20)), `${label}: ${errors} of ${largest}`).toBe(true)
    }
  })

  // The two files come from different programs.
  const shared: { label: string; loss: LossName; options: LossOptions }[] = [
    ...(['so', 'cd', 'iou', 'giou', 'diou', 'ciou', 'center', 'center2'] as const).map((loss) => ({
      label: loss,
      loss,
      options: {},
    })),
    { label: 'sca@0.5', loss: 'sca', options: {} },
    { label: 'sca@1.0', loss: 'sca', options: { alpha: 1 } },
    { label: 'iou_cd@0.5', loss: 'iou_cd', options: {} },
  ]
  it.each(categories)('$name: they give what golden.json.gz has', (golden) => {
    for (let i = 0; i < golden.n; i += 16) {
      for (const { label, loss, gradPred, gradTarget } of results(golden, i, shared)) {
        const row = (grad: Record<string, number[]>) => grad[label]!.slice(4 * i, 4 * i + 4)
        const expected = [...row(golden.grad_pred), ...row(golden.grad_target)]
        const largest = Math.max(...expected.map(Math.abs))
        expect(Math.abs(loss - golden.loss[label]![i]!)).toBeLessThanOrEqual(2 ** -52 * Math.abs(loss))
        const errors = [...gradPred, ...gradTarget].map((value, k) => Math.abs(value - expected[k]!))
        expect(Math.max(...errors)).toBeLessThanOrEqual(2 ** -52 * largest)
      }
    }
  })

  it('have the angle of siou as its paper puts it, with arcsin', () => {
    for (const name of ['overlap', 'disjoint', 'near_match']) {
      const { dx, dy, rho2 } = geometry(coordinates(category(name), PAIR))
      const angle = dy.value.abs().div(rho2.value.sqrt()).asin().minus(Decimal.acos(0).div(2))
      const cost = sub(1, mul(2, angle.sin().pow(2))).value
      const closed = dx.value.times(dy.value).abs().times(2).div(rho2.value)
      expect(cost.minus(closed).abs().lt(1e-60)).toBe(true)
    }
  })
})
