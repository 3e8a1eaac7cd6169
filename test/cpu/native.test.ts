import { afterEach, describe, expect, it, vi } from 'vitest'
import { type Block, FIELD, FIELDS, type Field } from '../../src/core/block.js'
import { FORMATS } from '../../src/core/formats.js'
import { HEAD_ARRAYS } from '../../src/core/head-job.js'
import { ARRAYS } from '../../src/core/job.js'
import { LOSS_NAMES, MODES } from '../../src/core/losses.js'
import { TENSOR_DTYPES } from '../../src/cuda/tensor.js'
import { backends, boxLoss, createPlan, pairwise } from '../../src/index.js'
import { loadNative, type Native } from '../../src/native/addon.js'

const native = loadNative()

describe('the seam between TypeScript and the addon', () => {
  it('types exactly what the addon exports', () => {
    const typed: Record<keyof Native, string> = {
      losses: 'object',
      formats: 'object',
      modes: 'object',
      dtypes: 'object',
      arrays: 'object',
      headArrays: 'object',
      fields: 'object',
      allocate: 'function',
      newPlan: 'function',
      runPlan: 'function',
      boxLoss: 'function',
      boxLossAsync: 'function',
      headLoss: 'function',
      pairwise: 'function',
      simdLevels: 'function',
      simd: 'function',
      setSimd: 'function',
      cuda: 'function',
      release: 'function',
      openStream: 'function',
      streamPointer: 'function',
      synchronizeStream: 'function',
      synchronizeDevice: 'function',
      recordEvent: 'function',
      synchronizeEvent: 'function',
      elapsedTime: 'function',
      newTensor: 'function',
      foreignTensor: 'function',
      subTensor: 'function',
      tensorPointer: 'function',
      writeTensor: 'function',
      readTensor: 'function',
      copyTensor: 'function',
      deviceMemory: 'function',
      deviceBoxLoss: 'function',
    }
    const exported = Object.fromEntries(Object.entries(native).map(([name, value]) => [name, typeof value]))
    expect(exported).toEqual(typed)
  })

  it('lists losses, formats, modes, dtypes, arrays and fields in the same order on both sides', () => {
    expect(native.losses).toEqual(LOSS_NAMES)
    expect(native.formats).toEqual(FORMATS)
    expect(native.modes).toEqual(MODES)
    expect(native.dtypes).toEqual(TENSOR_DTYPES)
    expect(native.arrays).toEqual(ARRAYS)
    expect(native.headArrays).toEqual(HEAD_ARRAYS)
    expect(native.fields).toEqual(FIELDS)
  })

  describe('checks again what memory depends on', () => {
    type Fields = Partial<Record<Field, number>>
    /** A block that is in order for a call of `sca` in xyxy with these arrays, but for some fields. */
    const block = (arrays: unknown[], fields: Fields = {}) => {
      const block = new Float64Array(FIELDS.length)
      block[FIELD.device] = -1
      block[FIELD.arrays] = arrays.reduce<number>((bits, array, k) => (array === undefined ? bits : bits | (1 << k)), 0)
      for (const [field, value] of Object.entries(fields)) block[FIELD[field as Field]] = value
      return block
    }
    const boxes = (length = 4) => new Float32Array(length)
    const none = undefined
    const withBlock = (...arrays: unknown[]) => [block(arrays), ...arrays]
    const withFields = (fields: Fields, ...arrays: unknown[]) => [block(arrays, fields), ...arrays]
    const call = (name: 'boxLoss' | 'pairwise', args: unknown[]) =>
      (native[name] as (...args: unknown[]) => void)(...args)
    const yxyx = FORMATS.indexOf('yxyx')
    const sca3 = LOSS_NAMES.indexOf('sca3')

    it('calls that are in order pass', () => {
      expect(() => call('boxLoss', withBlock(boxes(), boxes(), none, none, none, boxes()))).not.toThrow()
      expect(() => call('boxLoss', withFields({ format: yxyx }, boxes(), boxes()))).not.toThrow()
      const ofThreeAxes = [boxes(12), boxes(12), boxes(2), none, boxes(2), boxes(12)]
      expect(() => call('boxLoss', withFields({ loss: sca3 }, ...ofThreeAxes))).not.toThrow()
      expect(() => call('pairwise', withBlock(boxes(8), boxes(12), boxes(6)))).not.toThrow()
    })

    it.each<[string, unknown[], RegExp]>([
      ['no arguments', [], /argument 0 is no typed array/],
      ['a block too short', [new Float64Array(3), boxes(), boxes()], /argument 0 has the wrong type or length/],
      [
        'a block too long',
        [new Float64Array(FIELDS.length + 1), boxes(), boxes()],
        /argument 0 has the wrong type or length/,
      ],
      ...[-1, Number.NaN, 2 ** 16].map((threads): [string, unknown[], RegExp] => [
        `${threads} threads`,
        withFields({ threads }, boxes(), boxes()),
        /no such threads/,
      ]),
      ['a block of another dtype', [Float32Array.from(block([boxes(), boxes()])), boxes(), boxes()], /argument 0/],
      ['pred is no typed array', withBlock([0, 0, 2, 2], boxes()), /argument 1/],
      ['pred is empty', withBlock(boxes(0), boxes(0)), /argument 1 is not \[N, 2 axes/],
      ['pred is an Int32Array', withBlock(new Int32Array(4), new Int32Array(4)), /argument 1 is neither/],
      ['target shorter than pred', withBlock(boxes(8), boxes()), /argument 2/],
      ['target missing', [block([boxes(), boxes()]), boxes()], /argument 2/],
      ['target null', withBlock(boxes(), null), /argument 2/],
      ['weight too short', withBlock(boxes(), boxes(), boxes(0)), /argument 3/],
      ['gradOutput too long', withBlock(boxes(), boxes(), none, boxes(2)), /argument 4/],
      ['grad too short', withBlock(boxes(), boxes(), none, none, none, boxes(3)), /argument 6/],
      ['grad of another dtype', withBlock(boxes(), boxes(), none, none, none, new Float64Array(4)), /argument 6/],
      ['iou too long', withBlock(boxes(), boxes(), none, none, none, none, none, boxes(2)), /argument 8/],
      ['loss -1', withFields({ loss: -1 }, boxes(), boxes()), /no such loss/],
      ['a loss too far', withFields({ loss: LOSS_NAMES.length }, boxes(), boxes()), /no such loss/],
      ['loss not a number', withFields({ loss: Number.NaN }, boxes(), boxes()), /no such loss/],
      ['mode -1', withFields({ mode: -1 }, boxes(), boxes()), /no such mode/],
      ['a mode too far', withFields({ mode: MODES.length }, boxes(), boxes()), /no such mode/],
      ['no such format', withFields({ format: -1 }, boxes(), boxes()), /no such format/],
      ['a format too far', withFields({ format: FORMATS.length }, boxes(), boxes()), /no such format/],
      ['no such device', withFields({ device: 99 }, boxes(), boxes()), /no such device/],
      ['rows of 4 for three axes', withFields({ loss: sca3 }, boxes(8), boxes(8)), /argument 1/],
      ['rows of 6 for two axes', withBlock(boxes(6), boxes(6)), /argument 1/],
      ['yxyx with three axes', withFields({ loss: sca3, format: yxyx }, boxes(6), boxes(6)), /yxyx has two axes/],
      [
        'a gradient of two axes for three',
        withFields({ loss: sca3 }, boxes(12), boxes(12), none, none, none, boxes(8)),
        /argument 6/,
      ],
    ])('boxLoss: %s', (_, args, message) => {
      expect(() => call('boxLoss', args)).toThrow(TypeError)
      expect(() => call('boxLoss', args)).toThrow(message)
    })

    it.each<[string, unknown[], RegExp]>([
      ['no arguments', [], /argument 0/],
      ['a is empty', withBlock(boxes(0), boxes(), boxes(0)), /argument 1/],
      ['b is empty', withBlock(boxes(), boxes(0), boxes(0)), /argument 2/],
      ['b of another dtype', withBlock(boxes(), new Float64Array(4), boxes(1)), /argument 2/],
      ['b of another number of axes', withFields({ loss: sca3 }, boxes(6), boxes(4), boxes(1)), /argument 2/],
      ['out too short', withBlock(boxes(8), boxes(12), boxes(5)), /argument 3/],
      ['out of another dtype', withBlock(boxes(), boxes(), new Float64Array(1)), /argument 3/],
      ['out missing', withBlock(boxes(), boxes()), /argument 3/],
      ['no such loss', withFields({ loss: LOSS_NAMES.length }, boxes(), boxes(), boxes(1)), /no such loss/],
      ['no such mode', withFields({ mode: MODES.length }, boxes(), boxes(), boxes(1)), /no such mode/],
      ['no such device', withFields({ device: -2 }, boxes(), boxes(), boxes(1)), /no such device/],
      ['yxyx with three axes', withFields({ loss: sca3, format: yxyx }, boxes(6), boxes(6), boxes(1)), /yxyx/],
    ])('pairwise: %s', (_, args, message) => {
      expect(() => call('pairwise', args)).toThrow(TypeError)
      expect(() => call('pairwise', args)).toThrow(message)
    })
  })
})

describe('memory of the addon', () => {
  it('of no size that there is', () => {
    for (const bytes of [0, -1, Number.NaN, 2 ** 51, Number.POSITIVE_INFINITY])
      expect(() => native.allocate(bytes, false)).toThrow(/allocate: a number of bytes is out of range/)
    const expected = { message: 'out of memory', hostOutOfMemory: true }
    expect(() => native.allocate(2 ** 49, false)).toThrow(expect.objectContaining(expected))
  })

  /** Memory, and arrays in it for a plan of two boxes. */
  const make = () => {
    const [memory, buffer] = native.allocate(1024, false)!
    const arrays = [0, 64].map((offset) => new Float32Array(buffer, offset, 8))
    const block: Block = new Float64Array(buffer, 512, FIELDS.length)
    block[FIELD.device] = -1
    block[FIELD.threads] = 1
    return { memory, arrays, block }
  }
  const planOf = ({ memory, arrays: [pred, target], block }: ReturnType<typeof make>) => {
    const none = undefined
    return native.newPlan(memory, block, pred!, target!, none, none, none, none, none, none)
  }

  it('a plan has arrays in its own alone', () => {
    const [one, other] = [make(), make()]
    for (const [own, foreign] of [
      [one, other],
      [other, one],
    ] as const) {
      const outside = [foreign.arrays[0]!, new Float32Array(8)]
      for (const array of outside)
        expect(() => planOf({ ...own, arrays: [own.arrays[0]!, array] })).toThrow(
          /an array is not in the plan's memory/,
        )
    }
    expect(() => planOf({ ...one, block: Float64Array.from(one.block) })).toThrow(
      /an array is not in the plan's memory/,
    )
  })

  it('a plan runs no more boxes than it has, and only while it is there', () => {
    const own = make()
    const plan = planOf(own)
    for (const boxes of [0, -1, 3, Number.NaN]) {
      own.block[FIELD.rows] = boxes
      expect(() => native.runPlan(plan)).toThrow(/runPlan: a run of more boxes than the plan has/)
    }
    own.block[FIELD.rows] = 2
    expect(() => native.runPlan(plan)).not.toThrow()
    native.release(plan)
    native.release(plan)
    expect(() => native.runPlan(plan)).toThrow(/runPlan: a handle was released before/)
    expect(() => native.runPlan(own.memory)).toThrow(/runPlan: a handle is of another kind/)
    expect(() => native.runPlan({} as never)).toThrow(/expected a handle/)
    native.release(own.memory)
    expect(() => planOf(own)).toThrow(/newPlan: a handle was released before/)
  })
})

describe('a call owns the numbers that it sends', () => {
  const boxes = () => new Float32Array([0, 0, 2, 2, 1, 1, 4, 5])
  const target = new Float32Array([1, 0, 3, 2, 1, 2, 5, 5])
  const options = { backend: 'cpu', convention: 'official', format: 'cxcywh', reduction: 'sum', lossWeight: 3 } as const
  afterEach(() => void vi.restoreAllMocks())

  it.each(['boxLoss', 'pairwise'] as const)('%s writes all of them, whatever the call before left there', (name) => {
    const call = () =>
      name === 'boxLoss'
        ? boxLoss('sca', boxes(), target, options)
        : pairwise('sca', boxes(), target, { backend: 'cpu', convention: 'official', similarity: true })
    const expected = call()
    const seen: number[][] = []
    const plain = native[name] as (...args: unknown[]) => void
    vi.spyOn(native, name).mockImplementation((block: Block, ...arrays: unknown[]) => {
      seen.push([...block])
      plain(block, ...arrays)
      // What the addon reads is gone after the call; its two results are read by the caller.
      block.fill(Number.NaN, 0, FIELD.resultLoss)
    })
    for (let i = 0; i < 3; ++i) expect(call()).toEqual(expected)
    const numbers = name === 'boxLoss' ? FIELD.similarity : FIELD.rows
    expect(seen[1]!.slice(0, numbers)).toEqual(seen[0]!.slice(0, numbers))
    expect(seen).toHaveLength(3)
  })

  it('a plan keeps its own: calls and plans between two runs change nothing', () => {
    const plan = createPlan('giou', { boxes: 2, backend: 'cpu', reduction: 'sum' })
    plan.pred.set(boxes())
    plan.target.set(target)
    const { loss } = plan.run()
    const other = createPlan('sca', { boxes: 2, backend: 'cpu' })
    other.run({ boxes: 1, lossWeight: 5 })
    boxLoss('sca', boxes(), target, options)
    expect(plan.run().loss).toBe(loss)
    expect(loss).toBe(boxLoss('giou', boxes(), target, { backend: 'cpu', reduction: 'sum' }).loss)
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
    expect(native.setSimd(undefined as never)).toBe(false)
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
    expect(cpu).toMatchObject({ available: true, simdLevels: native.simdLevels(), threads: expect.any(Number) })
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
