import { describe, expect, it } from 'vitest'
import { LOSS_NAMES, LOSSES } from '../../src/core/losses.js'
import { type BackendName, type BoxCoder, type FloatArray, headLoss, type LossName } from '../../src/index.js'
import { headRows, NAMED } from '../support/heads.js'
import { DTYPES, FLOATS, perRow } from '../support/wasm.js'

// What must hold of every coder on every backend, whatever its formula is.
const BACKENDS: BackendName[] = ['cpu', 'wasm', 'js']
const NAMES = LOSS_NAMES.filter((name) => LOSSES[name].axes === 2)
const IMAGE = { imageWidth: 640, imageHeight: 480 }
const optionsOf = (name: LossName) => (name === 'mpdiou' ? IMAGE : {})
/** `headLoss` for names and options that are not known to the compiler. */
const run = (
  name: LossName,
  coder: BoxCoder,
  raw: FloatArray,
  prior: FloatArray | undefined,
  target: FloatArray,
  options: object,
) =>
  headLoss(name, coder, raw, prior, target, { ...optionsOf(name), ...options } as never) as unknown as {
    loss: number
    grad: FloatArray
    boxes: FloatArray
    invalid: number
  }
const isExponential = ({ kind, params }: BoxCoder) =>
  ['yolov3', 'yolox'].includes(kind) ||
  (kind === 'deltas' && params.maxLogSize === Infinity) ||
  (kind === 'ltrb' && params.activation === 'exp')

describe.each(NAMED)('$label', ({ coder }) => {
  it.each(DTYPES)('%s: the addon agrees with the reference, on odd rows too', (dtype) => {
    const rows = headRows(coder, 400, FLOATS[dtype], { seed: 8, odd: 0.3 })
    for (const onInvalid of ['propagate', 'ignore']) {
      const weight = perRow(dtype, 400, 2)
      const results = (['cpu', 'js'] as const).map((backend) =>
        run('giou', coder, rows.raw, rows.prior, rows.target, {
          backend,
          onInvalid,
          weight,
          boxes: true,
          reduction: 'none',
        }),
      )
      const [actual, expected] = results as [(typeof results)[0], (typeof results)[0]]
      expect(actual.invalid).toBe(expected.invalid)
      for (const member of ['loss', 'boxes', 'grad'] as const) {
        const [a, b] = [actual[member] as never as FloatArray, expected[member] as never as FloatArray]
        const scale = member === 'boxes' ? 1e3 : 1
        a.forEach((x, i) => {
          const same = Number.isNaN(x)
            ? Number.isNaN(b[i])
            : Math.abs(x - b[i]!) <= (dtype === 'float32' ? 2e-3 : 1e-9) * Math.max(scale, Math.abs(b[i]!))
          if (!same) expect([member, i, x]).toEqual([member, i, b[i]])
        })
      }
    }
  })

  it.each(BACKENDS)('%s: nothing is NaN or infinite from finite raw numbers', (backend) => {
    for (const Float of [Float32Array, Float64Array]) {
      const largest = Float === Float32Array ? 3.4e38 : 1.7e308
      const values = [largest, -largest, 1e30, -1e30, 1e4, -1e4, 90, -90, 60, -60, 0]
      const n = values.length ** 2
      const { raw, prior, target } = headRows(coder, n, Float)
      for (let i = 0; i < n; ++i) {
        for (let k = 0; k < coder.columns; ++k) {
          raw[coder.columns * i + k] =
            values[(k % 2 ? i : Math.floor(i / values.length)) % values.length]! * (k % 3 ? 1 : -1)
        }
      }
      for (const name of NAMES) {
        const { loss, grad, boxes } = run(name, coder, raw, prior, target, {
          backend,
          boxes: true,
          reduction: 'sum',
          ...(coder.kind === 'dfl' && coder.params.bins !== 3 && { dflWeight: 1 }),
        })
        expect(Number.isFinite(loss), name).toBe(true)
        expect(grad.every(Number.isFinite), name).toBe(true)
        expect(boxes.every(Number.isFinite), name).toBe(true)
      }
    }
  })

  it.each(BACKENDS)('%s: raw numbers that are not finite follow onInvalid', (backend) => {
    for (const value of [Number.NaN, Infinity, -Infinity]) {
      const { raw, prior, target } = headRows(coder, 3, Float32Array)
      raw[coder.columns] = value
      const call = (onInvalid: string) =>
        run('ciou', coder, raw, prior, target, { backend, onInvalid, reduction: 'none' })
      const row = (array: FloatArray, columns: number) => [...array.subarray(columns, 2 * columns)]
      const propagated = call('propagate')
      expect([propagated.invalid, ...row(propagated.loss as never as FloatArray, 1)]).toEqual([1, Number.NaN])
      expect(row(propagated.grad, coder.columns).some(Number.isNaN)).toBe(true)
      const ignored = call('ignore')
      expect([ignored.invalid, ...row(ignored.loss as never as FloatArray, 1)]).toEqual([1, 0])
      expect(row(ignored.grad, coder.columns).every((g) => g === 0)).toBe(true)
      expect(() => call('throw')).toThrow('raw: row 1 is not finite')
    }
  })
})

describe.each(NAMED.filter(({ coder }) => isExponential(coder)))('$label', ({ coder }) => {
  it('a row that leaves the range is invalid, and its gradient leads back', () => {
    const { raw, prior, target } = headRows(coder, 1, Float32Array)
    for (const backend of BACKENDS) {
      for (const value of [150, 3e38, -150, -3e38]) {
        const own = raw.slice()
        own[2] = value
        for (const name of NAMES) {
          const { grad, invalid } = run(name, coder, own, prior, target, { backend })
          expect([invalid, grad[2]], name).toEqual([1, Math.sign(value)])
        }
        const ignored = run('giou', coder, own, prior, target, { backend, onInvalid: 'ignore' })
        expect([ignored.invalid, ignored.loss, ...ignored.grad].map(Math.abs)).toEqual([1, 0, ...own.map(() => 0)])
        const weightless = run('giou', coder, own, prior, target, { backend, weight: new Float32Array(1) })
        expect([weightless.invalid, weightless.loss, ...weightless.grad].map(Math.abs)).toEqual([
          1,
          0,
          ...own.map(() => 0),
        ])
        expect(() => run('giou', coder, own, prior, target, { backend, onInvalid: 'throw' })).toThrow(
          'raw: row 0 leads out of the range of boxes',
        )
      }
    }
  })
})

describe.each(NAMED.filter(({ coder }) => coder.kind !== 'dfl'))('$label', ({ coder }) => {
  it('encode is the inverse of decode', () => {
    const { raw, prior } = headRows(coder, 200, Float64Array, { size: 0.9 })
    const once = coder.decode(raw, prior)
    const again = coder.decode(coder.encode(once, prior), prior)
    again.forEach((edge, i) => {
      expect(Math.abs(edge - once[i]!)).toBeLessThan(1e-9 * Math.max(1, Math.abs(once[i]!)))
    })
  })
})

describe.each(NAMED.filter(({ coder }) => coder.kind === 'dfl'))('$label', ({ coder }) => {
  it('the gradients over the bins of a side sum to 0', () => {
    const { raw, prior, target } = headRows(coder, 50, Float64Array)
    const { grad } = run('ciou', coder, raw, prior, target, coder.params.bins === 3 ? {} : { dflWeight: 0.7 })
    const { bins } = coder.params
    for (let side = 0; side < grad.length; side += bins) {
      const logits = [...grad.subarray(side, side + bins)]
      const sum = logits.reduce((a, b) => a + b)
      expect(Math.abs(sum)).toBeLessThan(1e-14 * Math.max(...logits.map(Math.abs)) * bins + 1e-18)
    }
  })
})

describe.each(NAMED.filter(({ coder }) => coder.kind !== 'detr'))('$label', ({ coder }) => {
  it('moving priors and targets moves the boxes, and changes no gradient', () => {
    const { raw, prior, target } = headRows(coder, 60, Float64Array)
    const moved = { prior: prior.slice(), target: target.map((x) => x + 256) }
    const places = coder.kind === 'deltas' ? 4 : 2
    for (let i = 0; i < prior.length; ++i) if (i % coder.priorColumns < places) moved.prior[i]! += 256
    const [a, b] = [
      run('diou', coder, raw, prior, target, { boxes: true }),
      run('diou', coder, raw, moved.prior, moved.target, { boxes: true }),
    ]
    a.boxes.forEach((x, i) => void expect(Math.abs(b.boxes[i]! - x - 256)).toBeLessThan(1e-10))
    const largest = Math.max(...a.grad.map(Math.abs))
    a.grad.forEach((g, i) => void expect(Math.abs(b.grad[i]! - g)).toBeLessThan(1e-9 * largest))
  })
})
