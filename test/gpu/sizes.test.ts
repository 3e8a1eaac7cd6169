import { describe, expect, it } from 'vitest'
import { type BoxLossOptions, backends, boxLoss, type FloatArray, type LossName } from '../../src/index.js'
import { type Boxes, mulberry32, randomPairs } from '../support/random.js'
import { resultBytes } from '../support/same-bits.js'

// Batches from one box to more than the L2 holds, and the same call over and over: one launch adds up all blocks' sums, so a
// grid that ends early, a ticket left over or a race would show in the loss.

/** A kernel's tile, and what one turn of the whole grid takes (cuda/reduction.h, cuda/box_loss.cu). */
const TILE = 1024
const { cuda } = backends()
const TURN = 4 * TILE * (cuda.available ? cuda.devices[0].multiprocessors : 1)
const around = (n: number) => [n - 1, n, n + 1]
const SIZES = [1, 2, 3, ...around(32), ...around(256), ...around(TILE), ...around(TURN), ...around(10 * TURN), 2e7]

const random = mulberry32(3)
const WEIGHTS = Float64Array.from({ length: 4099 }, () => (random() < 0.1 ? 0 : 2 * random()))

/** n pairs in which a million random ones come again and again. */
function pairs(Float: Boxes, n: number) {
  const some = randomPairs(Float, Math.min(n, 1e6), { seed: 5 })
  const repeat = (boxes: FloatArray) => {
    const all: FloatArray = new Float(4 * n)
    for (let at = 0; at < all.length; at += boxes.length) all.set(boxes.subarray(0, all.length - at), at)
    return all
  }
  return { pred: repeat(some.pred), target: repeat(some.target), weight: new Float(n).map((_, i) => WEIGHTS[i % 4099]) }
}

describe.each([
  ['float32', Float32Array],
  ['float64', Float64Array],
] as const)('%s', (_, Float) => {
  it.each(SIZES)('%i boxes, every reduction', (n) => {
    const { pred, target, weight } = pairs(Float, n)
    const names: LossName[] = n < 1e7 ? ['sca', 'ciou', 'l1'] : ['sca']
    for (const name of names) {
      for (const reduction of ['none', 'sum', 'mean'] as const) {
        for (const grad of [true, false]) {
          const bytes = (backend: 'cpu' | 'cuda') =>
            resultBytes(name, pred, target, { backend, weight, reduction, grad })
          expect(bytes('cuda').equals(bytes('cpu')), `${name}, ${reduction}, gradient ${grad}`).toBe(true)
        }
      }
    }
  })
})

it('the same call gives the same bits, whatever runs between', () => {
  const large = pairs(Float32Array, 300_000)
  const small = pairs(Float64Array, 700)
  const options: BoxLossOptions = { backend: 'cuda', weight: large.weight, gradTarget: true }
  const call = () => resultBytes('siou', large.pred, large.target, options)
  const first = call()
  for (let i = 0; i < 200; ++i) {
    if (i % 3 === 0) boxLoss('sca', small.pred, small.target, { backend: 'cuda' })
    expect(call().equals(first), `call ${i}`).toBe(true)
  }
})
