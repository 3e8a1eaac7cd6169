import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { describe, expect, it } from 'vitest'
import { FORMATS } from '../../src/core/formats.js'
import { alloc, type BoxLossOptions, boxLoss, boxLossAsync, pairwise } from '../../src/index.js'
import { ROOT } from '../support/project.js'
import { KINDS, mulberry32, randomPairs, toFormat } from '../support/random.js'
import { resultBytes } from '../support/same-bits.js'
import { ALL, axesOf, TOGETHER } from '../support/variants.js'
import { bytesOf, DTYPES, EVERYTHING, FLOATS, pairs, perRow } from '../support/wasm.js'

// Every loss, option and kind of call on the WebAssembly backend: the bits of the CPU backend.
describe('calls of other kinds', () => {
  const n = 15_001

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
