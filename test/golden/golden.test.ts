import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { LOSS_NAMES } from '../../src/core/losses.js'
import { type BackendName, backends, boxLoss } from '../../src/index.js'
import { loadNative } from '../../src/native/addon.js'
import { EVERY_BACKEND } from '../support/backends.js'
import {
  categories,
  category,
  type DType,
  type Evaluate,
  goal,
  measure,
  run,
  type Variant,
  variant,
  variants,
} from '../support/golden.mjs'

// Compares every backend that runs here, and every SIMD level, with the vectors of high precision, in ulp.
const native = loadNative()
const widest = native.simd()
const DTYPES: DType[] = ['float32', 'float64']

const on =
  (backend: BackendName): Evaluate =>
  (name, pred, target, options) =>
    boxLoss(name, pred, target, { ...options, backend })

function checkAgainstGolden(backend: BackendName, dtype: DType, variant: Variant) {
  const missed = variant.vectors.flatMap((vectors) => {
    const { loss, grad } = measure(on(backend), { dtype, variant, vectors })
    const bound = goal(variant, vectors.name)
    return loss.ulp > bound.loss || grad.ulp > bound.grad
      ? `${vectors.name}: loss ${loss.ulp} (pair ${loss.index}), gradient ${grad.ulp} (pair ${grad.index})`
      : []
  })
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
  it('hold every loss', () => {
    expect(new Set(variants.map(({ loss }) => loss))).toEqual(new Set(LOSS_NAMES))
    for (const { vectors } of variants) {
      for (const { index, axes, loss, grad } of vectors) {
        expect([loss.length, grad.length]).toEqual([index.length, 4 * axes * index.length])
      }
    }
  })

  describe.each(native.simdLevels())('cpu, %s', (level) => {
    beforeAll(() => {
      native.setSimd(level)
    })
    afterAll(() => {
      native.setSimd(widest)
    })
    describe.each(DTYPES)('%s', (dtype) => {
      it.each(variants)('$label', (variant) => checkAgainstGolden('cpu', dtype, variant))
    })
  })

  it.each(variants)('js, float32, $label', (variant) => checkAgainstGolden('js', 'float32', variant))

  // The reference states the formulas as they are: near a match it is right absolutely, not to the last digit.
  it.each(variants)('js, float64, $label: 1e-14 of the terms', (variant) => {
    for (const vectors of variant.vectors) {
      const result = run(on('js'), { dtype: 'float64', variant, vectors })
      const width = 2 * vectors.axes
      for (const [i, loss] of vectors.loss.entries()) {
        const terms = Math.max(1, loss, vectors.lossScale[i]!)
        expect(Math.abs(result.loss[i]! - loss) / terms).toBeLessThan(1e-14)
        const grad = vectors.grad.slice(2 * width * i, 2 * width * (i + 1))
        const largest = Math.max(vectors.gradScale[i]!, ...grad.map(Math.abs))
        for (const [k, expected] of grad.entries()) {
          const actual = (k < width ? result.grad : result.gradTarget)[width * i + (k % width)]!
          if (actual !== expected) expect(Math.abs(actual - expected) / largest).toBeLessThan(1e-13)
        }
      }
    }
  })

  it.runIf(backends().cuda.available).each(variants)('cuda, $label', (variant) => {
    for (const dtype of DTYPES) checkAgainstGolden('cuda', dtype, variant)
  })
})

describe('format cxcywh', () => {
  const { n, pred_cxcywh: pred, target_cxcywh: target } = category('cxcywh')
  const golden = variant('sca@0.5').vectors.find(({ name }) => name === 'cxcywh')!
  it.each(EVERY_BACKEND)('%s: the golden boxes in centre form give the golden loss and gradient', (backend) => {
    const result = boxLoss('sca', Float64Array.from(pred!), Float64Array.from(target!), {
      format: 'cxcywh',
      reduction: 'none',
      gradTarget: true,
      backend,
    })
    for (let i = 0; i < n; ++i) {
      expect(result.loss[i]).toBeCloseTo(golden.loss[i]!, 13)
      for (const [part, which] of (['grad', 'gradTarget'] as const).entries()) {
        const start = 8 * i + 4 * part
        const [x1, y1, x2, y2] = golden.grad.slice(start, start + 4) as [number, number, number, number]
        const size = Math.max(...[x1, y1, x2, y2].map(Math.abs))
        const centre = [x1 + x2, y1 + y2, (x2 - x1) / 2, (y2 - y1) / 2]
        for (const [k, expected] of centre.entries()) {
          expect(Math.abs(result[which][4 * i + k] - expected)).toBeLessThanOrEqual(1e-13 * size)
        }
      }
    }
  })
})
