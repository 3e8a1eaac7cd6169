import { describe, expect, it } from 'vitest'
import { boxLoss, boxLossAsync, pairwise } from '../../src/index.js'
import { EVERY_BACKEND } from '../support/backends.js'
import { rejection } from '../support/rejection.js'

// Options whose getters change things between the check of an argument and its use.
const PRED = [10, 10, 50, 50, 0, 0, 10, 10]
const TARGET = [12, 8, 52, 49, 20, 20, 30, 30]
const boxes = () => ({ pred: Float32Array.from(PRED), target: Float32Array.from(TARGET) })
const detach = (array: Float32Array<ArrayBuffer>) => void structuredClone(array, { transfer: [array.buffer] })
/** What an option gives, and does. */
const option = (name: string, value: unknown, does: () => void) => ({
  get [name]() {
    does()
    return value
  },
})
/** The first array, then the second for ever. */
const alternating = (first: Float32Array<ArrayBuffer>, second: Float32Array<ArrayBuffer>) => {
  let reads = 0
  return {
    get grad() {
      return reads++ === 0 ? first : second
    },
  }
}

describe.each(EVERY_BACKEND)('%s', (backend) => {
  it.each([
    ['lossWeight', 1],
    ['alpha', 0.5],
    ['backend', backend],
    ['threads', 1],
    ['out', {}],
  ])('%s takes the memory of an argument away', (name, value) => {
    for (const argument of ['pred', 'target'] as const) {
      const { pred, target } = boxes()
      const once = () => void ({ pred, target }[argument].length && detach({ pred, target }[argument]))
      const options = Object.defineProperties({ backend }, Object.getOwnPropertyDescriptors(option(name, value, once)))
      expect(rejection(() => boxLoss('sca', pred, target, options as never)).argument).toBe(argument)
    }
  })

  it('out gives another array the second time: the one that was checked is written to', async () => {
    const calls: (typeof boxLossAsync)[] = [async (...args) => boxLoss(...args), boxLossAsync]
    for (const call of calls) {
      const { pred, target } = boxes()
      const [first, short] = [new Float32Array(8), new Float32Array(4)]
      for (const second of [short, pred]) {
        const { grad } = await call('sca', pred, target, { backend, out: alternating(first.fill(0), second) })
        expect(grad).toBe(first)
        expect(first).toEqual(boxLoss('sca', pred, target, { backend }).grad)
      }
      expect(short).toEqual(new Float32Array(4))
      expect([...pred]).toEqual(PRED)
    }
  })

  it('out gives no array the second time: memory that is transferred during the call is not written to', async () => {
    const n = 20_000
    const [pred, target, grad] = [1, 2, 0].map((value) => new Float32Array(4 * n).fill(value))
    let reads = 0
    const out = {
      get grad() {
        return reads++ === 0 ? grad : undefined
      },
    }
    const call = boxLossAsync('sca', pred, target, { backend, out: out as { grad: typeof grad } })
    const transferred = structuredClone(grad.buffer, { transfer: [grad.buffer] })
    await expect(call).rejects.toThrow(/^out.grad: expected the memory that was given/)
    expect(new Float32Array(transferred).every((value) => value === 0)).toBe(true)
  })

  it('an option of pairwise takes the memory of an argument away', () => {
    for (const argument of ['a', 'b'] as const) {
      const { pred: a, target: b } = boxes()
      const options = option('similarity', true, () => detach({ a, b }[argument]))
      const call = () =>
        pairwise('sca', a, b, Object.defineProperty(options, 'backend', { value: backend, enumerable: true }))
      expect(rejection(call).argument).toBe(argument)
    }
  })

  it('an array that calls itself another', () => {
    const { target } = boxes()
    const pred = Object.defineProperty(Int32Array.from(PRED), Symbol.toStringTag, { value: 'Float32Array' })
    expect(rejection(() => boxLoss('sca', pred as unknown as Float32Array, target, { backend })).argument).toBe('pred')
  })

  it('an error of a getter is thrown as it is', () => {
    const { pred, target } = boxes()
    const own = new Error('of the getter')
    const fail = () => {
      throw own
    }
    const options = Object.defineProperty({ backend }, 'weight', { get: fail, enumerable: true })
    expect(() => boxLoss('sca', pred, target, options)).toThrow(own)
  })
})
