import { afterEach, describe, expect, it, vi } from 'vitest'
import { type BoxLossOptions, backends, boxLoss, ScaLossError } from '../../src/index.js'
import { LOSS_NAMES } from '../../src/losses.js'
import { mulberry32, randomPairs } from '../support/random.js'
import { boxesAround, resultBytes } from '../support/same-bits.js'

// The very sources of the kernels and of the CUDA backend, against the CPU backend, bit by bit.
const SCHEDULES = ['forward', 'reverse', '1', '2', '3']
const GRIDS = ['1', '2', '3', '7']

afterEach(() => {
  vi.unstubAllEnvs()
})

it('runs on the emulator, and on nothing else', () => {
  const { cuda } = backends()
  expect(cuda).toMatchObject({ available: true, devices: [{ name: 'Emulator' }] })
  const boxes = new Float32Array(4)
  expect(boxLoss('sca', boxes, boxes.slice()).backend).toBe('cuda')
})

describe.each([
  ['float32', Float32Array, -149, 120],
  ['float64', Float64Array, -1074, 1016],
] as const)('%s: the bits of the CPU backend', (dtype, Float, least, high) => {
  const random = mulberry32(13)
  const perRow = (n: number) => new Float(n).map(() => (random() < 0.1 ? 0 : 2 * random()))
  const options = (n: number): [string, BoxLossOptions][] => [
    ['mean', {}],
    ['forward alone', { grad: false, reduction: 'sum', onInvalid: 'ignore' }],
    [
      'everything at once',
      { reduction: 'none', gradTarget: true, iou: true, weight: perRow(n), gradOutput: perRow(n) },
    ],
    [
      'target gradient alone',
      { grad: false, gradTarget: true, normalizer: 3, convention: 'official', format: 'cxcywh' },
    ],
    ['no positives', { normalizer: 0, iou: true, format: 'yxyx' }],
  ]

  it.each(SCHEDULES)('for any number of rows, under schedule %s', (schedule) => {
    vi.stubEnv('EMULATOR_SCHEDULE', schedule)
    for (const n of [1, 31, 256, 257, 1023, 1024, 1025, 2049, 5000]) {
      const { pred, target } = randomPairs(Float, n, { seed: n })
      for (const [label, option] of options(n)) {
        const expected = resultBytes('sca', pred, target, { ...option, backend: 'cpu' })
        const actual = resultBytes('sca', pred, target, { ...option, backend: 'cuda' })
        expect(actual.equals(expected), `${n} rows, ${label}`).toBe(true)
      }
    }
  })

  it.each(GRIDS)('for any grid: %s blocks', (blocks) => {
    vi.stubEnv('EMULATOR_GRID', blocks)
    const { pred, target } = randomPairs(Float, 9000, { seed: 5 })
    const expected = boxLoss('sca', pred, target, { backend: 'cpu' })
    for (const schedule of SCHEDULES) {
      vi.stubEnv('EMULATOR_SCHEDULE', schedule)
      const actual = boxLoss('sca', pred, target, { backend: 'cuda' })
      expect(actual.loss).toBe(expected.loss)
      expect(actual.grad).toEqual(expected.grad)
    }
  })

  it.each(LOSS_NAMES)(`%s: for all the boxes that ${dtype} has, invalid ones too`, (name) => {
    const n = 20_000
    const { pred, target } = boxesAround(n, Float, least, least, high)
    for (const [label, option] of options(n)) {
      const expected = resultBytes(name, pred, target, { ...option, backend: 'cpu' })
      expect(resultBytes(name, pred, target, { ...option, backend: 'cuda' }).equals(expected), label).toBe(true)
    }
    const invalid = boxLoss(name, pred, target, { backend: 'cpu' }).invalid
    expect(invalid).toBeGreaterThan(100)
    // Twice: the workspace must be left as it was found.
    for (let i = 0; i < 2; ++i) expect(boxLoss(name, pred, target, { backend: 'cuda' }).invalid).toBe(invalid)
  })
})

it('adds more tiles than there are lanes in the order of the tree', () => {
  const n = 300 * 1024 + 17
  const { pred, target } = randomPairs(Float32Array, n, { seed: 8 })
  vi.stubEnv('EMULATOR_GRID', '5')
  const options = { reduction: 'sum', grad: false } as const
  expect(boxLoss('cd', pred, target, { ...options, backend: 'cuda' }).loss).toBe(
    boxLoss('cd', pred, target, { ...options, backend: 'cpu' }).loss,
  )
})

describe('errors of the device', () => {
  // More than any call before: device memory is kept and only grows.
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
      message: expect.stringMatching(/^cudaMalloc.*cudaErrorMemoryAllocation: out of memory$/),
    })
    vi.unstubAllEnvs()
    expect(boxLoss('sca', boxes.pred, boxes.target, { backend: 'cuda' }).loss).toBe(
      boxLoss('sca', boxes.pred, boxes.target, { backend: 'cpu' }).loss,
    )
  })

  it('a device that is not there', () => {
    expect(() => boxLoss('sca', boxes.pred, boxes.target, { backend: 'cuda', device: 1 })).toThrow(
      /^device: expected the index of one of 1 CUDA devices, got 1$/,
    )
  })
})
