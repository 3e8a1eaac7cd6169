import { afterEach, describe, expect, it, vi } from 'vitest'
import { alloc, type BoxLossOptions, backends, boxLoss, createPlan, type FloatArray } from '../../../src/index.js'
import { mulberry32, randomPairs } from '../../support/random.js'

// Host arrays on CUDA: few boxes take one launch over pinned memory, many boxes take parts that overlap. The tests also
// run on a GPU, where the parts are larger.
const { cuda } = backends()
const isEmulated = cuda.available && cuda.devices[0].name === 'Emulator'
/** Ways in which the emulator runs what is enqueued; a GPU has its own. */
const ORDERS = isEmulated ? ['lazy', 'eager', '1', '2', '3'] : ['']
/** Around the number of boxes of one launch and of one part, and several parts. */
const SIZES = isEmulated ? [1, 1023, 1024, 1025, 5000, 12_345, 40_000] : [1, 16_384, 16_385, 150_000, 1_000_000]

afterEach(() => {
  vi.unstubAllEnvs()
})

function expectSame(pred: FloatArray, target: FloatArray, options: BoxLossOptions) {
  const actual = boxLoss('giou', pred, target, { ...options, backend: 'cuda' })
  const expected = boxLoss('giou', pred, target, { ...options, out: {}, backend: 'cpu' })
  for (const key of ['loss', 'grad', 'gradTarget', 'iou', 'invalid'] as const) {
    const [a, e] = [actual[key], expected[key]]
    const same =
      typeof a === 'object' && typeof e === 'object'
        ? Buffer.from(a.buffer, a.byteOffset, a.byteLength).equals(Buffer.from(e.buffer, e.byteOffset, e.byteLength))
        : a === e
    expect(same, key).toBe(true)
  }
}

describe.each(ORDERS)('%s', (order) => {
  it.each(SIZES)('%i boxes: ordinary arrays, pinned ones, and both', (n) => {
    if (order) vi.stubEnv('EMULATOR_STREAMS', order)
    const { pred, target } = randomPairs(Float32Array, n, { seed: n })
    const random = mulberry32(n)
    const perRow = () => new Float32Array(n).map(() => (random() < 0.1 ? 0 : 2 * random()))
    const pinned = (array: FloatArray, columns: number) => {
      const copy = alloc(n, 'float32', { backend: 'cuda', columns })
      copy.set(array)
      return copy
    }
    const everything = {
      reduction: 'none',
      gradTarget: true,
      iou: true,
      weight: perRow(),
      gradOutput: perRow(),
    } as const
    const poisoned = (columns: number) => alloc(n, 'float32', { backend: 'cuda', columns }).fill(12345)
    expectSame(pred, target, {})
    expectSame(pred, target, { grad: false, reduction: 'sum' })
    expectSame(pred, target, everything)
    expectSame(pinned(pred, 4), pinned(target, 4), { out: { grad: poisoned(4) } })
    expectSame(pinned(pred, 4), target, {
      ...everything,
      weight: pinned(everything.weight, 1),
      out: { loss: poisoned(1), gradTarget: poisoned(4), iou: new Float32Array(n).fill(12345) },
    })
  })

  it('plans, over and over, of all their boxes and of some', () => {
    if (order) vi.stubEnv('EMULATOR_STREAMS', order)
    for (const boxes of [700, 9000]) {
      const { pred, target } = randomPairs(Float32Array, boxes, { seed: boxes })
      const plan = createPlan('ciou', { boxes, backend: 'cuda' })
      plan.pred.set(pred)
      plan.target.set(target)
      for (const n of [boxes, 1, boxes - 5, boxes]) {
        const expected = boxLoss('ciou', pred.slice(0, 4 * n), target.slice(0, 4 * n), { backend: 'cpu' })
        plan.grad.fill(12345)
        const { loss, grad, invalid } = plan.run(n === boxes ? undefined : { boxes: n })
        expect([loss, invalid]).toEqual([expected.loss, expected.invalid])
        expect(grad.subarray(0, 4 * n)).toEqual(expected.grad)
        expect(grad.subarray(4 * n).every((g) => g === 12345)).toBe(true)
      }
    }
  })
})

it('pinned arrays in unaligned parts', () => {
  const { pred, target } = randomPairs(Float32Array, 3000, { seed: 1 })
  const [a, b, grad] = [3001, 3001, 3001].map((n) => alloc(n, 'float32', { backend: 'cuda' }).subarray(1, 12_001))
  a.set(pred)
  b.set(target)
  expectSame(a, b, { out: { grad } })
  expectSame(a.subarray(0, 400), b.subarray(0, 400), { out: { grad: grad.subarray(0, 400) } })
})
