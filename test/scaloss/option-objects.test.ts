import * as tf from '@tensorflow/tfjs-core'
import '@tensorflow/tfjs-backend-cpu'
import { afterEach, describe, expect, it } from 'vitest'
import { alloc, boxLoss, boxLossAsync, createPlan, gradCheck, pairwise } from '../../src/index.js'
import { lossOptions, simulate } from '../../src/simulation.js'
import { boxLoss as tensorLoss } from '../../src/tfjs.js'
import { rejection } from '../support/rejection.js'

// The objects that are accepted as options, and the properties of them that count. These are the same for every call.
const pred = Float32Array.of(0, 0, 2, 2, 1, 1, 3, 3)
const target = Float32Array.of(0, 0, 3, 3, 2, 2, 4, 4)

/** Calls with these options and what else they need. Copies, as a plan's results change. */
const CALLS: Record<string, (options: object) => unknown> = {
  boxLoss: (options) => boxLoss('sca', pred, target, options),
  pairwise: (options) => pairwise('sca', pred, target, options),
  createPlan(options) {
    const plan = createPlan('sca', Object.assign(options, { boxes: 2 }))
    plan.pred.set(pred)
    plan.target.set(target)
    return structuredClone(plan.run())
  },
  run(options) {
    const plan = createPlan('sca', { boxes: 2 })
    plan.pred.set(pred)
    plan.target.set(target)
    return structuredClone(plan.run(options))
  },
  alloc: (options) => alloc(2, 'float32', options),
  gradCheck: (options) => gradCheck('sca', Object.assign(options, { boxes: 5 })),
  simulate: (options) => [...simulate('sca', Object.assign(options, { iterations: 1 }))].map(({ meanIou }) => meanIou),
  lossOptions: (options) => lossOptions('nwd', options),
  'boxLoss of tfjs'(options) {
    const loss = tensorLoss('sca', options)
    return [...loss(tf.tensor2d(target, [2, 4]), tf.tensor2d(pred, [2, 4])).dataSync()]
  },
}

describe.each(Object.entries(CALLS))('%s', (_, call) => {
  it.each([new Map(), new Date(), new Float32Array(0), Object.create({ alpha: 2 })])('refuses %s', (options) => {
    expect(rejection(() => call(options)).message).toMatch(/: expected a plain object, got /)
  })

  describe('with members of Object.prototype', () => {
    const added = { added: 1, alpha: 9, reduction: 'none', lossWeight: 3, boxes: 1, columns: 2, lr: 1, grad: pred }
    afterEach(() => {
      for (const name in added) Reflect.deleteProperty(Object.prototype, name)
    })

    it('takes none of them for an option', () => {
      const expected = call({})
      Object.assign(Object.prototype, added)
      const result = call({})
      for (const name in added) Reflect.deleteProperty(Object.prototype, name)
      expect(result).toEqual(expected)
    })
  })
})

it('boxLossAsync: as boxLoss', async () => {
  await expect(boxLossAsync('sca', pred, target, new Map() as object)).rejects.toThrow('got an object (Map)')
  const expected = await boxLossAsync('sca', pred, target)
  Object.assign(Object.prototype, { alpha: 9, signal: 1 })
  const result = boxLossAsync('sca', pred, target)
  for (const name of ['alpha', 'signal']) Reflect.deleteProperty(Object.prototype, name)
  expect(await result).toEqual(expected)
})
