import { prepareDecode, prepareHead } from '../arguments/head-job.js'
import { CODERS, type CoderParams, rawColumns } from '../core/coders.js'
import type { LossName } from '../core/losses.js'
import type { FloatArray, Format, LossOptions } from '../core/types.js'
import { jsHeadLoss } from '../reference/head.js'
import { mulberry32, PLACES, toFormat } from './pairs.js'

// Rows of raw numbers for the gradient checker.

/** How targets lie to the decoded boxes. Boxes that nearly match are left out: in float32, rounding of their corners is
 * a good part of what is left of their differences. */
const KINDS = [PLACES.overlap, PLACES.disjoint, PLACES.nested]

const { fround } = Math

/** Draws raw numbers of the usual size, priors, and targets near the boxes. All are float32 numbers, so both dtypes get
 * the same. */
export function randomHead(coder: CoderParams, boxes: number, seed: number, format: Format) {
  const random = mulberry32(seed)
  const uniform = (low: number, high: number) => low + (high - low) * random()
  // Distances that are 0 or negative would make boxes without area, or inverted ones.
  const least = coder.kind === 'ltrb' && coder.activation !== 'exp' ? 0.2 : -1
  const raw = Float64Array.from({ length: rawColumns(coder) * boxes }, () => fround(uniform(least, 1.5)))
  const columns = CODERS[coder.kind].prior.length
  const prior = new Float64Array(columns * boxes)
  for (let i = 0; i < boxes; ++i) prior.set(randomPrior(coder, uniform).map(fround), columns * i)
  const corners = new Float64Array(4 * boxes)
  jsHeadLoss(prepareDecode(coder, raw, prior, corners, 'js'))
  const target = new Float64Array(4 * boxes)
  for (let i = 0; i < boxes; ++i) {
    const place = KINDS[i % KINDS.length]
    for (const axis of [0, 1]) {
      const placed = place(uniform, corners[4 * i + axis], corners[4 * i + axis + 2])
      for (const k of [0, 1]) target[4 * i + axis + 2 * k] = placed[k]
    }
  }
  return { raw, prior, target: toFormat(target, format).map(fround) }
}

function randomPrior({ kind }: CoderParams, uniform: (low: number, high: number) => number): number[] {
  const [x, y] = [uniform(0, 200), uniform(0, 200)]
  const stride = uniform(8, 16)
  switch (kind) {
    case 'deltas':
      return [x, y, x + uniform(10, 110), y + uniform(10, 110)]
    case 'yolov3':
    case 'yolov5':
      return [x, y, stride, uniform(10, 110), uniform(10, 110)]
    case 'yolox':
    case 'ltrb':
    case 'dfl':
      return [x, y, stride]
    case 'detr':
      return Array.from({ length: 4 }, () => uniform(0.1, 0.9))
  }
}

/** Makes a function for the loss of row `i`: its raw numbers, then its target, in one array. It is computed by the
 * reference. Factors that are constant in the gradient keep the values of the first call. */
export function lossOfRow(
  name: LossName,
  coder: CoderParams,
  options: LossOptions & { format: Format },
  { raw, prior, target }: { raw: FloatArray; prior: FloatArray; target: FloatArray },
) {
  return (i: number) => {
    const row = (array: FloatArray, columns: number) => array.slice(columns * i, columns * (i + 1))
    const columns = rawColumns(coder)
    const [ownRaw, ownTarget] = [row(raw, columns), row(target, 4)]
    const ownPrior = row(prior, CODERS[coder.kind].prior.length)
    const given = { ...options, backend: 'js', reduction: 'sum', grad: false } as const
    const job = prepareHead(name, coder, ownRaw, ownPrior, ownTarget, given)
    const held = { ...job, params: { ...job.params, held: {} } }
    return (numbers: Float64Array) => {
      ownRaw.set(numbers.subarray(0, columns))
      ownTarget.set(numbers.subarray(columns))
      return jsHeadLoss(held).loss
    }
  }
}
