import { runInNewContext } from 'node:vm'
import { describe, expect, test } from 'vitest'
import { boxLoss } from '../../src/calls/box-loss.js'
import type { FloatArray, Out } from '../../src/core/types.js'
import { cuda } from '../../src/cuda/cuda.js'
import { EVERY_BACKEND } from '../support/backends.js'
import { randomPairs } from '../support/random.js'
import { rejection } from '../support/rejection.js'

const POISON = 12345
/** Rows of the calls below. */
const N = 2
const CONFIGURATIONS = EVERY_BACKEND.flatMap((backend) => [
  { backend, Boxes: Float32Array, Other: Float64Array },
  { backend, Boxes: Float64Array, Other: Float32Array },
])

/** Any argument may be anything here: that is what the tests are about. */
type Anything = Record<string, unknown>
const call = boxLoss as (name: unknown, pred: unknown, target: unknown, options?: unknown) => unknown

/** Numbers that each argument which is an array must have. */
const LENGTHS = {
  pred: 4 * N,
  target: 4 * N,
  weight: N,
  gradOutput: N,
  'out.loss': N,
  'out.grad': 4 * N,
  'out.gradTarget': 4 * N,
  'out.iou': N,
}
type ArrayArgument = keyof typeof LENGTHS
const ARRAYS = Object.keys(LENGTHS) as ArrayArgument[]
const OUTPUTS = ['loss', 'grad', 'gradTarget', 'iou'] as const

describe.each(CONFIGURATIONS)('$backend, $Boxes.name', ({ backend, Boxes, Other }) => {
  const poisoned = (length: number): FloatArray => new Boxes(length).fill(POISON)

  /**
   * A call that is right but for `change`, given as `{ pred }`, `{ alpha }`, `{ 'out.grad' }`, ..., must fail and write
   * nothing.
   */
  function expectRejected(change: Anything, argument: string | string[], ...mentions: string[]) {
    const out: Anything = {}
    for (const name of OUTPUTS) out[name] = poisoned(LENGTHS[`out.${name}`])
    if (change.reduction !== undefined && change.reduction !== 'none') delete out.loss
    const options: Anything = { backend, reduction: 'none', gradTarget: true, iou: true, out }
    const all: Anything = { name: 'sca', pred: new Boxes(4 * N), target: new Boxes(4 * N), options }
    for (const [key, value] of Object.entries(change)) {
      if (key.startsWith('out.')) out[key.slice(4)] = value
      else if (key in all) all[key] = value
      else options[key] = value
    }
    const { argument: refused, message } = rejection(() => call(all.name, all.pred, all.target, all.options))
    expect([argument].flat()).toContain(refused)
    for (const mention of mentions) expect(message).toContain(mention)
    const untouched = Object.entries(out).filter(([name]) => !(`out.${name}` in change))
    for (const [, array] of untouched) expect((array as number[]).every((v) => v === POISON)).toBe(true)
    return message
  }

  test('the call that the tests below spoil is right', () => {
    expect(() => expectRejected({}, 'none')).toThrow('to be an instance of ScaLossError')
  })

  describe.each(ARRAYS)('%s', (argument) => {
    const length = LENGTHS[argument]
    const bytes = length * Boxes.BYTES_PER_ELEMENT

    const imitation = { length, byteLength: bytes, byteOffset: 0, buffer: new ArrayBuffer(bytes) }
    const wrongTypes: { type: string; value: unknown; shown: string }[] = [
      { type: 'null', value: null, shown: 'null' },
      { type: 'a bigint', value: 8n, shown: '8n' },
      { type: 'a string', value: 'boxes', shown: '"boxes"' },
      { type: 'a function', value: () => 0, shown: 'a function' },
      { type: 'a plain array', value: Array(length).fill(0), shown: `an array of ${length}` },
      { type: 'a Uint8Array', value: new Uint8Array(length), shown: `Uint8Array(${length})` },
      { type: 'a BigInt64Array', value: new BigInt64Array(length), shown: `BigInt64Array(${length})` },
      { type: 'a DataView', value: new DataView(new ArrayBuffer(bytes)), shown: 'DataView' },
      { type: 'an ArrayBuffer', value: new ArrayBuffer(bytes), shown: 'an object (ArrayBuffer)' },
      {
        type: 'an object like a typed array',
        value: { ...imitation, BYTES_PER_ELEMENT: Boxes.BYTES_PER_ELEMENT, [Symbol.toStringTag]: Boxes.name },
        shown: 'an object (Object)',
      },
      {
        type: 'an object with its prototype',
        value: Object.create(Boxes.prototype),
        shown: `an object (${Boxes.name})`,
      },
    ]
    test.each(wrongTypes)('$type', ({ value, shown }) => {
      expectRejected({ [argument]: value }, argument, Boxes.name, `got ${shown}`)
    })
    // Left out is right for the others, and a number is one for gradOutput.
    if (argument === 'pred' || argument === 'target') {
      test('undefined', () => void expectRejected({ [argument]: undefined }, argument, 'got undefined'))
    }
    if (argument !== 'gradOutput') {
      test('a number', () => void expectRejected({ [argument]: 5 }, argument, Boxes.name, 'got 5'))
    }

    test.each([0, length - 1, length + 1, length + 4, 2 * length])('%d numbers', (wrong) => {
      // As pred sets N, a wrong multiple of 4 shows as a fault of target.
      const isN = argument === 'pred' && wrong % 4 === 0
      const expected = argument === 'pred' && !isN ? 'multiple of 4' : `length ${isN ? wrong : length}`
      const got = isN ? length : wrong
      expectRejected({ [argument]: new Boxes(wrong) }, isN ? 'target' : argument, expected, `${Boxes.name}(${got})`)
    })

    test('the other dtype', () => {
      const faulty = argument === 'pred' ? 'target' : argument
      const types = argument === 'pred' ? [Other.name, `got ${Boxes.name}`] : [Boxes.name, `got ${Other.name}`]
      expectRejected({ [argument]: new Other(length) }, faulty, ...types)
    })

    test('a detached buffer', () => {
      const array = new Boxes(length)
      structuredClone(array, { transfer: [array.buffer] })
      expectRejected({ [argument]: array }, argument, 'detached')
    })

    test('a growable SharedArrayBuffer', () => {
      const buffer: ArrayBuffer = Reflect.construct(SharedArrayBuffer, [bytes, { maxByteLength: 2 * bytes }])
      for (const array of [new Boxes(buffer), new Boxes(buffer, 0, length)]) {
        expectRejected({ [argument]: array }, argument, 'fixed size', 'growable')
      }
    })

    test('a resizable ArrayBuffer', () => {
      const buffer: ArrayBuffer = Reflect.construct(ArrayBuffer, [bytes, { maxByteLength: 2 * bytes }])
      for (const array of [new Boxes(buffer), new Boxes(buffer, 0, length)]) {
        expectRejected({ [argument]: array }, argument, 'fixed size', 'resizable')
      }
    })
  })

  describe.each(['alpha', 'lossWeight', 'normalizer', 'gradOutput'])('%s', (option) => {
    test.each([Number.NaN, Infinity, -Infinity])('%d', (value) => {
      expectRejected({ [option]: value, reduction: 'sum' }, option, 'a finite number', `got ${value}`)
    })
    test.each(['1', null, 1n, true, {}, [1]])('%s', (value) => {
      expectRejected({ [option]: value, reduction: 'sum' }, option, 'number')
    })
  })

  describe.each(['grad', 'gradTarget', 'iou'])('%s', (option) => {
    test.each([0, 1, 'true', null, {}])('%s', (value) => {
      expectRejected({ [option]: value }, option, 'true or false')
    })
  })

  test.each([
    { option: 'name', one: "'sca'" },
    { option: 'format', one: "'cxcywh'" },
    { option: 'reduction', one: "'mean'" },
    { option: 'onInvalid', one: "'ignore'" },
    { option: 'convention', one: "'official'" },
    { option: 'backend', one: "'cuda'" },
  ])('$option: only the names that there are', ({ option, one }) => {
    for (const value of ['nonsense', '', 'toString', one.toUpperCase(), null, 0, true, [one.slice(1, -1)], {}]) {
      expectRejected({ [option]: value }, option, 'one of', one)
    }
    expectRejected({ [option]: 'nonsense' }, option, 'got "nonsense"')
    expect(expectRejected({ [option]: 'long '.repeat(1000) }, option).length).toBeLessThan(300)
  })
  test('name: undefined', () => void expectRejected({ name: undefined }, 'name', 'one of', 'got undefined'))

  test.each([-1, 0.5, Number.NaN, Infinity, '0', null, {}])('device: %s', (device) => {
    expectRejected({ device }, 'device')
  })

  describe.each(['options', 'out'])('%s', (argument) => {
    test.each([null, 5, 'mean', true, () => 0])('%s', (value) => {
      expectRejected({ [argument]: value }, argument, 'a plain object')
    })
    test('objects whose own members are not all there is to them', () => {
      class Getters {
        get reduction() {
          return 'none'
        }
      }
      for (const [value, shown] of [
        [new Float32Array(2), 'Float32Array(2)'],
        [new Float32Array(0), 'Float32Array(0)'],
        [[], 'an array of 0'],
        [new Map([['reduction', 'none']]), 'an object (Map)'],
        [new Date(), 'an object (Date)'],
        [new Getters(), 'an object (Getters)'],
        [Object.create({ reduction: 'none' }), 'an object (Object)'],
      ]) {
        expectRejected({ [argument as string]: value }, argument, 'a plain object', `got ${shown}`)
      }
    })
  })
  test('members that there are not', () => {
    expectRejected({ lossweight: 2 }, 'options', 'lossWeight', 'got an unknown one: "lossweight"')
    expectRejected({ gradients: undefined }, 'options', 'got an unknown one: "gradients"')
    expectRejected({ 'out.losses': poisoned(N) }, 'out', 'loss, grad', 'got an unknown one: "losses"')
  })

  describe('options that do not go together', () => {
    test('normalizer without a sum', () => {
      expectRejected({ normalizer: 2 }, 'normalizer', "'none'")
    })
    test.each(['mean', 'sum'])('a gradOutput for each box with reduction %s', (reduction) => {
      expectRejected({ reduction, gradOutput: new Boxes(N) }, 'gradOutput', 'a number', `'${reduction}'`)
    })
    test.each([
      { output: 'loss', option: { reduction: 'sum' }, reason: "reduction: 'none'" },
      { output: 'grad', option: { grad: false }, reason: 'grad: true' },
      { output: 'gradTarget', option: { gradTarget: false }, reason: 'gradTarget: true' },
      { output: 'iou', option: { iou: false }, reason: 'iou: true' },
    ] as const)('out.$output without its option', ({ output, option, reason }) => {
      const array = poisoned(LENGTHS[`out.${output}`])
      expectRejected({ ...option, [`out.${output}`]: array }, `out.${output}`, reason)
      expect(array.every((v) => v === POISON)).toBe(true)
    })
  })

  describe('results over other arrays', () => {
    const outputs = ARRAYS.filter((argument) => argument.startsWith('out.'))
    const couples = outputs.flatMap((a) => ARRAYS.filter((b) => b !== a).map((b) => ({ a, b })))
    test.each(couples)('$a over $b', ({ a, b }) => {
      // Which of two results is to blame is not said.
      const blamed = b.startsWith('out.') ? [a, b] : a
      const isFault = (change: Anything) => expectRejected(change, blamed, 'no other array', 'overlap with', a, b)
      const buffer = poisoned(100)
      const from = (start: number, argument: ArrayArgument) => buffer.subarray(start, start + LENGTHS[argument])
      const last = LENGTHS[a] - 1
      isFault({ [a]: from(20, a), [b]: from(20, b) })
      isFault({ [a]: from(20, a), [b]: from(20 + last, b) })
      isFault({ [a]: from(19 + LENGTHS[b], a), [b]: from(20, b) })
      // Different objects over the same memory are as bad as one.
      isFault({ [a]: new Boxes(buffer.buffer as ArrayBuffer, 0, LENGTHS[a]), [b]: from(0, b) })
      expect(buffer.every((v) => v === POISON)).toBe(true)
    })

    test('next to each other is fine', () => {
      const buffer = poisoned(20 * N)
      const at = (row: number, columns: number) => buffer.subarray(row * N, (row + columns) * N)
      const [pred, target] = [at(0, 4).fill(1), at(8, 4).fill(1)]
      const out: Out = { grad: at(4, 4), gradTarget: at(12, 4), loss: at(16, 1), iou: at(17, 1) }
      boxLoss('sca', pred, target, { backend, reduction: 'none', gradTarget: true, iou: true, out })
      // Points that match: loss, gradients and IoU are 0.
      const expected = [1, 1, 1, 1, 0, 0, 0, 0, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, POISON, POISON]
      expect([...buffer]).toEqual(expected.flatMap((v) => Array(N).fill(v)))
    })
  })

  test('options of another realm or without a prototype are as good as any', () => {
    const { pred, target } = randomPairs(Boxes, 5)
    const expected = boxLoss('sca', pred, target, { backend, reduction: 'sum', alpha: 2 })
    const foreign = runInNewContext(`({ backend: '${backend}', reduction: 'sum', alpha: 2, out: {} })`)
    expect(boxLoss('sca', pred, target, foreign)).toEqual(expected)
    expect(boxLoss('sca', pred, target, Object.assign(Object.create(null), foreign))).toEqual(expected)
  })

  test('arrays of another realm are as good as any', () => {
    const foreign = (values: FloatArray): FloatArray => runInNewContext(`new ${Boxes.name}([${[...values]}])`)
    const { pred, target } = randomPairs(Boxes, 5)
    const expected = boxLoss('sca', pred, target, { backend })
    const result = boxLoss('sca', foreign(pred), foreign(target), { backend, out: { grad: foreign(pred) } })
    expect(foreign(pred)).not.toBeInstanceOf(Boxes)
    expect([result.loss, ...result.grad]).toEqual([expected.loss, ...expected.grad])
  })

  test.each([1, 3, 5, 7])('arrays %d numbers into their buffers are as good as any', (offset) => {
    for (const n of [1, 4, 7, 16, 33, 70]) {
      const { pred, target } = randomPairs(Boxes, n, { seed: n })
      const more = { weight: new Boxes(n).map((_, i) => i / 8), gradOutput: new Boxes(n).map((_, i) => 2 - i) }
      const options = { backend, reduction: 'none', gradTarget: true, iou: true } as const
      const expected = boxLoss('sca', pred, target, { ...options, ...more })

      const buffers: FloatArray[] = []
      /** A copy `offset` numbers into a buffer, with poison before and after. */
      const within = (values: FloatArray): FloatArray => {
        const buffer = poisoned(offset + values.length + 9)
        buffers.push(buffer)
        const view = new Boxes(buffer.buffer as ArrayBuffer, offset * Boxes.BYTES_PER_ELEMENT, values.length)
        view.set(values)
        return view
      }
      const out = { loss: poisoned(n), grad: poisoned(4 * n), gradTarget: poisoned(4 * n), iou: poisoned(n) }
      for (const key of OUTPUTS) out[key] = within(out[key])
      const { weight, gradOutput } = { weight: within(more.weight), gradOutput: within(more.gradOutput) }
      const result = boxLoss('sca', within(pred), within(target), { ...options, weight, gradOutput, out })
      expect(result).toEqual(expected)
      for (const buffer of buffers) {
        const around = [...buffer.slice(0, offset), ...buffer.slice(buffer.length - 9)]
        expect(around.every((v) => v === POISON)).toBe(true)
      }
    }
  })
})

test.each(['0', -1, 0.5, null])('cuda.device(%s): refused for the index, with CUDA or without', (index) => {
  expect(rejection(() => cuda.device(index as number)).argument).toBe('index')
})
