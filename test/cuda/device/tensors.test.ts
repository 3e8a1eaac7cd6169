import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { FORMATS } from '../../../src/core/formats.js'
import { alloc, type CudaTensor, type FloatArray, ScaLossError } from '../../../src/index.js'
import { device, firstDifference, ORDERS, onCpu, onDevice } from '../../support/device.js'
import { mulberry32, randomPairs } from '../../support/random.js'
import { boxesAround } from '../../support/same-bits.js'
import { ALL, axesOf } from '../../support/variants.js'

// Tensors that stay on a device: results, memory, and errors. Also runs on a GPU.

afterEach(() => {
  vi.unstubAllEnvs()
})

describe.each([
  ['float32', Float32Array, { least: -149, low: -149, high: 120 }],
  ['float64', Float64Array, { least: -1074, low: -1074, high: 1016 }],
] as const)('%s: the bits of the CPU backend', (_, Float, sizes) => {
  const n = 1300
  const rows = { 2: boxesAround(n, Float, sizes, 2), 3: boxesAround(n, Float, sizes, 3) }
  const random = mulberry32(3)
  const perRow = () => new Float(n).map(() => (random() < 0.1 ? 0 : 2 * random()))

  it.each(ALL)('$label', (variant) => {
    const { name, options } = variant
    const axes = axesOf(variant)
    const { pred, target } = rows[axes]
    const format = FORMATS[Math.floor((axes === 2 ? 4 : 3) * random())]
    for (const more of [
      {},
      { grad: false, reduction: 'sum', normalizer: 7 } as const,
      {
        reduction: 'none',
        gradTarget: true,
        iou: true,
        weight: perRow(),
        gradOutput: perRow(),
        format,
        lossWeight: -3,
      } as const,
    ]) {
      const all = { ...options, ...more }
      expect(firstDifference(onDevice({ device }, name, pred, target, all), onCpu(name, pred, target, all))).toBe(
        undefined,
      )
    }
  })
})

describe.each(['float16', 'bfloat16'] as const)('%s', (dtype) => {
  /** All numbers of the dtype from the smallest to the largest, as its definition gives them. */
  const [exponentBits, mantissaBits] = dtype === 'float16' ? [5, 10] : [8, 7]
  const numberOf = (bits: number) => {
    const exponent = (bits >> mantissaBits) & (2 ** exponentBits - 1)
    const mantissa = bits & (2 ** mantissaBits - 1)
    const bias = 2 ** (exponentBits - 1) - 1
    const sign = bits & 0x8000 ? -1 : 1
    if (exponent === 2 ** exponentBits - 1) return mantissa ? Number.NaN : sign * Number.POSITIVE_INFINITY
    const scale = 2 ** (Math.max(exponent, 1) - bias - mantissaBits)
    return sign * scale * (exponent === 0 ? mantissa : mantissa + 2 ** mantissaBits)
  }
  const everything = Uint16Array.from({ length: 2 ** 16 }, (_, bits) => bits)
  const positive = Array.from({ length: 2 ** 15 }, (_, bits) => numberOf(bits)).filter(Number.isFinite)

  it('reads every number of 16 bits as what it stands for, and gives its bits back', () => {
    const tensor = device.tensor(everything, dtype)
    expect(tensor.read()).toEqual(Float32Array.from(everything, numberOf))
    expect(tensor.read(new Uint16Array(2 ** 16))).toEqual(everything)
    expect(tensor.byteLength).toBe(2 ** 17)
  })

  it('rounds to nearest, ties to even', () => {
    // Numbers of the dtype, the middle between each and the next, and float32 numbers on either side of that.
    const wide = new Float32Array(1)
    const bits = new Uint32Array(wide.buffer)
    const next = (x: number, by: number) => {
      wide[0] = x
      bits[0] += by
      return wide[0]
    }
    const cases: [number, number][] = []
    for (let i = 0; i + 1 < positive.length; i += 7) {
      const middle = (positive[i] + positive[i + 1]) / 2
      const [below, above] = [next(middle, -1), next(middle, 1)]
      cases.push([positive[i], positive[i]], [middle, positive[i % 2 === 0 ? i : i + 1]])
      if (Math.fround(middle) === middle) cases.push([below, positive[i]], [above, positive[i + 1]])
    }
    const largest = positive[positive.length - 1]
    const beyond = largest + (largest - positive[positive.length - 2]) / 2
    if (Math.fround(beyond) === beyond) cases.push([beyond, Number.POSITIVE_INFINITY], [next(beyond, -1), largest])
    cases.push([Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY], [Number.NaN, Number.NaN], [0, 0])
    const [from, to] = [cases.map(([x]) => x), cases.map(([, y]) => y)]
    const mirrored = device.tensor(Float32Array.from([...from, ...from.map((x) => -x)]), dtype)
    expect(mirrored.read()).toEqual(Float32Array.from([...to, ...to.map((y) => -y)]))
  })

  it.each(['sca', 'giou', 'nwd', 'sca3'] as const)('%s: computes in float32, and rounds what it stores', (name) => {
    const axes = name === 'sca3' ? 3 : 2
    const n = 1100
    const boxes = randomPairs(Float32Array, n, { seed: 4, axes })
    const rounded = (array: FloatArray) => device.tensor(array, dtype).read() as Float32Array
    const random = mulberry32(5)
    const perRow = () => rounded(new Float32Array(n).map(() => 2 * random()))
    const [pred, target] = [rounded(boxes.pred), rounded(boxes.target)]
    for (const options of [
      { reduction: 'none', gradTarget: true, iou: true, weight: perRow(), gradOutput: perRow() } as const,
      { grad: false, reduction: 'sum' } as const,
    ]) {
      const expected = onCpu(name, pred, target, options)
      for (const key of ['loss', 'grad', 'gradTarget', 'iou'] as const) {
        const isStored = expected[key] && !(key === 'loss' && options.reduction === 'sum')
        if (isStored) expected[key] = [...rounded(Float32Array.from(expected[key] ?? []))]
      }
      expect(firstDifference(onDevice({ device, dtype }, name, pred, target, options), expected)).toBe(undefined)
    }
  })
})

describe('memory', () => {
  const collectGarbage = async () => {
    setFlagsFromString('--expose-gc')
    const gc = runInNewContext('gc')
    for (let i = 0; i < 3; ++i) {
      gc()
      await new Promise((resolve) => setImmediate(resolve))
    }
    device.synchronize()
  }

  it('is counted, and given back by dispose() and at the end of a block with using', () => {
    const before = device.memory()
    expect(before.total).toBeGreaterThan(before.free)
    const tensor = device.tensor(1000, 'float64')
    expect(device.memory().allocated).toBe(before.allocated + 8000)
    expect(device.memory().reserved).toBeGreaterThanOrEqual(device.memory().allocated)
    tensor.dispose()
    tensor.dispose()
    expect(tensor.disposed).toBe(true)
    {
      using other = device.tensor(Float32Array.of(1, 2))
      expect(device.memory().allocated).toBe(before.allocated + 8)
      expect(other.read()).toEqual(Float32Array.of(1, 2))
    }
    expect(device.memory().allocated).toBe(before.allocated)
  })

  it('of garbage is given back', async () => {
    await collectGarbage()
    const before = device.memory().allocated
    let tensors: CudaTensor[] | undefined = Array.from({ length: 10 }, () => device.tensor(100_000))
    expect(device.memory().allocated).toBe(before + 4_000_000)
    expect(tensors).toHaveLength(10)
    tensors = undefined
    await collectGarbage()
    expect(device.memory().allocated).toBe(before)
  })

  it('counts as memory that V8 should collect: a program that disposes of nothing goes on', async () => {
    await collectGarbage()
    const before = device.memory().allocated
    const size = 16 << 20
    let most = 0
    // Of the event loop there must be something left, in which garbage is given back.
    for (let i = 0; i < 100; ++i) {
      device.tensor(size / 4)
      most = Math.max(most, device.memory().allocated - before)
      await new Promise((resolve) => setImmediate(resolve))
    }
    expect(most).toBeLessThan(50 * size)
  })

  it('calls with out allocate nothing', () => {
    const { pred, target } = randomPairs(Float32Array, 2000, { seed: 2 })
    const [boxes, goal] = [device.tensor(pred), device.tensor(target)]
    const out = { grad: device.tensor(8000), loss: device.tensor(1, 'float64'), invalid: device.tensor(1, 'float64') }
    device.boxLoss('sca', boxes, goal, { out })
    const before = device.memory().allocated
    for (let i = 0; i < 3; ++i) {
      const result = device.boxLoss('sca', boxes, goal, { out })
      expect(result.loss).toBe(out.loss)
      expect(result.grad).toBe(out.grad)
      expect(result.invalid).toBe(out.invalid)
    }
    expect(device.memory().allocated).toBe(before)
    const expected = onCpu('sca', pred, target)
    expect([[...out.loss.read()], [...out.grad.read()]]).toEqual([expected.loss, expected.grad])
  })

  it('a tensor of zeros, and parts of one that share its memory and keep it', () => {
    const tensor = device.tensor(10)
    expect(tensor.read()).toEqual(new Float32Array(10))
    const part = tensor.subarray(2, 6)
    expect(part.pointer).toBe(tensor.pointer + 8n)
    part.write(Float32Array.of(1, 2, 3, 4))
    expect(tensor.read()).toEqual(Float32Array.of(0, 0, 1, 2, 3, 4, 0, 0, 0, 0))
    tensor.dispose()
    expect(part.read()).toEqual(Float32Array.of(1, 2, 3, 4))
    expect(part.subarray(4).read()).toEqual(new Float32Array(0))
  })

  it.each(ORDERS)('pinned arrays can be used as soon as read and write return (%s)', (order) => {
    if (order) vi.stubEnv('EMULATOR_STREAMS', order)
    const pinned = alloc(300, 'float32', { backend: 'cuda' }).fill(7)
    const tensor = device.tensor(1200).write(pinned)
    pinned.fill(0)
    expect(tensor.read(pinned)).toEqual(new Float32Array(1200).fill(7))
  })

  it('weights and losses may start anywhere', () => {
    const { pred, target } = randomPairs(Float32Array, 40, { seed: 8 })
    const weights = Float32Array.from({ length: 41 }, (_, i) => i / 10)
    const out = { loss: device.tensor(43).subarray(3) }
    const options = { weight: device.tensor(weights).subarray(1), out, reduction: 'none', grad: false } as const
    device.boxLoss('iou', device.tensor(pred), device.tensor(target), options)
    const expected = onCpu('iou', pred, target, { weight: weights.subarray(1), reduction: 'none', grad: false })
    expect([...out.loss.read()]).toEqual(expected.loss)
  })

  it('of other native code by its pointer', () => {
    const owner = device.tensor(Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8))
    const view = device.fromPointer(owner.pointer + 16n, 4)
    expect(view.read()).toEqual(Float32Array.of(5, 6, 7, 8))
    const { grad } = device.boxLoss('l1', view, owner.subarray(0, 4))
    expect(grad.read()).toEqual(Float32Array.of(1, 1, 1, 1))
    view.dispose()
    expect(owner.read()[4]).toBe(5)
  })

  it('that there is not: an error with the name CUDA gives it, and the device goes on working', () => {
    const before = device.memory().allocated
    let thrown: unknown
    try {
      device.tensor(Math.ceil(device.memory().total / 4) + 2 ** 28)
    } catch (error) {
      thrown = error
    }
    expect(thrown).toBeInstanceOf(ScaLossError)
    expect(thrown).toMatchObject({
      code: 'ERR_SCALOSS_CUDA_OUT_OF_MEMORY',
      message: expect.stringMatching(/^cudaErrorMemoryAllocation: out of device memory: asked for \d+ bytes, free are/),
    })
    const { pred, target } = randomPairs(Float32Array, 100, { seed: 2 })
    expect(firstDifference(onDevice({ device }, 'sca', pred, target), onCpu('sca', pred, target))).toBe(undefined)
    expect(device.memory().allocated).toBeGreaterThanOrEqual(before)
  })
})
