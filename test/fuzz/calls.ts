import fc from 'fast-check'
import { LOSS_NAMES, LOSSES } from '../../src/core/losses.js'
import {
  type BackendName,
  boxLoss,
  boxLossAsync,
  createPlan,
  type FloatArray,
  type Plan,
  pairwise,
  ScaLossError,
} from '../../src/index.js'
import { mulberry32 } from '../support/random.js'

// Calls that a program may make by mistake or with malice: arrays of every kind and length that share memory or are
// taken away, options of every kind, and getters with side effects. A call is built anew from one description for the
// CPU, for WebAssembly and for JavaScript. All must give the same result or fail with the same error, and nothing else
// may change.

const CANARY = 12345678
const GUARD = 8

/** What stands in place of an array. */
const ARRAY_KINDS = [
  ...['good', 'good', 'good', 'good', 'good', 'good', 'good', 'good', 'good', 'good', 'good', 'good'],
  ...['short', 'long', 'other dtype', 'shared', 'shared', 'shared', 'growable', 'resizable', 'detached', 'pred'],
  ...['overlapping', 'integers', 'a list'],
] as const
type ArrayKind = (typeof ARRAY_KINDS)[number]

const array = fc.record({ kind: fc.constantFrom<ArrayKind>(...ARRAY_KINDS), offset: fc.nat(5), seed: fc.nat(1000) })
type ArraySpec = { kind: ArrayKind; offset: number; seed: number }

const anything = fc.constantFrom<unknown>(
  null,
  0,
  -1,
  1.5,
  Number.NaN,
  1e39,
  '',
  'x',
  true,
  [],
  {},
  Symbol.iterator,
  7n,
  () => 1,
)
/** Mostly as it should be. */
const mostly = <T>(good: fc.Arbitrary<T>): fc.Arbitrary<unknown> =>
  fc.oneof({ weight: 12, arbitrary: good }, { weight: 1, arbitrary: anything })
const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined, freq: 2 })

const options = fc.record(
  {
    format: mostly(fc.constantFrom('xyxy', 'xywh', 'cxcywh', 'yxyx')),
    reduction: mostly(fc.constantFrom('none', 'none', 'sum', 'mean')),
    normalizer: mostly(fc.constantFrom(1, 0, -2, 17.5)),
    lossWeight: mostly(fc.constantFrom(1, 0, -2, 0.5)),
    grad: mostly(fc.boolean()),
    gradTarget: mostly(fc.boolean()),
    iou: mostly(fc.boolean()),
    onInvalid: mostly(fc.constantFrom('propagate', 'ignore', 'throw')),
    alpha: mostly(fc.constantFrom(0.5, 0, 2)),
    threads: mostly(fc.integer({ min: 1, max: 4 })),
    unknown: fc.constant(1),
  },
  { requiredKeys: [] },
)

/** What a getter does when it is read. */
const ACTIONS = [
  'nothing',
  'nothing',
  'nothing',
  'detaches pred',
  'detaches target',
  'detaches grad',
  'throws',
] as const

export const calls = fc.record({
  name: mostly(fc.constantFrom(...LOSS_NAMES)),
  call: fc.constantFrom('boxLoss', 'boxLoss', 'boxLossAsync', 'pairwise', 'plan'),
  wide: fc.boolean(),
  boxes: fc.oneof(fc.nat(40), fc.constantFrom(1023, 1025)),
  pred: array,
  target: array,
  weight: maybe(array),
  gradOutput: maybe(fc.oneof(array, fc.constant(2), anything)),
  out: maybe(fc.record({ loss: array, grad: array, gradTarget: array, iou: array }, { requiredKeys: [] })),
  options,
  action: fc.constantFrom(...ACTIONS),
})
type CallSpec = typeof calls extends fc.Arbitrary<infer T> ? T : never

/** Numbers of boxes of some size, x2 > x1, in every format. */
function fill(array: FloatArray, columns: number, seed: number): void {
  const random = mulberry32(seed)
  for (let i = 0; i < array.length; i++) array[i] = i % columns < columns / 2 ? 10 * random() : 11 + 10 * random()
}

/** TypeScript's library for Node 20 does not know it yet. */
type ResizableBuffer = new (bytes: number, options: { maxByteLength: number }) => ArrayBuffer

/** A call as described, with arrays of its own. */
class Built {
  readonly guards: { whole: FloatArray; start: number; length: number }[] = []
  readonly inputs: { array: FloatArray; before: FloatArray }[] = []
  readonly arrays: Record<string, unknown> = {}
  readonly #Float

  constructor(wide: boolean) {
    this.#Float = wide ? Float64Array : Float32Array
  }

  /** Makes what stands for an argument. */
  array(
    argument: string,
    { kind, offset, seed }: ArraySpec,
    length: number,
    columns: number,
    isInput: boolean,
  ): unknown {
    const Float = this.#Float
    const bytes = Float.BYTES_PER_ELEMENT
    if (kind === 'integers') return new Int32Array(length)
    if (kind === 'a list') return Array.from({ length }, () => 1)
    if (kind === 'resizable' || kind === 'growable') {
      const Buffer = (kind === 'growable' ? SharedArrayBuffer : ArrayBuffer) as unknown as ResizableBuffer
      return new Float(new Buffer(bytes * length, { maxByteLength: bytes * length + 64 }))
    }
    if (kind === 'pred' && this.arrays.pred) return this.arrays.pred
    const { pred } = this.arrays
    if (kind === 'overlapping' && pred instanceof Float && pred.length > 0 && pred.length >= length + offset)
      return pred.subarray(offset, offset + length)
    const actual = kind === 'short' ? Math.max(0, length - 1 - offset) : kind === 'long' ? length + 1 + offset : length
    const Own = kind === 'other dtype' ? (Float === Float32Array ? Float64Array : Float32Array) : Float
    const size = Own.BYTES_PER_ELEMENT
    const memory = new (kind === 'shared' ? SharedArrayBuffer : ArrayBuffer)(size * (actual + 2 * GUARD + offset))
    const whole: FloatArray = new Own(memory as ArrayBuffer).fill(CANARY)
    const array = new Own(memory as ArrayBuffer, size * (GUARD + offset), actual)
    fill(array, columns, seed)
    this.arrays[argument] = array
    if (kind === 'detached') {
      structuredClone(array, { transfer: [array.buffer] })
      return array
    }
    this.guards.push({ whole, start: GUARD + offset, length: actual })
    if (isInput) this.inputs.push({ array, before: array.slice() })
    return array
  }

  detach(argument: string): void {
    const array = this.arrays[argument]
    if (array instanceof this.#Float && array.length > 0 && array.buffer instanceof ArrayBuffer)
      structuredClone(array, { transfer: [array.buffer as ArrayBuffer] })
  }

  /** Throws where memory changed that is none of the call's results. */
  check(): void {
    for (const { whole, start, length } of this.guards.filter(({ whole }) => whole.length > 0))
      whole.forEach((value, i) => {
        if ((i < start || i >= start + length) && value !== CANARY)
          throw new Error(`a number beyond an array became ${value}`)
      })
    for (const { array, before } of this.inputs)
      if (array.length > 0 && array.some((value, i) => value !== before[i])) throw new Error('an input was written to')
  }
}

const FROM_GETTER = new Error('from a getter')

type Outcome = { error: unknown } | { results: Record<string, number[]> }

async function run(spec: CallSpec, backend: BackendName): Promise<{ outcome: Outcome; built: Built }> {
  const built = new Built(spec.wide)
  const columns = LOSS_NAMES.includes(spec.name as never) ? 2 * LOSSES[spec.name as 'sca'].axes : 4
  const { boxes: n } = spec
  const make = (argument: string, array: ArraySpec, length: number, isInput: boolean) =>
    built.array(argument, array, length, length === n ? 1 : columns, isInput)
  const pred = make('pred', spec.pred, columns * n, true)
  const target = make('target', spec.target, columns * n, true)
  const isArray = (value: unknown): value is ArraySpec => typeof value === 'object' && value !== null && 'kind' in value
  const all: Record<string, unknown> = { ...spec.options, backend }
  if (spec.weight) all.weight = make('weight', spec.weight, n, true)
  if (spec.gradOutput !== undefined)
    all.gradOutput = isArray(spec.gradOutput) ? make('gradOutput', spec.gradOutput, n, true) : spec.gradOutput
  if (spec.out)
    all.out = Object.fromEntries(
      Object.entries(spec.out).map(([member, array]) => [
        member,
        make(`out.${member}`, array, member.startsWith('grad') ? columns * n : n, false),
      ]),
    )
  const { action } = spec
  if (action !== 'nothing')
    Object.defineProperty(all, 'lossWeight', {
      enumerable: true,
      get: () => {
        if (action === 'throws') throw FROM_GETTER
        built.detach(action === 'detaches grad' ? 'out.grad' : action.slice('detaches '.length))
        return 1
      },
    })
  try {
    const result = await callOf(spec, pred, target, all)
    const results: Record<string, number[]> = {}
    for (const member of ['loss', 'grad', 'gradTarget', 'iou', 'invalid'] as const) {
      const value = result[member]
      if (typeof value === 'number') results[member] = [value]
      else if (value) results[member] = Array.from(value as FloatArray)
    }
    return { outcome: { results }, built }
  } catch (error) {
    return { outcome: { error }, built }
  }
}

type AnyCall = (...args: unknown[]) => Record<string, unknown>

async function callOf(spec: CallSpec, pred: unknown, target: unknown, all: object): Promise<Record<string, unknown>> {
  const args = [spec.name, pred, target, all]
  switch (spec.call) {
    case 'boxLoss':
      return (boxLoss as unknown as AnyCall)(...args)
    case 'boxLossAsync':
      return (boxLossAsync as unknown as AnyCall)(...args)
    case 'pairwise':
      return { loss: (pairwise as unknown as AnyCall)(...args) }
    default: {
      const make = createPlan as unknown as (name: unknown, options: object) => Plan
      const [preds, targets] = [pred, target].map((array) =>
        (array as number[]).length > 0 ? Array.from(array as number[]) : [],
      )
      const plan = make(spec.name, { ...all, boxes: spec.boxes })
      if (plan.pred.length === preds.length) plan.pred.set(preds)
      if (plan.target.length === targets.length) plan.target.set(targets)
      return plan.run() as object as Record<string, unknown>
    }
  }
}

/** Throws where the backends differ, or an error is none of the package's. WebAssembly must give the CPU's bits. */
export async function agree(spec: CallSpec): Promise<void> {
  const [cpu, wasm, js] = [await run(spec, 'cpu'), await run(spec, 'wasm'), await run(spec, 'js')]
  for (const { built, outcome } of [cpu, wasm, js]) {
    built.check()
    if ('error' in outcome && !(outcome.error instanceof ScaLossError) && outcome.error !== FROM_GETTER)
      throw outcome.error
  }
  compare(cpu.outcome, js.outcome, ['cpu', 'js'], 1e-4)
  compare(wasm.outcome, cpu.outcome, ['wasm', 'cpu'], 0)
}

function compare(a: Outcome, b: Outcome, [first, second]: [string, string], tolerance: number): void {
  if ('error' in a || 'error' in b) {
    const message = (outcome: Outcome) => ('error' in outcome ? (outcome.error as Error).message : 'a result')
    if (message(a) !== message(b)) throw new Error(`${first} gives ${message(a)}, ${second} ${message(b)}`)
    return
  }
  for (const [member, expected] of Object.entries(b.results)) {
    const actual = a.results[member] ?? []
    const size = expected.reduce((most, x) => Math.max(most, Math.abs(x)), member.startsWith('grad') ? 0 : 1)
    const isFar = (x: number, i: number) =>
      !Object.is(x, actual[i]) && (tolerance === 0 || !(Math.abs(x - actual[i]) <= tolerance * size))
    const far = expected.findIndex(isFar)
    if (far >= 0 || actual.length !== expected.length)
      throw new Error(
        `${member}[${far}]: ${first} gives ${actual[far]}, ${second} ${expected[far]}, of ${expected.length}`,
      )
  }
}
