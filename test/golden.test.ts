import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { backends, boxLoss, type BackendName, type LossName } from '../src/index.js'
import { loadNative } from '../src/native.js'
import { categories, type DType, goal, goldenName, measure, typed } from './support/golden.mjs'

// Every backend that runs here and every SIMD level against the vectors of 60-digit precision, in ulp.
const native = loadNative()
const widest = native.simd()
const LOSSES: [LossName, number][] = [
  ['so', 0.5],
  ['cd', 0.5],
  ['sca', 0.5],
  ['sca', 1],
]
const DTYPES: DType[] = ['float32', 'float64']

function checkAgainstGolden(backend: BackendName, dtype: DType, loss: LossName, alpha: number) {
  const missed = categories
    .map((category) => {
      const worst = measure((name, pred, target, options) => boxLoss(name, pred, target, { ...options, backend }), {
        dtype,
        loss,
        alpha,
        category,
      })
      return { category: category.name, loss: worst.loss.ulp, grad: worst.grad.ulp, at: worst }
    })
    .filter((worst) => worst.loss > goal(loss).loss || worst.grad > goal(loss).grad)
  expect(missed).toEqual([])
}

describe('golden vectors', () => {
  it('hold every category that they should', () => {
    expect(categories.map((category) => category.name).sort()).toEqual(
      [
        ...['overlap', 'low_overlap', 'disjoint', 'nested', 'touching', 'near_match', 'tiny_offset', 'huge'],
        ...['normalized', 'aspect', 'cxcywh', 'negative', 'inverted', 'degenerate', 'scale_extreme'],
      ].sort(),
    )
    for (const { n, pred } of categories) expect(pred.length).toBe(4 * n)
  })

  describe.each(native.simdLevels())('cpu, %s', (level) => {
    beforeAll(() => {
      native.setSimd(level)
    })
    afterAll(() => {
      native.setSimd(widest)
    })
    describe.each(DTYPES)('%s', (dtype) => {
      it.each(LOSSES)('%s, alpha %d: at most 6 ulp in the loss, 12 in the gradients', (loss, alpha) => {
        checkAgainstGolden('cpu', dtype, loss, alpha)
      })
    })
  })

  it.each(LOSSES)('js, float32, %s, alpha %d', (loss, alpha) => checkAgainstGolden('js', 'float32', loss, alpha))

  // The reference states the paper's formulas as they are: near a match it is right absolutely, not to the last digit.
  it.each(LOSSES)('js, float64, %s, alpha %d: 1e-14 of the terms', (loss, alpha) => {
    for (const category of categories) {
      const [pred, target] = [typed(category.pred, 'float64'), typed(category.target, 'float64')]
      const actual = boxLoss(loss, pred, target, { backend: 'js', reduction: 'none', alpha }).loss
      const expected = category.loss[goldenName(loss, alpha)]
      for (let i = 0; i < category.n; ++i) {
        const terms = Math.max(1, Math.abs(category.loss.so![i]), alpha * category.loss.cd![i])
        expect(Math.abs(actual[i] - expected[i]) / terms).toBeLessThan(1e-14)
      }
    }
  })

  it.runIf(backends().cuda.available).each(LOSSES)('cuda, %s, alpha %d', (loss, alpha) => {
    for (const dtype of DTYPES) checkAgainstGolden('cuda', dtype, loss, alpha)
  })
})

describe('format cxcywh', () => {
  const category = categories.find(({ name }) => name === 'cxcywh')!
  const name = goldenName('sca')
  it.each<BackendName>(['cpu', 'js'])(
    '%s: the golden boxes in centre form give the golden loss and gradient',
    (backend) => {
      const result = boxLoss(
        'sca',
        typed(category.pred_cxcywh!, 'float64'),
        typed(category.target_cxcywh!, 'float64'),
        {
          format: 'cxcywh',
          reduction: 'none',
          gradTarget: true,
          backend,
        },
      )
      const golden = { grad: category.grad_pred[name], gradTarget: category.grad_target[name] }
      for (let i = 0; i < category.n; ++i) {
        expect(result.loss[i]).toBeCloseTo(category.loss[name]![i], 13)
        for (const which of ['grad', 'gradTarget'] as const) {
          const [x1, y1, x2, y2] = golden[which].slice(4 * i, 4 * i + 4) as [number, number, number, number]
          const size = Math.max(...[x1, y1, x2, y2].map(Math.abs))
          const centre = [x1 + x2, y1 + y2, (x2 - x1) / 2, (y2 - y1) / 2]
          for (const [k, expected] of centre.entries()) {
            expect(Math.abs(result[which][4 * i + k] - expected)).toBeLessThanOrEqual(1e-13 * size)
          }
        }
      }
    },
  )
})
