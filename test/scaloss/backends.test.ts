import { afterEach, expect, test, vi } from 'vitest'
import type { UnavailableReason } from '../../src/core/errors.js'
import { backends } from '../../src/index.js'
import { defaultThreads, loadNative, type NativeCuda } from '../../src/native/addon.js'

// The result of backends(), computed from the answers of the addon.
afterEach(() => {
  vi.restoreAllMocks()
})

const DEVICES = [
  { name: 'One', computeCapability: '9.0', multiprocessors: 132, memory: 2 ** 37 },
  { name: 'Two', computeCapability: '12.0', multiprocessors: 1, memory: 5 },
]
const native = loadNative()
const cudaOf = (said: Partial<NativeCuda>) => {
  const all: NativeCuda = { reason: '', message: '', driver: 13000, runtime: 13000, devices: DEVICES, ...said }
  vi.spyOn(native, 'cuda').mockReturnValue(all)
  return backends().cuda
}

// CUDA writes 1000 · major + 10 · minor.
test.each([
  [13000, '13.0'],
  [12040, '12.4'],
  [12090, '12.9'],
  [9020, '9.2'],
  [11080, '11.8'],
  [13100, '13.10'],
])('CUDA says %i: version %s', (number, version) => {
  expect(cudaOf({ driver: number })).toEqual({ available: true, driver: version, runtime: '13.0', devices: DEVICES })
  expect(cudaOf({ runtime: number })).toEqual({ available: true, driver: '13.0', runtime: version, devices: DEVICES })
})

test.each<UnavailableReason>(['not-built', 'no-driver', 'driver-too-old', 'no-device', 'no-kernel-image', 'error'])(
  'CUDA that cannot be used: %s, with the message and nothing else',
  (reason) => {
    expect(cudaOf({ reason, message: 'why' })).toEqual({ available: false, reason, message: 'why' })
  },
)

test('the CPU: its levels, the one in force, and the threads of a call', () => {
  vi.spyOn(native, 'simd').mockReturnValue('two')
  vi.spyOn(native, 'simdLevels').mockReturnValue(['one', 'two', 'three'])
  const { cpu } = backends()
  expect(cpu).toEqual({ available: true, simd: 'two', simdLevels: ['one', 'two', 'three'], threads: defaultThreads() })
})

test('the others: available, and nothing more to say', () => {
  const { wasm, js, ...native } = backends()
  expect({ wasm, js }).toEqual({ wasm: { available: true }, js: { available: true } })
  expect(Object.keys(native)).toEqual(['cuda', 'cpu'])
})
