import { describe, expect, test } from 'vitest'
import { COMPILED } from '../support/backends.js'
import { KINDS, type Kind, randomPairs } from '../support/random.js'
import { evaluate, expectClose, sizesOf } from '../support/results.js'
import { ALL, axesOf, TOGETHER, type Variant } from '../support/variants.js'

// Compares the native code with the plain formulas, which the backend 'js' computes, for every loss with every option.

const CONFIGURATIONS = COMPILED.flatMap((backend) => [
  { backend, dtype: 'float32', Boxes: Float32Array, most: { loss: 6 * 2 ** -23, grad: 12 * 2 ** -23 } },
  { backend, dtype: 'float64', Boxes: Float64Array, most: { loss: 1e-13, grad: 1e-12 } },
])
const EVERY_KIND: readonly Kind[] = [...KINDS, 'around', 'touching', 'mixed']
/** Of a negative alpha little is left; high powers and large exponents leave the range of float32. */
const COMPARED = [...ALL, ...TOGETHER].filter(({ params: p }) => p.alpha >= 0 && p.power <= 3 && p.constant >= 1)

describe.each(CONFIGURATIONS)('$backend, $dtype', ({ backend, Boxes, most }) => {
  const isDouble = Boxes === Float64Array
  const kindsOf = ({ params }: Variant): readonly Kind[] =>
    // A root magnifies what the reference loses near a match.
    params.power < 1 && isDouble ? EVERY_KIND.filter((kind) => kind !== 'near' && kind !== 'mixed') : EVERY_KIND

  describe.each(COMPARED)('$label', (v) => {
    test.each(kindsOf(v))('%s', (kind) => {
      const rows = randomPairs(Boxes, 200, { seed: 50 + EVERY_KIND.indexOf(kind), kinds: [kind], axes: axesOf(v) })
      const [actual, expected] = [evaluate(v, rows, backend), evaluate(v, rows, 'js')]
      const sizes = { ...sizesOf(v, expected) }
      // Terms of inverted boxes cancel, and the reference is right to 1e-15 of 1.
      if (kind === 'inverted' || isDouble) {
        sizes.loss = expected.loss.map((l) => Math.max(1, Math.abs(l)))
        sizes.iou = expected.iou.map(() => 1)
      }
      expectClose(actual, expected, most, sizes)
      expect(actual.loss.some((l) => l !== 0) || v.params.focal > 0).toBe(true)
    })
  })
})
