import { afterEach, describe, expect, it, vi } from 'vitest'
import { backends, boxLoss } from '../src/index.js'
import { FORMATS } from '../src/formats.js'
import { LOSS_NAMES } from '../src/losses.js'
import { loadNative, type Native, SCALARS } from '../src/native.js'

const native = loadNative()

describe('the seam between TypeScript and the addon', () => {
  it('types exactly what the addon exports', () => {
    const typed: Record<keyof Native, string> = {
      losses: 'object',
      formats: 'object',
      scalars: 'object',
      boxLoss: 'function',
      simdLevels: 'function',
      simd: 'function',
      setSimd: 'function',
      cuda: 'function',
    }
    const exported = Object.fromEntries(Object.entries(native).map(([name, value]) => [name, typeof value]))
    expect(exported).toEqual(typed)
  })

  it('lists losses, formats and scalars in the same order on both sides', () => {
    expect(native.losses).toEqual(LOSS_NAMES)
    expect(native.formats).toEqual(FORMATS)
    expect(native.scalars).toEqual(SCALARS)
  })

  describe('checks again what memory depends on', () => {
    const scalars = new Float64Array(SCALARS.length)
    const boxes = () => new Float32Array([0, 0, 2, 2])
    const none = undefined
    const call = (...args: unknown[]) => (native.boxLoss as (...args: unknown[]) => void)(...args)
    it.each<[string, unknown[]]>([
      ['no arguments', []],
      ['scalars too short', [new Float64Array(3), boxes(), boxes()]],
      ['scalars of another dtype', [new Float32Array(SCALARS.length), boxes(), boxes()]],
      ['pred is no typed array', [scalars, [0, 0, 2, 2], boxes()]],
      ['pred is empty', [scalars, new Float32Array(0), new Float32Array(0)]],
      ['pred is an Int32Array', [scalars, new Int32Array(4), new Int32Array(4)]],
      ['target shorter than pred', [scalars, new Float32Array(8), boxes()]],
      ['target missing', [scalars, boxes()]],
      ['target null', [scalars, boxes(), null]],
      ['weight too short', [scalars, boxes(), boxes(), new Float32Array(0)]],
      ['grad too short', [scalars, boxes(), boxes(), none, none, none, new Float32Array(3)]],
      ['grad of another dtype', [scalars, boxes(), boxes(), none, none, none, new Float64Array(4)]],
      ['iou too long', [scalars, boxes(), boxes(), none, none, none, none, none, new Float32Array(2)]],
      ['no such kernel', [scalars.map((s, i) => (SCALARS[i] === 'kernel' ? 99 : s)), boxes(), boxes()]],
      ['kernel not a number', [scalars.map((s, i) => (SCALARS[i] === 'kernel' ? Number.NaN : s)), boxes(), boxes()]],
      ['no such format', [scalars.map((s, i) => (SCALARS[i] === 'format' ? -1 : s)), boxes(), boxes()]],
      ['no such backend', [scalars.map((s, i) => (SCALARS[i] === 'backend' ? 2 : s)), boxes(), boxes()]],
    ])('%s', (_, args) => {
      expect(() => call(...args)).toThrow(TypeError)
    })
  })
})

describe('SIMD levels', () => {
  const widest = native.simd()
  afterEach(() => {
    native.setSimd(widest)
  })

  it('starts with the widest level', () => {
    expect(widest).toBe(process.env.SCALOSS_SIMD ?? native.simdLevels().at(-1))
  })

  it('changes to every level it lists and refuses others', () => {
    for (const level of native.simdLevels()) {
      expect(native.setSimd(level)).toBe(true)
      expect(native.simd()).toBe(level)
      expect(backends().cpu).toMatchObject({ available: true, simd: level })
    }
    expect(native.setSimd('avx1024')).toBe(false)
    expect(native.simd()).toBe(native.simdLevels().at(-1))
  })

  it('includes the scalar and the baseline level', () => {
    expect(native.simdLevels().slice(0, 2)).toEqual(['scalar', 'baseline'])
  })
})

describe('backends()', () => {
  it('says of each backend that it is available, or why not', () => {
    const { cuda, cpu, js } = backends()
    expect(js).toEqual({ available: true })
    expect(cpu).toMatchObject({ available: true, simdLevels: native.simdLevels(), threads: 1 })
    if (cuda.available) {
      expect(cuda.devices.length).toBeGreaterThan(0)
      expect(cuda.devices[0]!.computeCapability).toMatch(/^\d+\.\d$/)
      expect(cuda.driver).toMatch(/^\d+\.\d$/)
    } else {
      expect(['not-built', 'no-driver', 'driver-too-old', 'no-device', 'no-kernel-image', 'error']).toContain(
        cuda.reason,
      )
      expect(cuda.message.length).toBeGreaterThan(10)
    }
  })

  it("'auto' takes CUDA where it is available, else the CPU, and prints nothing", () => {
    const log = [vi.spyOn(console, 'log'), vi.spyOn(console, 'warn'), vi.spyOn(console, 'error')]
    const { backend } = boxLoss('sca', new Float32Array([0, 0, 1, 1]), new Float32Array([0, 0, 2, 2]))
    expect(backend).toBe(backends().cuda.available ? 'cuda' : 'cpu')
    for (const spy of log) expect(spy).not.toHaveBeenCalled()
  })
})
