import { afterAll, describe, expect, it } from 'vitest'
import {
  alloc,
  type BoxCoder,
  type BoxLossOptions,
  boxLoss,
  type FloatArray,
  headLoss,
  type LossName,
} from '../../src/index.js'
import { loadNative } from '../../src/native/addon.js'
import { HEADS, type HeadRows, headRows, NAMED } from '../support/heads.js'
import { mulberry32 } from '../support/random.js'
import { bytesOf, DTYPES, FLOATS, perRow } from '../support/wasm.js'

// Every SIMD level and WebAssembly give the bits of the scalar level, for calls of any size.
const native = loadNative()
const widest = native.simd()
afterAll(() => void native.setSimd(widest))

const MEMBERS = ['loss', 'grad', 'gradTarget', 'iou', 'boxes', 'invalid'] as const

function bytes(name: LossName, coder: BoxCoder, { raw, prior, target }: HeadRows, options: object): Buffer {
  const result = headLoss(name, coder, raw, prior, target, options) as unknown as Record<string, FloatArray | number>
  const parts = MEMBERS.flatMap((member) => {
    const value = result[member]
    return value === undefined ? [] : bytesOf(typeof value === 'number' ? new Float64Array([value]) : value)
  })
  return Buffer.concat(parts)
}

/** Random options of the call. */
function optionsFor(n: number, dtype: 'float32' | 'float64', seed: number, hasBins: boolean): BoxLossOptions {
  const random = mulberry32(seed)
  const pick = <T>(values: readonly T[]) => values[Math.floor(values.length * random())]!
  const reduction = pick(['none', 'sum', 'mean'] as const)
  return {
    reduction,
    format: pick(['xyxy', 'xywh', 'cxcywh', 'yxyx']),
    onInvalid: pick(['propagate', 'ignore']),
    weight: pick([undefined, perRow(dtype, n, seed)]),
    gradOutput: pick([reduction === 'none' ? perRow(dtype, n, 2 * seed) : 3, -0.7]),
    lossWeight: pick([1, 0.3, 0]),
    grad: random() < 0.8,
    ...{ gradTarget: random() < 0.5, iou: random() < 0.5, boxes: random() < 0.7 },
    ...(hasBins && { dflWeight: pick([0, 0.25, 1.5]) }),
  } as BoxLossOptions
}

describe.each(NAMED)('$label', ({ coder }) => {
  const hasBins = coder.kind === 'dfl' && coder.params.bins !== 3
  it.each(DTYPES)('%s', (dtype) => {
    const losses: LossName[] = ['sca', 'ciou', 'l1', 'siou']
    // Sizes around packs, the rows that are decoded at a time, tiles, and parts of WebAssembly.
    for (const [i, n] of [1, 3, 15, 17, 127, 129, 1023, 1500, 3100].entries()) {
      const rows = headRows(coder, n, FLOATS[dtype], { seed: i + 1, odd: i % 3 === 0 ? 0.3 : 0.02 })
      for (const name of losses) {
        const options = optionsFor(n, dtype, 10 * i + losses.indexOf(name), hasBins)
        native.setSimd('scalar')
        const expected = bytes(name, coder, rows, { ...options, backend: 'cpu' })
        const levels = native.simdLevels().filter((level) => {
          native.setSimd(level)
          return !bytes(name, coder, rows, { ...options, backend: 'cpu' }).equals(expected)
        })
        const what = `${name}, ${n} rows, ${JSON.stringify({ ...options, weight: 0, gradOutput: 0 })}`
        expect(levels, what).toEqual([])
        expect(bytes(name, coder, rows, { ...options, backend: 'wasm' }).equals(expected), what).toBe(true)
      }
    }
  })

  it('priors of one image, repeated for each of a batch', () => {
    const [images, priors] = [7, 201]
    const rows = headRows(coder, images * priors, Float32Array, { priors })
    const repeated = new Float32Array(images * rows.prior.length)
    for (let image = 0; image < images; ++image)
      repeated.set(rows.prior as Float32Array<ArrayBuffer>, image * rows.prior.length)
    const each = { ...rows, prior: repeated }
    for (const backend of ['cpu', 'wasm', 'js']) {
      expect(bytes('giou', coder, rows, { backend }).equals(bytes('giou', coder, each, { backend }))).toBe(true)
    }
  })

  it('the loss and its bits are those of boxLoss over the decoded boxes', () => {
    const n = 777
    const { raw, prior, target } = headRows(coder, n, Float32Array)
    const options = { backend: 'cpu', reduction: 'none', iou: true, gradTarget: true } as const
    const own = headLoss('diou', coder, raw, prior, target, { ...options, boxes: true })
    expect(coder.decode(raw, prior, { backend: 'cpu' })).toEqual(own.boxes)
    const expected = boxLoss('diou', own.boxes, target, options)
    for (const member of ['loss', 'iou', 'gradTarget'] as const) expect(own[member]).toEqual(expected[member])
  })

  it('arrays in the memory of the module are computed in place', () => {
    const n = 1200
    const rows = headRows(coder, n, Float32Array)
    const inside = (array: FloatArray) => {
      const own = alloc(array.length, 'float32', { columns: 1, backend: 'wasm' })
      own.set(array as Float32Array<ArrayBuffer>)
      return own
    }
    const own = { raw: inside(rows.raw), prior: inside(rows.prior), target: inside(rows.target) }
    const grad = inside(rows.raw)
    const expected = headLoss('ciou', coder, rows.raw, rows.prior, rows.target, { backend: 'cpu' })
    const { loss } = headLoss('ciou', coder, own.raw, own.prior, own.target, {
      backend: 'wasm',
      out: { grad: grad as never },
    })
    expect(loss).toBe(expected.loss)
    expect(bytesOf(grad).equals(bytesOf(expected.grad as FloatArray))).toBe(true)
  })
})

it('threads change no bit', () => {
  const n = 60_000
  for (const { coder } of [NAMED[0]!, NAMED[HEADS.findIndex(([kind]) => kind === 'dfl')]!]) {
    const rows = headRows(coder, n, Float32Array, { odd: 0.01 })
    const once = bytes('giou', coder, rows, { backend: 'cpu', threads: 1 })
    expect(bytes('giou', coder, rows, { backend: 'cpu', threads: 2 }).equals(once)).toBe(true)
  }
})
