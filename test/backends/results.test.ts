import { afterEach, describe, expect, test, vi } from 'vitest'
import { boxLoss } from '../../src/calls/box-loss.js'
import { loadNative } from '../../src/native/addon.js'
import { backends } from '../../src/native/backends.js'
import { EVERY_BACKEND } from '../support/backends.js'
import { randomPairs } from '../support/random.js'

// The results of a call, the arrays that it writes to, and the backend that computes it.

const N = 37
const POISON = 12345
const CONFIGURATIONS = EVERY_BACKEND.flatMap((backend) => [
  { backend, Boxes: Float32Array, dtype: 'float32' },
  { backend, Boxes: Float64Array, dtype: 'float64' },
])

afterEach(() => vi.restoreAllMocks())

describe.each(CONFIGURATIONS)('$backend, $dtype', ({ backend, Boxes }) => {
  const { pred, target } = randomPairs(Boxes, N, { seed: 40 })
  const all = { backend, reduction: 'none', gradTarget: true, iou: true } as const
  const plain = boxLoss('sca', pred, target, all)
  const poisoned = (length: number) => new Boxes(length).fill(POISON)

  test('results have the dtype of pred and a row for each box', () => {
    const lengths = { loss: N, grad: 4 * N, gradTarget: 4 * N, iou: N } as const
    for (const [key, length] of Object.entries(lengths) as [keyof typeof lengths, number][]) {
      expect(plain[key]).toBeInstanceOf(Boxes)
      expect(plain[key]).toHaveLength(length)
    }
    expect(typeof boxLoss('sca', pred, target, { backend }).loss).toBe('number')
  })

  test('two calls give results of their own', () => {
    const { loss, grad } = boxLoss('sca', pred, target, all)
    const again = boxLoss('sca', target, pred, all)
    expect(again.loss.buffer).not.toBe(loss.buffer)
    expect(again.grad.buffer).not.toBe(grad.buffer)
    expect(grad).toEqual(plain.grad)
  })

  test('inputs stay as they are', () => {
    const inputs = { pred, target, weight: new Boxes(N).fill(0.5), gradOutput: new Boxes(N).fill(2) }
    const copies = structuredClone(inputs)
    const { weight, gradOutput } = inputs
    for (const onInvalid of ['propagate', 'ignore', 'throw'] as const) {
      boxLoss('sca', pred, target, {
        ...all,
        weight,
        gradOutput,
        onInvalid,
        format: 'cxcywh',
        ...(onInvalid === 'throw' && { format: 'xyxy' }),
      })
    }
    expect(inputs).toEqual(copies)
  })

  test('one array may be prediction and target', () => {
    expect(boxLoss('sca', pred, pred, { backend }).loss).toBe(0)
  })

  describe('out', () => {
    test('is filled and returned', () => {
      const out = { loss: poisoned(N), grad: poisoned(4 * N), gradTarget: poisoned(4 * N), iou: poisoned(N) }
      const result = boxLoss('sca', pred, target, { ...all, out })
      for (const key of ['loss', 'grad', 'gradTarget', 'iou'] as const) expect(result[key]).toBe(out[key])
      expect(result).toEqual(plain)
    })

    test.each(['loss', 'grad', 'gradTarget', 'iou'] as const)('may hold %s alone', (key) => {
      const array = poisoned(plain[key].length)
      const result = boxLoss('sca', pred, target, { ...all, out: { [key]: array } })
      expect(result[key]).toBe(array)
      expect(result).toEqual(plain)
    })

    test('may be empty, or hold undefined', () => {
      expect(boxLoss('sca', pred, target, { ...all, out: {} })).toEqual(plain)
      expect(boxLoss('sca', pred, target, { ...all, out: { grad: undefined } })).toEqual(plain)
    })

    test('of rows that count 0 is overwritten all the same', () => {
      for (const options of [{ normalizer: 0, reduction: 'sum' }, { weight: new Boxes(N) }] as const) {
        const out = { grad: poisoned(4 * N), gradTarget: poisoned(4 * N) }
        boxLoss('sca', pred, target, { backend, gradTarget: true, ...options, out })
        expect([...out.grad, ...out.gradTarget].every((v) => Object.is(v, 0))).toBe(true)
      }
    })

    test('beside its neighbours in one buffer changes nothing but itself', () => {
      const buffer = poisoned(10 * N)
      const parts = { before: buffer.subarray(0, N), grad: buffer.subarray(N, 5 * N), after: buffer.subarray(5 * N) }
      boxLoss('sca', pred, target, { backend, reduction: 'none', out: { grad: parts.grad } })
      expect(parts.grad).toEqual(plain.grad)
      expect([...parts.before, ...parts.after].every((v) => v === POISON)).toBe(true)
    })
  })

  test.each(['none', 'sum', 'mean'] as const)('no boxes at all, reduction %s', (reduction) => {
    const empty = () => new Boxes(0)
    const out = { grad: empty() }
    const options = { backend, reduction, gradTarget: true, iou: true, weight: empty(), out } as const
    const result = boxLoss('sca', empty(), empty(), options)
    expect(result).toEqual({
      loss: reduction === 'none' ? empty() : 0,
      grad: empty(),
      gradTarget: empty(),
      iou: empty(),
      invalid: 0,
      backend,
    })
    expect(result.grad).toBe(out.grad)
    expect(boxLoss('sca', empty(), empty(), { backend, grad: false }).grad).toBeUndefined()
  })

  test('one box, by hand', () => {
    // Apart by (3, 4) with equal sizes: overlap -1/5 on x and -2/6 on y, corners 5 + 5 over a diagonal of √61.
    const [p, t] = [Boxes.of(0, 0, 2, 2), Boxes.of(3, 4, 5, 6)]
    const so = 2 + 1 / 5 + 2 / 6
    const cd = 10 / Math.sqrt(61)
    const digits = Boxes === Float32Array ? 6 : 14
    for (const reduction of ['mean', 'sum'] as const) {
      expect(boxLoss('so', p, t, { backend, reduction }).loss).toBeCloseTo(so, digits)
      expect(boxLoss('cd', p, t, { backend, reduction }).loss).toBeCloseTo(cd, digits)
      expect(boxLoss('sca', p, t, { backend, reduction }).loss).toBeCloseTo(so + 0.5 * cd, digits)
    }
    expect(boxLoss('sca', p, t, { backend, reduction: 'none' }).loss).toHaveLength(1)
  })

  test('leading dimensions are the caller’s: [2, 3, 4] numbers are 6 boxes in row-major order', () => {
    const { loss } = boxLoss('sca', pred.slice(0, 24), target.slice(0, 24), { backend, reduction: 'none' })
    expect(loss).toEqual(plain.loss.slice(0, 6))
  })

  test('the backend asked for is the one that computes', () => {
    const addon = vi.spyOn(loadNative(), 'boxLoss')
    expect(boxLoss('sca', pred, target, { backend }).backend).toBe(backend)
    expect(addon).toHaveBeenCalledTimes(backend === 'cpu' || backend === 'cuda' ? 1 : 0)
  })
})

describe('backend', () => {
  const box = Float32Array.of(0, 0, 1, 1)

  // First in this process: 'auto' asks for CUDA once, and remembers.
  test.each(['cpu', 'wasm', 'js'] as const)('%s never asks about CUDA', (backend) => {
    const cuda = vi.spyOn(loadNative(), 'cuda')
    boxLoss('sca', box, box, { backend })
    boxLoss('sca', box, box, { backend, device: 3 })
    expect(cuda).not.toHaveBeenCalled()
    backends()
    expect(cuda).toHaveBeenCalled()
  })

  test('auto, the default, is the best there is', () => {
    const best = backends().cuda.available ? 'cuda' : 'cpu'
    expect(boxLoss('sca', box, box).backend).toBe(best)
    expect(boxLoss('sca', box, box, { backend: 'auto' })).toEqual(boxLoss('sca', box, box))
  })
})
