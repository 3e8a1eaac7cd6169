import { afterEach, describe, expect, it, vi } from 'vitest'
import { pairwise } from '../../src/index.js'
import { LOSS_NAMES, LOSSES } from '../../src/losses.js'
import { mulberry32 } from '../support/random.js'
import { demanded } from '../support/variants.js'

// The kernel over all pairs against the CPU backend, bit by bit.
afterEach(() => {
  vi.unstubAllEnvs()
})

/** Boxes of all sizes, every tenth with a coordinate that is no number. */
function randomBoxes(Boxes: Float32ArrayConstructor | Float64ArrayConstructor, n: number, axes: number, seed: number) {
  const random = mulberry32(seed)
  return new Boxes(2 * axes * n).map((_, i) => {
    if (random() < 0.02) return Number.NaN
    return (i % (2 * axes) < axes ? 100 : 180) * (1 + random()) * 2 ** (20 * Math.floor((8 * i) / (2 * axes * n)))
  })
}

describe.each([
  ['float32', Float32Array],
  ['float64', Float64Array],
] as const)('%s', (_, Boxes) => {
  it.each(LOSS_NAMES)('%s: the bits of the CPU backend, for any grid', (name) => {
    const { axes } = LOSSES[name]
    // More rows than a block takes, and more columns.
    for (const [n, m] of [
      [1, 1],
      [35, 260],
    ]) {
      const [a, b] = [randomBoxes(Boxes, n, axes, n), randomBoxes(Boxes, m, axes, m)]
      for (const similarity of [false, true]) {
        const expected = pairwise(name, a, b, { ...demanded(name), similarity, backend: 'cpu' })
        for (const grid of ['1', '3']) {
          vi.stubEnv('EMULATOR_GRID', grid)
          const out = new Boxes(n * m).fill(-1)
          expect(pairwise(name, a, b, { ...demanded(name), similarity, out, backend: 'cuda' })).toEqual(expected)
        }
      }
    }
  })
})
