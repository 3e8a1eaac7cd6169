import { afterEach, describe, expect, it, vi } from 'vitest'
import { backends, boxLoss } from '../src/index.js'
import { FORMATS } from '../src/formats.js'
import { LOSS_NAMES } from '../src/losses.js'
import { loadNative, type Native, SCALAR, SCALARS } from '../src/native.js'

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
    /** A block that is in order, for a call with these arrays, but for one field. */
    const block = (arrays: unknown[], field?: (typeof SCALARS)[number], value = 0) => {
      const scalars = new Float64Array(SCALARS.length)
      scalars[SCALAR.arrays] = arrays.reduce<number>(
        (bits, array, k) => (array === undefined ? bits : bits | (2 << k)),
        0,
      )
      if (field) scalars[SCALAR[field]] = value
      return scalars
    }
    const boxes = () => new Float32Array([0, 0, 2, 2])
    const none = undefined
    const call = (...args: unknown[]) => (native.boxLoss as (...args: unknown[]) => void)(...args)
    const withBlock = (...arrays: unknown[]) => [block(arrays), ...arrays]

    it('a call that is in order passes', () => {
      const grad = new Float32Array(4)
      expect(() => call(...withBlock(boxes(), boxes(), none, none, none, grad))).not.toThrow()
    })

    it.each<[string, unknown[]]>([
      ['no arguments', []],
      ['scalars too short', [new Float64Array(3), boxes(), boxes()]],
      ['scalars of another dtype', [Float32Array.from(block([boxes(), boxes()])), boxes(), boxes()]],
      ['pred is no typed array', withBlock([0, 0, 2, 2], boxes())],
      ['pred is empty', withBlock(new Float32Array(0), new Float32Array(0))],
      ['pred is an Int32Array', withBlock(new Int32Array(4), new Int32Array(4))],
      ['target shorter than pred', withBlock(new Float32Array(8), boxes())],
      ['target not named', [block([boxes()]), boxes(), boxes()]],
      ['target missing', [block([boxes(), boxes()]), boxes()]],
      ['target null', withBlock(boxes(), null)],
      ['weight too short', withBlock(boxes(), boxes(), new Float32Array(0))],
      ['grad too short', withBlock(boxes(), boxes(), none, none, none, new Float32Array(3))],
      ['grad of another dtype', withBlock(boxes(), boxes(), none, none, none, new Float64Array(4))],
      ['iou too long', withBlock(boxes(), boxes(), none, none, none, none, none, new Float32Array(2))],
      ['no such kernel', [block([boxes(), boxes()], 'kernel', 99), boxes(), boxes()]],
      ['kernel not a number', [block([boxes(), boxes()], 'kernel', Number.NaN), boxes(), boxes()]],
      ['no such format', [block([boxes(), boxes()], 'format', -1), boxes(), boxes()]],
      ['no such backend', [block([boxes(), boxes()], 'backend', 2), boxes(), boxes()]],
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
      expect(cuda.devices[0].computeCapability).toMatch(/^\d+\.\d$/)
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
