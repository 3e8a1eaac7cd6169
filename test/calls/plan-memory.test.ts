import { afterEach, expect, it, vi } from 'vitest'
import { boxLoss, createPlan } from '../../src/index.js'
import { loadNative } from '../../src/native/addon.js'
import { randomPairs } from '../support/random.js'

// The memory of plans on the CPU, and what runs write to it.

const { pred, target } = randomPairs(Float32Array, 30, { seed: 30 })
const none = { backend: 'cpu', reduction: 'none' } as const

afterEach(() => {
  vi.restoreAllMocks()
})

it('every array starts at a multiple of 64 bytes', () => {
  const plan = createPlan('sca', { ...none, boxes: 3, weight: true, gradOutput: true, gradTarget: true, iou: true })
  const { weight, gradOutput, grad, gradTarget, iou } = plan
  for (const { byteOffset } of [plan.pred, plan.target, weight, gradOutput, plan.run().loss, grad, gradTarget, iou])
    expect(byteOffset % 64).toBe(0)
})

it('dispose lets go of what the addon has, and does not wait for the garbage collector', () => {
  const release = vi.spyOn(loadNative(), 'release')
  createPlan('sca', { boxes: 3, backend: 'cpu' }).dispose()
  expect(release).toHaveBeenCalledOnce()
})

it.each(['cpu', 'wasm', 'js'] as const)('%s: counts invalid rows anew in every run', (backend) => {
  const plan = createPlan('so', { boxes: 2, backend })
  plan.pred.set([3, 3, 1, 1])
  expect(plan.run().invalid).toBe(1)
  plan.pred.fill(0)
  expect(plan.run().invalid).toBe(0)
})

it('a loss weight for one run, of losses that are not reduced', () => {
  const plan = createPlan('giou', { ...none, boxes: 30 })
  plan.pred.set(pred)
  plan.target.set(target)
  expect(plan.run({ lossWeight: 3 })).toEqual(boxLoss('giou', pred, target, { ...none, lossWeight: 3 }))
})

it('where the runtime takes no memory of addons, runs are calls of the addon', () => {
  vi.spyOn(loadNative(), 'allocate').mockReturnValue(undefined)
  const plan = createPlan('siou', { ...none, boxes: 30, weight: true, gradOutput: true })
  plan.pred.set(pred)
  plan.target.set(target)
  const call = vi.spyOn(loadNative(), 'boxLoss')
  expect(plan.run()).toEqual(boxLoss('siou', pred, target, none))
  expect(call).toHaveBeenCalledTimes(2)
  const few = boxLoss('siou', pred.slice(0, 28), target.slice(0, 28), none)
  expect(plan.run({ boxes: 7 }).grad.slice(0, 28)).toEqual(few.grad)
})
