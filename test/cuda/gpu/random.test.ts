import { describe, expect, it } from 'vitest'
import type { FloatArray } from '../../../src/index.js'
import { type Boxes, KINDS, type Kind, randomPairs } from '../../support/random.js'
import { resultBytes } from '../../support/same-bits.js'
import { ALL, axesOf, PLAIN, TOGETHER, type Variant } from '../../support/variants.js'

// Compares many random pairs with the CPU backend, bit by bit. kernels.test.ts has the unusual pairs and few of each
// kind.

const EVERY_KIND: readonly Kind[] = [...KINDS, 'around', 'touching', 'mixed']

function expectSameBits({ name, label, options }: Variant, rows: { pred: FloatArray; target: FloatArray }) {
  const bytes = (backend: 'cpu' | 'cuda') =>
    resultBytes(name, rows.pred, rows.target, {
      ...options,
      backend,
      reduction: 'none',
      gradTarget: true,
      iou: true,
    })
  expect(bytes('cuda').equals(bytes('cpu')), label).toBe(true)
}

const pairs = (Float: Boxes, n: number, seed: number, axes: 2 | 3) =>
  randomPairs(Float, n, { seed, axes, kinds: EVERY_KIND })

it.each([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])('every loss in float32, million %i of ten', (seed) => {
  for (const axes of [2, 3] as const) {
    const rows = pairs(Float32Array, 1e6, seed, axes)
    for (const variant of PLAIN.filter((v) => axesOf(v) === axes)) expectSameBits(variant, rows)
  }
})

describe.each([
  ['float32', Float32Array],
  ['float64', Float64Array],
] as const)('%s', (_, Float) => {
  const rows = { 2: pairs(Float, 1e5, 11, 2), 3: pairs(Float, 1e5, 12, 3) }
  it.each([...ALL, ...TOGETHER])('$label', (variant) => expectSameBits(variant, rows[axesOf(variant)]))
})
