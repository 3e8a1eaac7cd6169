import { type BoxCoder, boxCoder, type CoderKind, type CoderOptions, type FloatArray } from '../../src/index.js'
import { mulberry32 } from './random.js'

// Coders with various options, and rows for them.

/** A coder for each code path. */
export const HEADS: [CoderKind, CoderOptions][] = [
  ['deltas', {}],
  ['deltas', { stds: [0.1, 0.1, 0.2, 0.2], means: [0.05, 0, -0.1, 0.25], minLogSize: -2, maxLogSize: 1.5 }],
  ['deltas', { order: 'yxhw', stds: [0.5, 0.25, 1, 2], maxLogSize: Infinity }],
  ['yolov3', {}],
  ['yolov3', { scaleXY: 1.2 }],
  ['yolov5', {}],
  ['yolox', {}],
  ['ltrb', { activation: 'exp' }],
  ['ltrb', { activation: 'relu' }],
  ['ltrb', { activation: 'linear' }],
  ['dfl', {}],
  ['dfl', { bins: 3, project: [-1, 0.5, 9] }],
  ['dfl', { bins: 33 }],
  ['detr', {}],
  ['detr', { imageWidth: 640, imageHeight: 427, eps: 1e-3 }],
]
export const NAMED = HEADS.map(([kind, options]) => {
  const coder = boxCoder(kind, options)
  return { label: `${kind} ${JSON.stringify(options)}`, coder }
})

export interface HeadRows {
  raw: FloatArray
  prior: FloatArray
  target: FloatArray
}

/** Draws rows: raw numbers of the usual size, and a share of `odd` rows with numbers that saturate, overflow or are not
 * finite, and inverted targets. */
export function headRows(
  coder: BoxCoder,
  n: number,
  Float: typeof Float32Array | typeof Float64Array,
  { seed = 1, odd = 0, priors = n, size = 2 } = {},
): HeadRows {
  const random = mulberry32(seed)
  const between = (low: number, high: number) => low + (high - low) * random()
  const { columns, priorColumns, kind } = coder
  // Distances that are negative would make inverted boxes.
  const low = coder.params.activation === 'linear' ? 0.1 : -1
  const raw: FloatArray = new Float(columns * n).map(() => size * between(low, 1))
  const prior: FloatArray = new Float(priorColumns * priors)
  const target: FloatArray = new Float(4 * n)
  const unit = kind === 'detr' && coder.params.imageWidth === 1
  for (let i = 0; i < priors; ++i) {
    const [x, y] = [between(0, 500), between(0, 500)]
    const stride = 2 ** Math.floor(between(3, 6))
    const numbers = {
      deltas: [x, y, x + between(10, 90), y + between(10, 90)],
      yolov3: [x, y, stride, between(10, 90), between(10, 90)],
      yolov5: [x, y, stride, between(10, 90), between(10, 90)],
      yolox: [x, y, stride],
      ltrb: [x, y, stride],
      dfl: [x, y, stride],
      detr: [random(), random(), random(), between(0, 1.1)],
    }[kind]
    prior.set(numbers, priorColumns * i)
  }
  for (let i = 0; i < n; ++i) {
    const scale = unit ? 1 / 600 : 1
    const [x, y] = [between(0, 500), between(0, 500)]
    target.set(
      [x, y, x + between(5, 120), y + between(5, 120)].map((edge) => edge * scale),
      4 * i,
    )
    if (random() >= odd) continue
    const strange = [Number.NaN, Infinity, -Infinity, 3e38, -3e38, 200, -200, 1e4, 0]
    const k = Math.floor(between(0, columns))
    raw[columns * i + k] = strange[Math.floor(between(0, strange.length))]!
    if (random() < 0.2) target[4 * i] = pickOf([Number.NaN, -Infinity], random)
  }
  return { raw, prior, target }
}

const pickOf = (values: readonly number[], random: () => number) => values[Math.floor(values.length * random())]!
