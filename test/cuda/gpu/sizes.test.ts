import { describe, expect, it } from 'vitest'
import {
  type BoxLossOptions,
  backends,
  boxLoss,
  type CudaTensor,
  cuda,
  type FloatArray,
  type LossName,
  type LossOptions,
  pairwise,
} from '../../../src/index.js'
import { type Boxes, KINDS, mulberry32, randomPairs } from '../../support/random.js'
import { resultBytes } from '../../support/same-bits.js'

// Batches from one box to more than the L2 holds, and the same call repeated. One launch adds up the sums of all
// blocks, so a grid that ends early, a ticket left over or a race would show in the loss.

/**
 * A kernel's tile (core/reduction.h); up to so many boxes kernels read host arrays across the bus (cuda/host_call.cpp).
 */
const [TILE, MAPPED] = [1024, 16 << 10]
const { cuda: found } = backends()
/** What one turn of the largest grid takes (cuda/box_loss.cuh): beyond, blocks have several tiles. */
const TURN = 3 * TILE * (found.available ? found.devices[0].multiprocessors : 1)
const around = (n: number) => [n - 1, n, n + 1]
/** The last are computed in several parts. */
const SIZES = [1, 2, 3, ...around(32), ...around(256), ...around(TILE), ...around(MAPPED), 700_001, 3_000_017, 2e7]

const random = mulberry32(3)
const WEIGHTS = Float64Array.from({ length: 4099 }, () => (random() < 0.1 ? 0 : 2 * random()))

const bytesOf = (tensor: CudaTensor) => Buffer.from(tensor.read().buffer)

/** n pairs in which a number of random ones come again and again. */
function pairs(Float: Boxes, n: number, { axes = 2, different = 1e6 }: { axes?: 2 | 3; different?: number } = {}) {
  const some = randomPairs(Float, Math.min(n, different), { seed: 5, axes, kinds: KINDS })
  const repeat = (boxes: FloatArray) => {
    const all: FloatArray = new Float(2 * axes * n)
    for (let at = 0; at < all.length; at += boxes.length) all.set(boxes.subarray(0, all.length - at), at)
    return all
  }
  return { pred: repeat(some.pred), target: repeat(some.target), weight: new Float(n).map((_, i) => WEIGHTS[i % 4099]) }
}

describe.each([
  ['float32', Float32Array],
  ['float64', Float64Array],
] as const)('%s arrays', (_, Float) => {
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

describe.each(['float32', 'float64', 'float16', 'bfloat16'] as const)('%s tensors, several tiles a block', (dtype) => {
  /** Kernels of their own, and those for all losses. */
  const calls: [LossName, LossOptions][] = [
    ['sca', {}],
    ['iou', {}],
    ['ciou', {}],
    ['ciou', { inner: 0.7 }],
    ['sca3', {}],
  ]
  it.each([TURN + 1, 4 * TURN - 1])('%i boxes', (n) => {
    const device = cuda.device(0)
    const Float = dtype === 'float64' ? Float64Array : Float32Array
    for (const [name, options] of calls) {
      const some = pairs(Float, n, { axes: name === 'sca3' ? 3 : 2, different: 99_991 })
      const [pred, target] = [device.tensor(some.pred, dtype), device.tensor(some.target, dtype)]
      const expected = boxLoss(name, pred.read(), target.read(), { ...options, backend: 'cpu' })
      const rounded = device.tensor(expected.grad, dtype)
      for (const grad of [true, false]) {
        const results = device.boxLoss(name, pred, target, { ...options, grad })
        const what = `${name} ${JSON.stringify(options)}, gradient ${grad}`
        expect(results.loss.read()[0], what).toBe(expected.loss)
        expect(results.invalid.read()[0], what).toBe(expected.invalid)
        if (results.grad) expect(Buffer.compare(bytesOf(results.grad), bytesOf(rounded)), what).toBe(0)
        for (const tensor of Object.values(results)) tensor?.dispose()
      }
      for (const tensor of [pred, target, rounded]) tensor.dispose()
    }
  })
})

it.runIf(found.available && found.devices[0].memory > 2 ** 33)('rows beyond 2 GiB', () => {
  const device = cuda.device(0)
  const [n, repeated] = [2 ** 27 + 5, 2 ** 20]
  const some = randomPairs(Float32Array, repeated, { seed: 9, kinds: KINDS })
  const [pred, target] = [some.pred, some.target].map((boxes) => {
    const [once, all] = [device.tensor(boxes), device.tensor(4 * n)]
    for (let at = 0; at < all.length; at += once.length) {
      const part = all.subarray(at, Math.min(at + once.length, all.length))
      part.copyFrom(once.subarray(0, part.length))
    }
    return all
  })
  const { grad, invalid } = device.boxLoss('giou', pred, target, { reduction: 'sum' })
  const expected = boxLoss('giou', some.pred, some.target, { reduction: 'sum', backend: 'cpu' })
  const first = boxLoss('giou', some.pred.subarray(0, 20), some.target.subarray(0, 20), { backend: 'cpu' })
  expect(invalid.read()[0]).toBe((2 ** 27 / repeated) * expected.invalid + first.invalid)
  for (const begin of [0, 2 ** 26, 2 ** 27 - repeated]) {
    const part = grad.subarray(4 * begin, 4 * (begin + repeated))
    expect(Buffer.compare(bytesOf(part), Buffer.from(expected.grad.buffer)), `from row ${begin}`).toBe(0)
  }
  const last = grad.subarray(4 * 2 ** 27, 4 * n)
  expect(last.read()).toEqual(expected.grad.subarray(0, 20))
  for (const tensor of [pred, target, grad, invalid]) tensor.dispose()
})

it('pairwise in several parts', () => {
  const { pred, target } = randomPairs(Float32Array, 9000, { seed: 10, kinds: KINDS })
  const bytes = (backend: 'cpu' | 'cuda') => Buffer.from(pairwise('giou', pred, target, { backend }).buffer)
  expect(bytes('cuda').equals(bytes('cpu'))).toBe(true)
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
