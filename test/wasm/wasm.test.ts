import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { gzipSync } from 'node:zlib'
import { beforeEach, describe, expect, it } from 'vitest'
import { FORMATS } from '../../src/core/formats.js'
import {
  alloc,
  type BoxLossOptions,
  boxLoss,
  boxLossAsync,
  createPlan,
  type DType,
  type FloatArray,
  type LossName,
  pairwise,
} from '../../src/index.js'
import { MODULE } from '../../src/wasm/bytes.js'
import { loadWasm } from '../../src/wasm/module.js'
import { endOf, printed } from '../support/process.js'
import { ROOT } from '../support/project.js'
import { KINDS, mulberry32, randomPairs, toFormat } from '../support/random.js'
import { rejection } from '../support/rejection.js'
import { resultBytes } from '../support/same-bits.js'
import { ALL, axesOf, TOGETHER } from '../support/variants.js'

// The WebAssembly module and how arrays pass through its memory: the bits of the CPU backend, whatever the size of a
// call.
const DTYPES: DType[] = ['float32', 'float64']
const FLOATS = { float32: Float32Array, float64: Float64Array }
const LOSS_OF = { 2: 'ciou', 3: 'sca3' } satisfies Record<2 | 3, LossName>
const CONFIGURATIONS = DTYPES.flatMap((dtype) => ([2, 3] as const).map((axes) => ({ dtype, axes })))
const TILE = 1024

/** Draws pairs of which every fifth is inverted, so not valid. */
const pairs = (dtype: DType, n: number, axes: 2 | 3 = 2, seed = n) =>
  randomPairs(FLOATS[dtype], n, { seed, kinds: KINDS, axes })

/** Draws one number per row. */
function perRow(dtype: DType, n: number, seed: number): FloatArray {
  const random = mulberry32(seed)
  return new FLOATS[dtype](n).map(() => (random() < 0.1 ? 0 : 2 * random() - 0.5))
}

/** All numbers of an array as bytes, with every NaN in the same form. */
const bytesOf = (array: FloatArray) =>
  Buffer.from(array.map((x) => (Number.isNaN(x) ? Number.NaN : x)).buffer as ArrayBuffer)

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

const EVERYTHING = { gradTarget: true, iou: true } as const

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

describe('calls of other kinds', () => {
  const n = 15_001

  it.each(CONFIGURATIONS)('a plan of $dtype, $axes axes, larger than a part', ({ dtype, axes }) => {
    const { pred, target } = pairs(dtype, n, axes)
    const results = (['wasm', 'cpu'] as const).map((backend) => {
      const plan = createPlan(LOSS_OF[axes], { boxes: n, dtype, backend, weight: true, ...EVERYTHING })
      plan.pred.set(pred as never)
      plan.target.set(target as never)
      plan.weight.set(perRow(dtype, n, 3) as never)
      return [{}, { boxes: 14_999, normalizer: 7 }, { boxes: 1 }, {}].map((run) => {
        const { loss, invalid, grad, gradTarget, iou } = plan.run(run)
        return [loss, invalid, ...[grad, gradTarget, iou].map((array) => bytesOf(array).toString('base64'))]
      })
    })
    expect(parts.length).toBeGreaterThan(6)
    expect(results[0]).toEqual(results[1])
  })

  it.each(DTYPES)('%s: arrays of alloc', (dtype) => {
    const { pred, target } = pairs(dtype, n)
    const [a, b, grad] = Array.from({ length: 3 }, () => alloc(n, dtype as 'float32', { backend: 'wasm' }))
    expect(bytesOf(grad!).equals(bytesOf(new FLOATS[dtype](4 * n)))).toBe(true)
    a!.set(pred)
    b!.set(target)
    const { loss, backend } = boxLoss('giou', a!, b!, { backend: 'wasm', out: { grad: grad! } })
    const expected = boxLoss('giou', pred, target, { backend: 'cpu' })
    expect([backend, loss]).toEqual(['wasm', expected.loss])
    expect(bytesOf(grad!).equals(bytesOf(expected.grad))).toBe(true)
  })

  it.each(DTYPES)('%s: asynchronous calls, many at once', async (dtype) => {
    const sizes = [1, 700, n, 2 * n + 1, 3]
    const results = await Promise.all(
      sizes.map((size) => {
        const { pred, target } = pairs(dtype, size)
        return boxLossAsync('ciou', pred, target, { backend: 'wasm', ...EVERYTHING })
      }),
    )
    for (const [i, size] of sizes.entries()) {
      const { pred, target } = pairs(dtype, size)
      const expected = boxLoss('ciou', pred, target, { backend: 'cpu', ...EVERYTHING })
      const { backend, loss, invalid, ...arrays } = results[i]!
      expect([backend, loss, invalid]).toEqual(['wasm', expected.loss, expected.invalid])
      for (const member of ['grad', 'gradTarget', 'iou'] as const) {
        expect(bytesOf(arrays[member]).equals(bytesOf(expected[member])), member).toBe(true)
      }
    }
  })

  it('an asynchronous call that is aborted writes nothing', async () => {
    const { pred, target } = pairs('float32', n)
    const out = { grad: new Float32Array(4 * n).fill(123) }
    const controller = new AbortController()
    const promise = boxLossAsync('sca', pred, target, { backend: 'wasm', out, signal: controller.signal })
    const reason = new Error('enough')
    controller.abort(reason)
    await expect(promise).rejects.toBe(reason)
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(out.grad.every((x) => x === 123)).toBe(true)
  })

  it('worker threads compute at once, each with an instance of its own', { timeout: 60_000 }, async () => {
    // Each worker computes the sizes in another order, so that parts of different calls are in the memories at once.
    const work = `
      const { parentPort, workerData: { entry, calls } } = require('node:worker_threads')
      let instances = 0
      const { Instance } = WebAssembly
      WebAssembly.Instance = class extends Instance {
        constructor(...args) {
          super(...args)
          instances++
        }
      }
      const { boxLoss, pairwise } = require(entry)
      const results = []
      for (let round = 0; round < 4; round++)
        for (const { index, pred, target } of calls) {
          const { loss, grad, invalid } = boxLoss('ciou', pred, target, { backend: 'wasm' })
          const side = 4 * 30
          const values = pairwise('giou', pred.subarray(0, side), target, { backend: 'wasm' })
          results.push({ index, loss, grad, invalid, values })
        }
      parentPort.postMessage({ results, instances })`
    const calls = [13_000, 2000, 26_000].map((size, index) => ({
      index,
      ...randomPairs(index === 1 ? Float64Array : Float32Array, size, { seed: size }),
    }))
    const expected = calls.map(({ index, pred, target }) => {
      const { loss, grad, invalid } = boxLoss('ciou', pred, target, { backend: 'cpu' })
      const values = pairwise('giou', pred.subarray(0, 4 * 30), target, { backend: 'cpu' })
      return { index, loss, grad, invalid, values }
    })
    const messages = await Promise.all(
      Array.from({ length: 4 }, (_, i) => {
        const turned = [...calls.slice(i % 3), ...calls.slice(0, i % 3)]
        const workerData = { entry: join(ROOT, 'dist/index.js'), calls: turned }
        return new Promise<{ results: typeof expected; instances: number }>((resolve, reject) => {
          const worker = new Worker(work, { eval: true, workerData })
          worker.on('message', resolve)
          worker.on('error', reject)
        })
      }),
    )
    for (const { results, instances } of messages) {
      expect(instances).toBe(1)
      expect(results.length).toBe(4 * calls.length)
      for (const { index, loss, grad, invalid, values } of results) {
        expect([loss, invalid]).toEqual([expected[index]!.loss, expected[index]!.invalid])
        expect(bytesOf(grad).equals(bytesOf(expected[index]!.grad))).toBe(true)
        expect(bytesOf(values).equals(bytesOf(expected[index]!.values))).toBe(true)
      }
    }
  })
})

describe('every loss and option', () => {
  // Together more than 600,000 pairs: everyday boxes of all kinds, with options drawn for each variant.
  const PAIRS = 1501

  describe.each(DTYPES)('%s', (dtype) => {
    it.each([...ALL, ...TOGETHER].map((variant, i) => ({ ...variant, i })))(
      '$label: the bits of the CPU',
      (variant) => {
        const { name, i } = variant
        const random = mulberry32(1000 + i)
        const pick = <T>(values: readonly T[]) => values[Math.floor(values.length * random())]!
        const axes = axesOf(variant)
        const corners = randomPairs(FLOATS[dtype], PAIRS, { seed: 500 + i, kinds: KINDS, axes, step: pick([0, 0, 8]) })
        const format = pick(FORMATS.filter((format) => axes === 2 || format !== 'yxyx'))
        const [pred, target] = [corners.pred, corners.target].map((boxes) => toFormat(boxes, format, axes))
        for (const reduction of ['none', 'mean', 'sum'] as const) {
          const options: BoxLossOptions = {
            ...variant.options,
            ...{ reduction, format, iou: random() < 0.5, gradTarget: random() < 0.5, grad: random() < 0.8 },
            onInvalid: pick(['propagate', 'ignore']),
            weight: random() < 0.5 ? perRow(dtype, PAIRS, i) : undefined,
            gradOutput: pick([reduction === 'none' ? perRow(dtype, PAIRS, 2 * i) : 3, -0.7]),
            lossWeight: pick([1, 0.3]),
          }
          const bits = (backend: 'cpu' | 'wasm') => resultBytes(name, pred!, target!, { ...options, backend })
          expect(bits('wasm').equals(bits('cpu')), JSON.stringify({ ...options, weight: 0, gradOutput: 0 })).toBe(true)
        }
        const matrix = (backend: 'cpu' | 'wasm') =>
          pairwise(name, pred!.subarray(0, 2 * axes * 41), target!.subarray(0, 2 * axes * 37), {
            ...variant.options,
            ...{ format, backend, detailed: true, similarity: i % 2 === 0 },
          })
        const [actual, expected] = [matrix('wasm'), matrix('cpu')]
        expect(bytesOf(actual.values).equals(bytesOf(expected.values))).toBe(true)
        expect(actual.invalid).toBe(expected.invalid)
      },
    )
  })
})

describe('a host that cannot run the module', () => {
  const program = (change: string) => `
    ${change}
    const { backends, boxLoss } = require(${JSON.stringify(join(ROOT, 'dist/index.js'))})
    const box = new Float32Array([0, 0, 1, 1])
    console.log(JSON.stringify(backends().wasm))
    try {
      boxLoss('sca', box, box, { backend: 'wasm' })
    } catch ({ code, reason, message, cause }) {
      console.log(JSON.stringify({ code, reason, message, cause: cause?.message }))
    }
    console.log(boxLoss('sca', box, box, { backend: 'js' }).loss)`

  it.each([
    ['without WebAssembly', 'delete globalThis.WebAssembly', 'this host has no WebAssembly', undefined],
    [
      'whose WebAssembly cannot compile it',
      "WebAssembly.Module = class { constructor() { throw new Error('no SIMD here') } }",
      'the module cannot be loaded: no SIMD here',
      'no SIMD here',
    ],
  ])('%s: backends() and an error say why', (_, change, why, cause) => {
    const message = `backend 'wasm': ${why}`
    const described = { available: false, reason: 'no-wasm', message }
    const error = { code: 'ERR_SCALOSS_BACKEND_UNAVAILABLE', reason: 'no-wasm', message, cause }
    expect(endOf(program(change))).toEqual(printed(JSON.stringify(described), JSON.stringify(error), '0'))
  })

  it('is not one without Buffer, as browsers are', () => {
    // Node's own code keeps its Buffer; only the global name is gone.
    const { status, stdout, stderr } = endOf(program('delete globalThis.Buffer'))
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    expect(stdout).toBe('{"available":true}\n0\n')
  })
})

describe('the committed module', () => {
  const bytes = Buffer.from(MODULE, 'base64')
  interface Described {
    module?: string
    name: string
    kind: string
  }
  const { WebAssembly } = globalThis as unknown as {
    WebAssembly: {
      Module: {
        new (bytes: Uint8Array): object
        exports(module: object): Described[]
        imports(module: object): Described[]
      }
    }
  }
  const module = new WebAssembly.Module(bytes)

  it('exports what src/wasm/module.ts types, and nothing else', () => {
    const source = readFileSync(join(ROOT, 'src/wasm/module.ts'), 'utf8')
    const [, block] = /^interface Exports \{\n(.*?)^\}/ms.exec(source) ?? []
    const typed = [...block!.matchAll(/^ {2}(\w+)([:(])/gm)].map(([, name, after]) => ({
      name: name!,
      kind: after === '(' ? 'function' : 'memory',
    }))
    const byName = (a: Described, b: Described) => (a.name < b.name ? -1 : 1)
    expect(typed.length).toBeGreaterThan(5)
    expect(WebAssembly.Module.exports(module).sort(byName)).toEqual(typed.sort(byName))
  })

  it('imports a function that nothing calls, and nothing else', () => {
    const imports = [{ module: 'wasi_snapshot_preview1', name: 'random_get', kind: 'function' }]
    expect(WebAssembly.Module.imports(module)).toEqual(imports)
  })

  it('takes at most 130 KB when compressed', () => {
    expect(gzipSync(bytes, { level: 9 }).length).toBeLessThanOrEqual(130_000)
  })

  it('has a memory that does not grow', () => {
    const { buffer } = exports.memory
    const { pred, target } = pairs('float64', 100_000)
    boxLoss('sca', pred, target, { backend: 'wasm' })
    expect(exports.memory.buffer).toBe(buffer)
    expect(wasm.float64.buffer).toBe(buffer)
  })
})
