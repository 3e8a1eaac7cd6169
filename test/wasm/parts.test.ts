import { beforeEach, describe, expect, it } from 'vitest'
import { type BoxLossOptions, boxLoss, type FloatArray, pairwise } from '../../src/index.js'
import { loadWasm } from '../../src/wasm/module.js'
import { KINDS } from '../support/random.js'
import { rejection } from '../support/rejection.js'
import { resultBytes } from '../support/same-bits.js'
import { bytesOf, CONFIGURATIONS, DTYPES, EVERYTHING, FLOATS, LOSS_OF, pairs, perRow } from '../support/wasm.js'

// How arrays pass through the memory of the WebAssembly module: the bits of the CPU backend, whatever the size of a
// call.
const TILE = 1024

/** Rows, and for `pairwise` columns, of each part that the module computed since the test began. */
let parts: number[][] = []
beforeEach(() => {
  parts = []
})
const wasm = loadWasm()
const { exports } = wasm
wasm.exports = {
  ...exports,
  run: (isFloat64, rows, ...arrays) => {
    parts.push([rows])
    exports.run(isFloat64, rows, ...arrays)
  },
  runPairwise: (isFloat64, rows, columns, ...arrays) => {
    parts.push([rows, columns])
    exports.runPairwise(isFloat64, rows, columns, ...arrays)
  },
}
const partsOf = (call: () => unknown) => {
  parts = []
  call()
  return parts
}

describe.each(CONFIGURATIONS)('boxLoss in parts, $dtype, $axes axes', ({ dtype, axes }) => {
  const name = LOSS_OF[axes]
  const most = 3 * 13 * TILE
  const all = pairs(dtype, most, axes)
  const weights = perRow(dtype, most, 1)
  const upstream = perRow(dtype, most, 2)
  const call = (n: number, options: BoxLossOptions) => {
    const rows = (array: FloatArray) => array.subarray(0, 2 * axes * n)
    const own = { ...EVERYTHING, ...options, weight: weights.subarray(0, n) }
    return (backend: 'cpu' | 'wasm') => resultBytes(name, rows(all.pred), rows(all.target), { ...own, backend })
  }
  const reductions = (n: number): BoxLossOptions[] => [
    { reduction: 'none', gradOutput: upstream.subarray(0, n) },
    { reduction: 'none', onInvalid: 'ignore' },
    { reduction: 'sum', gradOutput: -0.3 },
    { reduction: 'mean', onInvalid: 'ignore', lossWeight: 0.7 },
    { reduction: 'sum', normalizer: 17.5, gradTarget: false },
  ]
  const part = partsOf(() => call(most, reductions(most)[0]!)('wasm'))[0]![0]!

  it('a part is as many whole tiles as the memory of the module holds', () => {
    const rowBytes = FLOATS[dtype].BYTES_PER_ELEMENT * (4 * 2 * axes + 4)
    expect(part % TILE).toBe(0)
    expect(part * rowBytes).toBeLessThanOrEqual(exports.arenaBytes())
    expect((part + 2 * TILE) * rowBytes).toBeGreaterThan(exports.arenaBytes())
  })

  it.each<[string, (part: number) => number]>([
    ['one row', () => 1],
    ['a tile and a row', () => TILE + 1],
    ['a row less than a part', (part) => part - 1],
    ['a part', (part) => part],
    ['a row more than a part', (part) => part + 1],
    ['a tile more than a part', (part) => part + TILE],
    ['two parts', (part) => 2 * part],
    ['two parts and some rows', (part) => 2 * part + TILE + 3],
  ])('%s: the bits of the CPU, and its count of invalid rows', (_, rowsOf) => {
    const n = rowsOf(part)
    const whole = Array.from({ length: Math.floor(n / part) }, () => [part])
    const expectedParts = n % part === 0 ? whole : [...whole, [n % part]]
    expect(partsOf(() => call(n, reductions(n)[0]!)('wasm'))).toEqual(expectedParts)
    for (const options of reductions(n)) {
      const ofBackend = call(n, options)
      expect(ofBackend('wasm').equals(ofBackend('cpu')), JSON.stringify({ ...options, gradOutput: 0 })).toBe(true)
    }
    const { invalid } = boxLoss(name, all.pred.subarray(0, 2 * axes * n), all.target.subarray(0, 2 * axes * n), {
      backend: 'wasm',
    })
    expect(invalid).toBe(Math.floor(n / KINDS.length))
  })
})

it.each(DTYPES)('%s: a sum over more tiles than there are lanes of partial sums, without any array', (dtype) => {
  const n = 300 * TILE + 77
  const { pred, target } = pairs(dtype, n)
  const bits = (backend: 'cpu' | 'wasm') => resultBytes('sca', pred, target, { grad: false, backend })
  expect(bits('wasm').equals(bits('cpu'))).toBe(true)
  expect(parts.length).toBeGreaterThan(1)
})

describe.each(CONFIGURATIONS)('pairwise in parts, $dtype, $axes axes', ({ dtype, axes }) => {
  const name = axes === 2 ? 'giou' : LOSS_OF[axes]
  const matrix = (rows: number, columns: number) => {
    const [a, b] = [pairs(dtype, rows, axes).pred, pairs(dtype, columns, axes, 5).pred]
    return (backend: 'cpu' | 'wasm', options = {}) =>
      pairwise(name, a, b, { backend, detailed: true, onInvalid: 'propagate', ...options })
  }
  const [rowPart, columnPart] = partsOf(() => matrix(3000, 1025)('wasm'))[0]!

  it('a part has rows of a tile at most', () => {
    expect(columnPart).toBe(TILE)
    expect(rowPart).toBeGreaterThan(100)
    expect(rowPart! * TILE * FLOATS[dtype].BYTES_PER_ELEMENT).toBeLessThan(exports.arenaBytes())
  })

  it.each([
    [-1, TILE],
    [0, TILE],
    [1, TILE],
    [0, TILE + 1],
    [1, TILE - 1],
    [7, 2 * TILE + 13],
  ])('%i rows beyond two parts, %i columns: the bits of the CPU, and its count of invalid boxes', (more, columns) => {
    const rows = 2 * rowPart! + more
    const ofBackend = matrix(rows, columns)
    const [actual, expected] = [ofBackend('wasm'), ofBackend('cpu')]
    expect(parts.length).toBe(Math.ceil(rows / parts[0]![0]!) * Math.ceil(columns / TILE))
    expect(bytesOf(actual.values).equals(bytesOf(expected.values))).toBe(true)
    expect(actual.invalid).toBe(expected.invalid)
    expect(actual.invalid).toBe(Math.floor(rows / KINDS.length) + Math.floor(columns / KINDS.length))
  })

  it.each([
    [60_000, 3],
    [2, 5000],
    [1, 1],
  ])('%i rows and %i columns, as similarities in an array of the caller', (rows, columns) => {
    const ofBackend = matrix(rows, columns)
    const whole = new FLOATS[dtype](rows * columns + 2).fill(123)
    const out = whole.subarray(1, rows * columns + 1)
    const { values } = ofBackend('wasm', { similarity: true, out })
    expect(values).toBe(out)
    expect(bytesOf(out).equals(bytesOf(ofBackend('cpu', { similarity: true }).values))).toBe(true)
    expect([whole[0], whole.at(-1)]).toEqual([123, 123])
  })
})

describe('views', () => {
  it.each(DTYPES)('%s: of one buffer, at odd offsets, with nothing written beside the results', (dtype) => {
    const Float = FLOATS[dtype]
    const n = 14_321
    const { pred, target } = pairs(dtype, n)
    const columns = { pred: 4, target: 4, weight: 1, gradOutput: 1, loss: 1, grad: 4, gradTarget: 4, iou: 1 }
    const CANARY = 123
    const length = Object.values(columns).reduce((sum, k) => sum + k * n + 2, 1)
    const whole = new Float(length).fill(CANARY)
    const inputs: Record<string, FloatArray> = { weight: perRow(dtype, n, 1), gradOutput: perRow(dtype, n, 2) }
    const views: Record<string, FloatArray> = {}
    let start = 1
    for (const [member, k] of Object.entries(columns)) {
      views[member] = whole.subarray(start, start + k * n)
      start += k * n + 2
    }
    const { loss, grad, gradTarget, iou } = views
    for (const [member, array] of Object.entries({ pred, target, ...inputs })) views[member]!.set(array)
    const options = { ...EVERYTHING, reduction: 'none', backend: 'wasm' } as const
    const { weight, gradOutput } = views
    const out = { loss, grad, gradTarget, iou }
    boxLoss('diou', views.pred!, views.target!, { ...options, weight, gradOutput, out })
    expect(parts.length).toBeGreaterThan(1)

    const expected = boxLoss('diou', pred, target, { ...options, ...inputs, backend: 'cpu' })
    const all = { ...inputs, pred, target, ...expected } as unknown as Record<string, FloatArray>
    for (const [member, view] of Object.entries(views)) {
      const first = view.byteOffset / view.BYTES_PER_ELEMENT
      expect([whole[first - 1], whole[first + view.length]], member).toEqual([CANARY, CANARY])
      expect(bytesOf(view).equals(bytesOf(all[member]!)), member).toBe(true)
    }
  })

  it('results that overlap inputs or each other are refused', () => {
    const { pred, target } = pairs('float32', 100)
    const both = new Float32Array(500)
    const call = (out: object) => () => boxLoss('sca', pred, target, { ...EVERYTHING, backend: 'wasm', out })
    expect(rejection(call({ grad: target })).message).toMatch(/^out.grad: .*overlap with target/)
    const [grad, gradTarget] = [both.subarray(0, 400), both.subarray(100)]
    expect(rejection(call({ grad, gradTarget })).message).toMatch(/^out.gradTarget: .*overlap with out.grad/)
    expect(rejection(() => pairwise('iou', pred, target, { backend: 'wasm', out: pred })).message).toMatch(/^out: /)
    expect(parts).toEqual([])
  })
})
