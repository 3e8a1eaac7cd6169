import { spawnSync } from 'node:child_process'
import { getEventListeners } from 'node:events'
import { join } from 'node:path'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { backends, boxLoss, boxLossAsync, ScaLossError } from '../../src/index.js'
import { loadNative } from '../../src/native/addon.js'
import { ROOT } from '../support/project.js'
import { randomPairs } from '../support/random.js'

// Calls off the main thread.
const BACKENDS = (['cuda', 'cpu', 'wasm', 'js'] as const).filter((backend) => backends()[backend].available)
const pairs = (n: number, seed = n) => randomPairs(Float32Array, n, { seed })

const rejected = async (promise: Promise<unknown>) => {
  try {
    await promise
  } catch (error) {
    return error as ScaLossError
  }
  throw new Error('nothing was rejected')
}

afterEach(() => {
  vi.restoreAllMocks()
})

describe.each(BACKENDS)('%s', (backend) => {
  it('leaves no listener on the signal', async () => {
    const { pred, target } = pairs(100)
    const { signal } = new AbortController()
    await boxLossAsync('sca', pred, target, { backend, signal })
    expect(getEventListeners(signal, 'abort')).toEqual([])
  })

  it('refuses results in the memory of its inputs', async () => {
    const { pred, target } = pairs(100)
    const { message } = await rejected(boxLossAsync('sca', pred, target, { backend, out: { grad: pred } }))
    expect(message).toMatch(/^out.grad: expected memory that no other array.*overlap with pred/)
  })

  it('gives what boxLoss gives', async () => {
    for (const n of [0, 1, 700, 17_000]) {
      const { pred, target } = pairs(n)
      const weight = new Float32Array(n).map((_, i) => i % 3)
      const all = { reduction: 'none', gradTarget: true, iou: true, weight, gradOutput: weight } as const
      for (const options of [{ backend }, { backend, grad: false }, { ...all, backend }] as const) {
        expect(await boxLossAsync('giou', pred, target, options)).toEqual(boxLoss('giou', pred, target, options))
      }
    }
  })

  it.each([500, 17_000])('takes %i inputs as they are at the call, and writes to out when it is done', async (n) => {
    const { pred, target } = pairs(n)
    const expected = boxLoss('sca', pred, target, { backend })
    const out = { grad: new Float32Array(4 * n).fill(12345) }
    const promise = boxLossAsync('sca', pred, target, { backend, out })
    pred.fill(0)
    target.fill(Number.NaN)
    expect(out.grad.every((g) => g === 12345)).toBe(true)
    const result = await promise
    expect(result.grad).toBe(out.grad)
    expect(result).toEqual(expected)
  })

  it('many at once, of all sizes, twice: the second in the memory of the first', async () => {
    const calls = Array.from({ length: 24 }, (_, i) => pairs(i % 12 === 7 ? 16_500 : 1 + ((i * 997) % 3000), i))
    const run = (some: typeof calls) =>
      Promise.all(some.map(({ pred, target }) => boxLossAsync('ciou', pred, target, { backend })))
    const results = [...(await run(calls.slice(0, 12))), ...(await run(calls.slice(12)))]
    for (const [i, { pred, target }] of calls.entries()) {
      expect(results[i]).toEqual(boxLoss('ciou', pred, target, { backend }))
    }
  })

  it.each([3000, 17_000])('%i boxes stop for a signal: with its reason, and without a word in out', async (n) => {
    const { pred, target } = pairs(n)
    const out = { grad: new Float32Array(4 * n).fill(12345) }
    const reason = new Error('enough')
    const aborted = AbortSignal.abort(reason)
    expect(await rejected(boxLossAsync('sca', pred, target, { backend, signal: aborted }))).toBe(reason)
    const controller = new AbortController()
    const promise = boxLossAsync('sca', pred, target, { backend, out, signal: controller.signal })
    controller.abort(reason)
    expect(await rejected(promise)).toBe(reason)
    // The memory is free again at once, and what the call still computes does not reach it.
    const { loss } = await boxLossAsync('so', pred, target, { backend, out })
    expect(loss).toBe(boxLoss('so', pred, target, { backend }).loss)
    expect(out.grad).toEqual(boxLoss('so', pred, target, { backend }).grad)
    const unused = new AbortController()
    await boxLossAsync('sca', pred, target, { backend, signal: unused.signal })
    unused.abort()
  })
})

it('takes a signal that is not an instance of the AbortSignal of this realm', async () => {
  const { pred, target } = pairs(10)
  const signal = Object.create(EventTarget.prototype, {
    [Symbol.toStringTag]: { value: 'AbortSignal' },
    throwIfAborted: {
      value: () => {
        throw new Error('aborted')
      },
    },
  }) as AbortSignal
  expect((await rejected(boxLossAsync('sca', pred, target, { signal }))).message).toBe('aborted')
})

describe('refuses', () => {
  const { pred, target } = pairs(100)
  const call = (options: object) => rejected(boxLossAsync('sca', pred, target, { backend: 'cpu', ...options } as never))

  it('what boxLoss refuses, by a rejection', async () => {
    const promise = boxLossAsync('sca', pred, target, { alpha: Number.NaN })
    expect(promise).toBeInstanceOf(Promise)
    expect(await rejected(promise)).toMatchObject({ code: 'ERR_SCALOSS_INVALID_ARGUMENT' })
    expect((await call({ alhpa: 1 })).message).toMatch(/^options: expected only the members/)
    expect((await call({ signal: {} })).message).toMatch(/^signal: expected an AbortSignal/)
    const inverted = Float32Array.of(2, 2, 1, 1)
    const thrown = await rejected(boxLossAsync('sca', inverted, inverted, { onInvalid: 'throw', backend: 'cpu' }))
    expect(thrown).toBeInstanceOf(ScaLossError)
    expect(thrown.code).toBe('ERR_SCALOSS_INVALID_BOX')
  })

  it('out that another call under way will write to', async () => {
    const buffer = new Float32Array(1000)
    const out = (at: number) => ({ out: { grad: buffer.subarray(at, at + 400) }, backend: 'cpu' }) as const
    const first = boxLossAsync('sca', pred, target, out(0))
    const message = 'out.grad: expected memory that no other call under way writes to, got an overlap'
    expect((await call(out(396))).message).toBe(message)
    const beside = boxLossAsync('sca', pred, target, out(400))
    await Promise.all([first, beside])
    await boxLossAsync('sca', pred, target, out(396))
  })

  it('out that is transferred meanwhile', async () => {
    const grad = new Float32Array(400)
    const promise = boxLossAsync('sca', pred, target, { backend: 'cpu', out: { grad } })
    structuredClone(grad, { transfer: [grad.buffer] })
    expect((await rejected(promise)).message).toMatch(/^out.grad: expected the memory that was given, got none: it was/)
  })
})

it('the main thread goes on meanwhile', async () => {
  const { pred, target } = pairs(200_000)
  const order: string[] = []
  const promise = boxLossAsync('siou', pred, target, { backend: 'cpu', threads: 1 }).then(() => order.push('done'))
  for (let i = 0; i < 2; ++i) await Promise.resolve().then(() => order.push('turn'))
  await promise
  expect(order).toEqual(['turn', 'turn', 'done'])
})

it('a process may end while a call is under way', () => {
  const script = `
    const { boxLossAsync } = require(${JSON.stringify(join(ROOT, 'dist/index.js'))})
    const boxes = new Float32Array(4e6).map((_, i) => (i % 4 < 2 ? 0 : 1 + i % 7))
    for (let i = 0; i < 4; i++) boxLossAsync('siou', boxes, boxes.slice(), { backend: 'cpu' })
    process.exit(5)`
  const { status, signal, stderr } = spawnSync(process.execPath, ['-e', script], { encoding: 'utf8' })
  expect([status, signal, stderr]).toEqual([5, null, ''])
})

describe('under way', () => {
  it('the memory of an aborted call is not used again before its thread is done', async () => {
    const { pred, target } = pairs(500_000)
    const call = loadNative().boxLossAsync
    const memories = new Set<unknown>()
    vi.spyOn(loadNative(), 'boxLossAsync').mockImplementation((block, ...arrays) => {
      memories.add(arrays[0].buffer)
      return call(block, ...arrays)
    })
    const controller = new AbortController()
    const first = boxLossAsync('sca', pred, target, { backend: 'cpu', signal: controller.signal })
    controller.abort()
    await rejected(first)
    await boxLossAsync('sca', pred, target, { backend: 'cpu' })
    expect(memories.size).toBe(2)
  })

  it('the backend js computes in a later turn', async () => {
    const { pred, target } = pairs(10)
    let turns = 0
    setImmediate(() => void turns++)
    await boxLossAsync('sca', pred, target, { backend: 'js' })
    expect(turns).toBe(1)
  })

  it('a failure is rejected once', async () => {
    const { pred, target } = pairs(17_000)
    vi.spyOn(loadNative(), 'boxLossAsync').mockRejectedValue(new Error('planted'))
    const unhandled = vi.fn()
    process.prependListener('unhandledRejection', unhandled)
    const { message } = await rejected(boxLossAsync('sca', pred, target, { backend: 'cpu' }))
    await new Promise((resolve) => setTimeout(resolve, 10))
    process.off('unhandledRejection', unhandled)
    expect(message).toBe('planted')
    expect(unhandled).not.toHaveBeenCalled()
  })
})
