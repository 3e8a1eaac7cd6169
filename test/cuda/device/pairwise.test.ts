import { afterEach, describe, expect, it, vi } from 'vitest'
import { LOSS_NAMES, LOSSES } from '../../../src/core/losses.js'
import { pairwise } from '../../../src/index.js'
import { mulberry32 } from '../../support/random.js'
import { demanded } from '../../support/variants.js'

// Compares the kernel over all pairs with the CPU backend, bit by bit.
afterEach(() => {
  vi.unstubAllEnvs()
})

/** Boxes of three sizes, those of one size near each other; a few with a coordinate that is no number. */
function randomBoxes(Boxes: Float32ArrayConstructor | Float64ArrayConstructor, n: number, axes: number, seed: number) {
  const random = mulberry32(seed)
  const boxes = new Boxes(2 * axes * n)
  for (let i = 0; i < n; ++i) {
    const size = [1, 1, 2 ** -30, 2 ** 40][Math.floor(4 * random())]
    for (let k = 0; k < axes; ++k) {
      const first = 100 * random()
      boxes[2 * axes * i + k] = size * first
      boxes[2 * axes * i + axes + k] = random() < 0.02 ? Number.NaN : size * (first + 10 + 80 * random())
    }
  }
  return boxes
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
      const call = { ...demanded(name), out: new Boxes(n * m) }
      // Losses and similarities by turns: device memory is kept, and what a kernel left out must not be there already.
      for (const grid of ['1', '3']) {
        vi.stubEnv('EMULATOR_GRID', grid)
        for (const similarity of [false, true]) {
          const expected = pairwise(name, a, b, { ...demanded(name), similarity, backend: 'cpu' })
          expect(pairwise(name, a, b, { ...call, similarity, backend: 'cuda' })).toEqual(expected)
        }
      }
    }
  })
})
