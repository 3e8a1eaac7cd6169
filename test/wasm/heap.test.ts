import { afterEach, describe, expect, it, vi } from 'vitest'
import { alloc, boxLoss, createPlan, type FloatArray, pairwise } from '../../src/index.js'
import * as module from '../../src/wasm/module.js'
import { bytesOf, CONFIGURATIONS, DTYPES, EVERYTHING, FLOATS, LOSS_OF, pairs, perRow } from '../support/wasm.js'

// Arrays of `alloc` and of plans lie in the memory of the WebAssembly module, and calls compute there.
const N = 15_001

/** Makes a function that copies arrays to memory of the backend. All of them lie in one piece of it, each `offset`
 * numbers past an aligned address. */
function pieces(dtype: 'float32' | 'float64', offset = 0) {
  let free: FloatArray = alloc(2 ** 20, dtype, { columns: 1, backend: 'wasm' })
  return <A extends FloatArray>(array: A): A => {
    const piece = free.subarray(offset, offset + array.length) as A
    free = free.subarray(16 * Math.ceil((offset + array.length) / 16))
    expect(piece.length).toBe(array.length)
    piece.set(array)
    return piece
  }
}

/** How many arrays are copied during a call. */
function copiesOf(call: () => unknown): number {
  const set = vi.spyOn(Object.getPrototypeOf(Float32Array.prototype), 'set')
  try {
    call()
    return set.mock.calls.length
  } finally {
    set.mockRestore()
  }
}
afterEach(() => void vi.restoreAllMocks())

describe.each(CONFIGURATIONS)('$dtype, $axes axes', ({ dtype, axes }) => {
  const name = LOSS_OF[axes]
  const { pred, target } = pairs(dtype, N, axes)
  const weight = perRow(dtype, N, 3)
  const gradOutput = perRow(dtype, N, 4)
  const options = { ...EVERYTHING, reduction: 'none' } as const

  it('a plan computes the bits of the CPU and copies nothing', () => {
    const results = (['wasm', 'cpu'] as const).map((backend) => {
      const plan = createPlan(name, { boxes: N, dtype, backend, weight: true, ...EVERYTHING })
      plan.pred.set(pred as never)
      plan.target.set(target as never)
      plan.weight.set(weight as never)
      return [{}, { boxes: 14_999, normalizer: 7 }, { boxes: 1 }, {}].map((run) => {
        expect(copiesOf(() => plan.run(run))).toBe(0)
        const { loss, invalid, grad, gradTarget, iou } = plan.run(run)
        return [loss, invalid, ...[grad, gradTarget, iou].map((array) => bytesOf(array).toString('base64'))]
      })
    })
    expect(results[0]).toEqual(results[1])
  })

  it.each([0, 1, 3])('arrays of alloc, %i numbers past an aligned address: the same, and nothing beside', (offset) => {
    const own = pieces(dtype, offset)
    const expected = boxLoss(name, pred, target, { ...options, weight, gradOutput, backend: 'cpu' })
    const members = ['loss', 'grad', 'gradTarget', 'iou'] as const
    const out = Object.fromEntries(
      members.map((member) => {
        const array = own(new FLOATS[dtype](expected[member].length + 1).fill(123))
        return [member, array.subarray(0, -1)]
      }),
    )
    const [a, b, w, g] = [pred, target, weight, gradOutput].map(own)
    const call = () => boxLoss(name, a!, b!, { ...options, weight: w, gradOutput: g, backend: 'wasm', out })
    expect(copiesOf(call)).toBe(0)
    for (const member of members) {
      const array = out[member]!
      expect(bytesOf(array).equals(bytesOf(expected[member])), member).toBe(true)
      expect(new FLOATS[dtype](array.buffer as ArrayBuffer, array.byteOffset + array.byteLength, 1)[0]).toBe(123)
    }
  })

  it('some arrays of alloc, the others not', () => {
    const expected = boxLoss(name, pred, target, { ...options, weight, backend: 'cpu' })
    for (let inside = 0; inside < 8; ++inside) {
      const inMemory = pieces(dtype)
      const own = (bit: number, array: FloatArray) => (inside & bit ? inMemory(array) : array.slice())
      const a = inMemory(pred)
      const [b, w] = [own(1, target), own(2, weight)]
      const grad = own(4, new FLOATS[dtype](pred.length))
      const call = () => boxLoss(name, a, b, { ...options, weight: w, backend: 'wasm', out: { grad } })
      expect(bytesOf(call().gradTarget).equals(bytesOf(expected.gradTarget))).toBe(true)
      expect(bytesOf(grad).equals(bytesOf(expected.grad))).toBe(true)
    }
  })

  it('pairwise', () => {
    const [rows, columns] = [300, 2050]
    const inMemory = pieces(dtype)
    const [a, b] = [pred.slice(0, 2 * axes * rows), target.slice(0, 2 * axes * columns)].map(inMemory)
    const out = inMemory(new FLOATS[dtype](rows * columns))
    const call = () => pairwise(name, a!, b!, { backend: 'wasm', out, detailed: true })
    const expected = pairwise(name, a!, b!, { backend: 'cpu', detailed: true })
    expect(copiesOf(() => expect(call().invalid).toBe(expected.invalid))).toBe(0)
    expect(bytesOf(out).equals(bytesOf(expected.values))).toBe(true)
  })
})

it('arrays start at multiples of 64 bytes, hold zeros and do not overlap', () => {
  const arrays = Array.from({ length: 40 }, (_, i) => {
    const array = alloc(1 + ((i * 37) % 1000), i % 2 ? 'float64' : 'float32', { backend: 'wasm' })
    expect(array.byteOffset % 64).toBe(0)
    expect(array.every((x) => Object.is(x, 0))).toBe(true)
    return array.fill(i)
  })
  for (const [i, array] of arrays.entries()) expect(array.every((x) => x === i)).toBe(true)
})

it('an array of no boxes', () => {
  const none = alloc(0, 'float32', { backend: 'wasm' })
  expect(boxLoss('iou', none, none, { backend: 'wasm' }).loss).toBe(0)
})

it.each(DTYPES)('%s: addresses beyond 2 GiB', (dtype) => {
  const bytes = 2 ** 31
  const big = alloc(bytes / FLOATS[dtype].BYTES_PER_ELEMENT, dtype, { columns: 1, backend: 'wasm' })
  const grad = alloc(N, dtype, { backend: 'wasm' })
  expect(big.buffer).toBe(grad.buffer)
  expect(grad.byteOffset).toBeGreaterThan(bytes)
  const { pred, target } = pairs(dtype, N)
  const [a, b] = [pred, target].map(pieces(dtype))
  expect(copiesOf(() => boxLoss('ciou', a!, b!, { backend: 'wasm', out: { grad: grad as never } }))).toBe(0)
  expect(bytesOf(grad).equals(bytesOf(boxLoss('ciou', pred, target, { backend: 'cpu' }).grad))).toBe(true)
})

it.each([
  ['more than the module can address', 2 ** 32],
  ['where the host has no memory for another instance', 2 ** 32 - 2 ** 25],
])('%s: ordinary memory, through which calls go in parts', (why, bytes) => {
  if (why.startsWith('where')) {
    vi.spyOn(module, 'newInstance').mockImplementation(() => {
      throw new RangeError('WebAssembly.Memory.grow(): Maximum memory size exceeded')
    })
  }
  const array = alloc(bytes / 4, 'float32', { columns: 1, backend: 'wasm' })
  expect([array.byteOffset, array.buffer.byteLength]).toEqual([0, bytes])
  const { pred, target } = pairs('float32', N)
  const [a, grad] = [array.subarray(-4 * N), array.subarray(0, 4 * N)]
  a.set(pred as Float32Array<ArrayBuffer>)
  boxLoss('ciou', a, target as Float32Array<ArrayBuffer>, { backend: 'wasm', out: { grad } })
  expect(bytesOf(grad).equals(bytesOf(boxLoss('ciou', pred, target, { backend: 'cpu' }).grad))).toBe(true)
})
