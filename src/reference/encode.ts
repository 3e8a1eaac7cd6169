import { CODERS, type CoderParams } from '../core/coders.js'

// The inverse of decoding: the raw numbers that stand for a box. Losses on raw numbers take them as targets.

const logit = (x: number) => Math.log(x / (1 - x))
/** The logit of x kept between 0 and 1, which gives ±Infinity at the ends. */
const boundedLogit = (x: number) => logit(Math.min(1, Math.max(0, x)))
/** The logarithm of x kept at 0, which gives −Infinity there. */
const boundedLog = (x: number) => Math.log(Math.max(0, x))

/** Writes the raw numbers of one box to four numbers of `out`. `prior` is empty where there is none. */
export function encodeBox(
  coder: CoderParams,
  box: readonly number[],
  prior: readonly number[],
  out: Record<number, number>,
  first: number,
): void {
  const distances = coder.kind === 'ltrb'
  for (let axis = 0; axis < 2; ++axis) {
    const [low, high] = [box[axis], box[2 + axis]]
    const [centre, size] = [(low + high) / 2, high - low]
    const [a, b] = distances ? [prior[axis] - low, high - prior[axis]] : [centre, size]
    const at = coder.kind === 'deltas' && coder.order === 'yxhw' ? 1 - axis : axis
    const [x, y] = encodeAxis(coder, axis, a, b, prior)
    out[first + at] = x
    out[first + 2 + at] = y
  }
}

function encodeAxis(coder: CoderParams, axis: number, a: number, b: number, prior: readonly number[]): number[] {
  const stride = prior[2]
  switch (coder.kind) {
    case 'deltas': {
      const extent = prior[2 + axis] - prior[axis]
      const centre = (prior[axis] + prior[2 + axis]) / 2
      const i = coder.order === 'yxhw' ? 1 - axis : axis
      const delta = (value: number, k: number) => (value - coder.means[k]) / coder.stds[k]
      return [delta((a - centre) / extent, i), delta(boundedLog(b / extent), 2 + i)]
    }
    case 'yolov3': {
      const s = coder.scaleXY
      return [boundedLogit(((a - prior[axis]) / stride + (s - 1) / 2) / s), boundedLog(b / prior[3 + axis])]
    }
    case 'yolov5':
      return [
        boundedLogit(((a - prior[axis]) / stride + 0.5) / 2),
        boundedLogit(Math.sqrt(Math.max(0, b) / prior[3 + axis]) / 2),
      ]
    case 'yolox':
      return [(a - prior[axis]) / stride, boundedLog(b / stride)]
    case 'ltrb': {
      const of = (distance: number) =>
        coder.activation === 'exp'
          ? boundedLog(distance / stride)
          : coder.activation === 'relu'
            ? Math.max(0, distance / stride)
            : distance / stride
      return [of(a), of(b)]
    }
    case 'detr': {
      const image = axis === 0 ? coder.imageWidth : coder.imageHeight
      const from = (k: number) => {
        if (prior.length === 0) return 0
        const inside = Math.min(1, Math.max(0, prior[k]))
        return Math.log(Math.max(inside, coder.eps) / Math.max(1 - inside, coder.eps))
      }
      return [boundedLogit(a / image) - from(axis), boundedLogit(b / image) - from(2 + axis)]
    }
    case 'dfl':
      return []
  }
}

/** Encodes [N, 4] boxes. */
export function encodeBoxes(
  coder: CoderParams,
  boxes: ArrayLike<number>,
  prior: ArrayLike<number> | undefined,
  out: Record<number, number>,
): void {
  const columns = prior ? CODERS[coder.kind].prior.length : 0
  const priors = prior ? prior.length / columns : 1
  const numbers = (array: ArrayLike<number>, first: number, count: number) =>
    Array.from({ length: count }, (_, k) => array[first + k])
  for (let i = 0; i < boxes.length / 4; ++i) {
    const own = prior ? numbers(prior, columns * (i % priors), columns) : []
    encodeBox(coder, numbers(boxes, 4 * i, 4), own, out, 4 * i)
  }
}
