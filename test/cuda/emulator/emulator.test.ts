import { afterEach, describe, expect, it, vi } from 'vitest'
import { backends, boxLoss, cuda, pairwise, ScaLossError } from '../../../src/index.js'
import { randomPairs } from '../../support/random.js'

// Tests that only the emulator allows.
afterEach(() => {
  vi.unstubAllEnvs()
})

it('runs on the emulator, and on nothing else', () => {
  const devices = [{ name: 'Emulator' }, { name: 'Emulator' }]
  // The versions of runtime.cpp.
  expect(backends().cuda).toMatchObject({ available: true, driver: '13.0', runtime: '13.0', devices })
  const boxes = new Float32Array(4)
  expect(boxLoss('sca', boxes, boxes.slice()).backend).toBe('cuda')
})

describe('errors of the device', () => {
  // More than any call before: what such calls need on the device is kept.
  const boxes = randomPairs(Float64Array, 200_000, { seed: 9 })

  it('out of memory: an error of its own code with the name CUDA gives it, and the next call works', () => {
    vi.stubEnv('EMULATOR_MEMORY', '1000')
    let thrown: unknown
    try {
      boxLoss('sca', boxes.pred, boxes.target, { backend: 'cuda' })
    } catch (error) {
      thrown = error
    }
    expect(thrown).toBeInstanceOf(ScaLossError)
    expect(thrown).toMatchObject({
      code: 'ERR_SCALOSS_CUDA_OUT_OF_MEMORY',
      message: expect.stringMatching(
        /^cudaErrorMemoryAllocation: out of device memory: asked for \d+ bytes, free are \d+ of 1000$/,
      ),
    })
    vi.unstubAllEnvs()
    expect(boxLoss('sca', boxes.pred, boxes.target, { backend: 'cuda' }).loss).toBe(
      boxLoss('sca', boxes.pred, boxes.target, { backend: 'cpu' }).loss,
    )
  })

  it('a launch that CUDA refuses: an error with its name, and the next call works', () => {
    const device = cuda.device(0)
    const [pred, target] = [device.tensor(boxes.pred), device.tensor(boxes.target)]
    const calls = [
      () => boxLoss('sca', boxes.pred, boxes.target, { backend: 'cuda' }).loss,
      () => boxLoss('sca', boxes.pred.slice(0, 40), boxes.target.slice(0, 40), { backend: 'cuda' }).loss,
      () => pairwise('iou', boxes.pred.slice(0, 40), boxes.target.slice(0, 40), { backend: 'cuda' })[0],
      () => device.boxLoss('sca', pred, target).loss.read()[0],
    ]
    const results = calls.map((call) => call())
    for (const [i, call] of calls.entries()) {
      vi.stubEnv('EMULATOR_GRID', '0')
      expect(call).toThrow(expect.objectContaining({ code: 'ERR_SCALOSS_CUDA' }))
      expect(call).toThrow(/cudaErrorInvalidConfiguration/)
      vi.unstubAllEnvs()
      expect(call()).toBe(results[i])
    }
  })

  it.each(['0', '1', '2'])(
    'in the middle of a call, after %s launches: nothing of it is left in the next',
    (launches) => {
      const expected = boxLoss('giou', boxes.pred, boxes.target, { backend: 'cpu' })
      // Of another loss, so that sums which are still there do not pass for those of the last call.
      boxLoss('sca', boxes.pred, boxes.target, { backend: 'cuda' })
      vi.stubEnv('EMULATOR_LAUNCHES', launches)
      expect(() => boxLoss('sca', boxes.pred, boxes.target, { backend: 'cuda' })).toThrow(
        /cudaErrorLaunchOutOfResources/,
      )
      vi.unstubAllEnvs()
      const { loss, invalid, grad } = boxLoss('giou', boxes.pred, boxes.target, { backend: 'cuda' })
      expect([loss, invalid]).toEqual([expected.loss, expected.invalid])
      expect(grad).toEqual(expected.grad)
    },
  )

  it('a device that is not there', () => {
    expect(() => boxLoss('sca', boxes.pred, boxes.target, { backend: 'cuda', device: 2 })).toThrow(
      /^device: expected the index of one of 2 CUDA devices, got 2$/,
    )
  })
})
