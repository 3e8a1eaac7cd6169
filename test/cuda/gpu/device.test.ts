import { describe, expect, it } from 'vitest'
import { backends, boxLoss, ScaLossError } from '../../../src/index.js'
import { randomPairs } from '../../support/random.js'

// The devices of the host, and calls that name one.

const found = () => {
  const { cuda } = backends()
  if (!cuda.available) throw new Error(cuda.message)
  return cuda
}
const { pred, target } = randomPairs(Float32Array, 5000, { seed: 6 })

describe('backends()', () => {
  it('describes every device', () => {
    for (const { name, computeCapability, multiprocessors, memory } of found().devices) {
      expect(name).not.toBe('')
      expect(computeCapability).toMatch(/^\d+\.\d$/)
      expect(multiprocessors).toBeGreaterThan(0)
      expect(memory).toBeGreaterThanOrEqual(2 ** 30)
    }
  })

  it('knows the CUDA versions of the driver and of the addon', () => {
    const { driver, runtime } = found()
    for (const version of [driver, runtime]) expect(version).toMatch(/^\d+\.\d$/)
  })
})

describe('the option device', () => {
  it('gives the same result on every device', () => {
    const expected = boxLoss('sca', pred, target, { backend: 'cpu' })
    for (const device of found().devices.keys()) {
      expect(boxLoss('sca', pred, target, { backend: 'cuda', device })).toEqual({ ...expected, backend: 'cuda' })
    }
  })

  it('refuses a device that is not there, and the next call works', () => {
    const { length } = found().devices
    const missing = () => boxLoss('sca', pred, target, { backend: 'cuda', device: length })
    expect(missing).toThrow(ScaLossError)
    expect(missing).toThrow(`device: expected the index of one of ${length} CUDA devices, got ${length}`)
    expect(boxLoss('sca', pred, target, { backend: 'cuda' }).backend).toBe('cuda')
  })
})
