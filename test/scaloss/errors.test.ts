import { afterEach, expect, it, vi } from 'vitest'
import { ScaLossError, show } from '../../src/core/errors.js'
import { alloc, backends, boxLoss, createPlan } from '../../src/index.js'
import { loadNative } from '../../src/native/addon.js'
import { rejection } from '../support/rejection.js'

// Errors that no call of the other suites causes.

afterEach(() => {
  vi.restoreAllMocks()
})

it('the addon finds no memory on the host: the same error of every call', () => {
  const fail = () => {
    throw Object.assign(new Error('out of memory'), { hostOutOfMemory: true })
  }
  const boxes = new Float32Array(4)
  const plan = createPlan('sca', { boxes: 1, backend: 'cpu' })
  for (const name of ['boxLoss', 'runPlan', 'allocate'] as const) vi.spyOn(loadNative(), name).mockImplementation(fail)
  for (const call of [
    () => boxLoss('sca', boxes, boxes.slice(), { backend: 'cpu' }),
    () => plan.run(),
    () => alloc(1, 'float32', { backend: 'cpu' }),
  ])
    expect(call).toThrow(expect.objectContaining({ name: 'ScaLossError', code: 'ERR_SCALOSS_OUT_OF_MEMORY' }))
})

it('arrays of three axes that overlap in their last row', () => {
  const memory = new Float32Array(24)
  const out = { grad: memory.subarray(11, 23) }
  const call = () => boxLoss('sca3', memory.subarray(0, 12), new Float32Array(12), { backend: 'cpu', out })
  expect(rejection(call).argument).toBe('out.grad')
})

it('a value whose class has no name', () => {
  expect(show({ constructor: { name: 5 } })).toBe('an object (no class)')
})

it('cuda where there is none: the reason', () => {
  const { cuda: found } = backends()
  if (found.available) return
  const out = { grad: new Float32Array(4).fill(12345) }
  const box = Float32Array.of(0, 0, 1, 1)
  const ask = () => boxLoss('sca', box, box, { backend: 'cuda', out })
  expect(ask).toThrow(ScaLossError)
  expect(ask).toThrow(expect.objectContaining({ code: 'ERR_SCALOSS_BACKEND_UNAVAILABLE' }))
  expect(ask).toThrow(`backend 'cuda': ${found.reason}: ${found.message}`)
  expect([...out.grad]).toEqual([12345, 12345, 12345, 12345])
})
