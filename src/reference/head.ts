import { type Corners, isValidBox, readCorners } from '../core/boxes.js'
import { CODERS, type CoderParams, rawColumns } from '../core/coders.js'
import type { HeadJob } from '../core/head-job.js'
import { type BoxLossJob, NOTHING, type Summary } from '../core/job.js'
import { LOSSES } from '../core/losses.js'
import { encodeGradient, jsBoxLoss } from './run.js'

// The reference of calls with a coder: each number of a box as a plain function of raw numbers in float64, with its
// slope.

/** A number of a box and its slope for the raw number that it depends on. */
interface Mapped {
  value: number
  slope: number
  /** 1 where the raw number is so large that the value left the range, −1 where it is too small, else 0. */
  beyond: number
}

/** Sizes are at least `least`, and all numbers at most `most`. */
const rangeOf = (isFloat32: boolean) =>
  isFloat32 ? { least: 2 ** -60, most: 2 ** 60 } : { least: 2 ** -500, most: 2 ** 500 }
type Limits = ReturnType<typeof rangeOf>

function within(value: number, slope: number, least: number, most: number): Mapped {
  if (value > most) return { value: most, slope, beyond: 1 }
  if (value < least) return { value: least, slope, beyond: -1 }
  return { value, slope, beyond: 0 }
}
const coordinate = (value: number, slope: number, { most }: Limits) => within(value, slope, -most, most)
const size = (value: number, slope: number, { least, most }: Limits) => within(value, slope, least, most)
const exponential = (t: number, scale: number, limits: Limits) => {
  const value = scale * Math.exp(t)
  return size(value, value, limits)
}

const sigmoid = (t: number) => 1 / (1 + Math.exp(-t))
const sigmoidSlope = (t: number) => sigmoid(t) * sigmoid(-t)

/** The logit of a reference, which is kept away from 0 and 1 (RT-DETR, inverse_sigmoid). */
function logit(x: number, eps: number): number {
  const inside = Math.min(1, Math.max(0, x))
  return Math.log(Math.max(inside, eps) / Math.max(1 - inside, eps))
}

/** A row of raw numbers, decoded. */
interface Decoded {
  /** The numbers of the box, in the order of the raw numbers. */
  numbers: Mapped[]
  /** Whether they are distances from a point, rather than centres and sizes. */
  distances: boolean
}

/** The positions of the raw numbers for centre x, centre y, width and height, or left, top, right and bottom. */
const positions = ({ order }: CoderParams) => (order === 'yxhw' ? [1, 0, 3, 2] : [0, 1, 2, 3])

function decode(coder: CoderParams, raw: readonly number[], prior: readonly number[], limits: Limits): Decoded {
  const numbers: Mapped[] = []
  const at = positions(coder)
  for (const [k, i] of at.entries()) {
    const t = raw[i]
    const axis = k % 2
    const isFirst = k < 2
    const stride = prior[2]
    switch (coder.kind) {
      case 'deltas': {
        const extent = prior[2 + axis] - prior[axis]
        const delta = t * coder.stds[i] + coder.means[i]
        if (isFirst) {
          numbers[i] = coordinate(prior[axis] + extent / 2 + delta * extent, coder.stds[i] * extent, limits)
        } else {
          const clamped = Math.min(coder.maxLogSize, Math.max(coder.minLogSize, delta))
          const mapped = exponential(clamped, extent, limits)
          numbers[i] = { ...mapped, slope: clamped === delta ? mapped.slope * coder.stds[i] : 0 }
        }
        break
      }
      case 'yolov3': {
        const s = coder.scaleXY
        numbers[i] = isFirst
          ? coordinate(prior[axis] + stride * (s * sigmoid(t) - (s - 1) / 2), stride * s * sigmoidSlope(t), limits)
          : exponential(t, prior[3 + axis], limits)
        break
      }
      case 'yolov5': {
        const anchor = prior[3 + axis]
        numbers[i] = isFirst
          ? coordinate(prior[axis] + stride * (2 * sigmoid(t) - 0.5), 2 * stride * sigmoidSlope(t), limits)
          : size(anchor * (2 * sigmoid(t)) ** 2, 8 * anchor * sigmoid(t) * sigmoidSlope(t), limits)
        break
      }
      case 'yolox':
        numbers[i] = isFirst ? coordinate(prior[axis] + stride * t, stride, limits) : exponential(t, stride, limits)
        break
      case 'ltrb':
        numbers[i] = {
          exp: () => exponential(t, stride, limits),
          relu: () => coordinate(stride * Math.max(0, t), t > 0 ? stride : 0, limits),
          linear: () => coordinate(stride * t, stride, limits),
        }[coder.activation]()
        break
      case 'detr': {
        const image = axis === 0 ? coder.imageWidth : coder.imageHeight
        const x = prior.length > 0 ? t + logit(prior[k], coder.eps) : t
        const number = isFirst ? coordinate : size
        numbers[i] = number(image * sigmoid(x), image * sigmoidSlope(x), limits)
        break
      }
      case 'dfl':
        break
    }
  }
  return { numbers, distances: coder.kind === 'ltrb' }
}

/** The distribution over the bins of one side. */
interface Side {
  probabilities: number[]
  distance: number
  /** The cross entropy of the two bins around the target's distance, and its slopes for the logits. */
  crossEntropy: number
  slopes: number[]
}

function evaluateSide(
  { project, targetClamp }: CoderParams,
  logits: readonly number[],
  targetDistance: number,
  { most }: Limits,
): Side {
  const largest = Math.max(...logits)
  const exps = logits.map((z) => Math.exp(z - largest))
  const sum = exps.reduce((a, b) => a + b)
  const probabilities = exps.map((e) => e / sum)
  const distance = probabilities.reduce((d, p, bin) => d + p * project[bin], 0)
  const y = Math.min(targetClamp, Math.max(0, targetDistance))
  const left = Math.floor(y)
  const weightOf = (bin: number) => (bin === left ? left + 1 - y : bin === left + 1 ? y - left : 0)
  const crossEntropy = logits.reduce((loss, z, bin) => {
    const weight = weightOf(bin)
    return weight === 0 ? loss : loss + weight * (Math.log(sum) - Math.max(-most, z - largest))
  }, 0)
  return { probabilities, distance, crossEntropy, slopes: probabilities.map((p, bin) => p - weightOf(bin)) }
}

function cornersOf({ numbers, distances }: Decoded, coder: CoderParams, prior: readonly number[]): Corners {
  const [a, b, c, d] = positions(coder).map((i) => numbers[i].value)
  return distances
    ? [prior[0] - a, prior[1] - b, prior[0] + c, prior[1] + d]
    : [a - c / 2, b - d / 2, a + c / 2, b + d / 2]
}

/** Computes a job row by row. */
export function jsHeadLoss(job: HeadJob): Summary {
  const { coder, raw, prior, rows, target } = job
  const columns = rawColumns(coder)
  const priorColumns = CODERS[coder.kind].prior.length
  const limits = rangeOf(raw.BYTES_PER_ELEMENT === 4)
  const pred = new Float64Array(4 * rows)
  const targets = new Float64Array(4 * rows)
  const decoded: (Decoded & { sides: Side[]; finite: boolean; saturated: boolean })[] = []
  for (let i = 0; i < rows; ++i) {
    const numbers = [...raw.subarray(columns * i, columns * (i + 1))]
    const at = prior ? priorColumns * (i % (prior.length / priorColumns)) : 0
    const own = prior ? [...prior.subarray(at, at + priorColumns)] : []
    const corners = target ? readCorners(target, i, job.format, 2) : [0, 0, 0, 0]
    targets.set(corners, 4 * i)
    let row = decode(coder, numbers, own, limits)
    let sides: Side[] = []
    if (coder.kind === 'dfl') {
      const [x, y, stride] = own
      const distances = [x - corners[0], y - corners[1], corners[2] - x, corners[3] - y]
      sides = distances.map((distance, side) =>
        evaluateSide(coder, numbers.slice(coder.bins * side, coder.bins * (side + 1)), distance / stride, limits),
      )
      row = { numbers: sides.map(({ distance }) => coordinate(stride * distance, stride, limits)), distances: true }
    }
    const finite = [...numbers, ...own].every(Number.isFinite)
    const saturated = finite && row.numbers.some(({ beyond }) => beyond !== 0)
    const isKnown = finite && !(saturated && job.onInvalid === 'ignore')
    const box = cornersOf(row, coder, own)
    pred.set(isKnown ? box : box.map(() => Number.NaN), 4 * i)
    decoded.push({ ...row, sides, finite, saturated })
  }
  job.boxes?.set(pred)
  if (!target) return NOTHING

  const wantsGrad = job.grad !== undefined
  const grad = wantsGrad ? new Float64Array(4 * rows) : undefined
  const gradTarget = job.gradTarget ? new Float64Array(4 * rows) : undefined
  const loss: BoxLossJob = { ...job, pred, target: targets, format: 'xyxy', grad, gradTarget }
  const summary = jsBoxLoss(loss)
  const { ordered } = LOSSES[job.name]
  let dflSum = 0
  for (const [i, row] of decoded.entries()) {
    const [box, goal] = [pred, targets].map((boxes) => [...boxes.subarray(4 * i, 4 * i + 4)])
    const accepted = isValidBox(box, ordered) && isValidBox(goal, ordered)
    if (row.saturated && accepted) summary.invalid++
    const weight = job.weight ? job.weight[i] : 1
    const counts = weight !== 0 && (accepted || job.onInvalid !== 'ignore')
    const upstream = counts ? weight * (job.gradOutput ? job.gradOutput[i] : 1) : 0
    if (gradTarget && job.gradTarget) {
      job.gradTarget.set(encodeGradient([...gradTarget.subarray(4 * i, 4 * i + 4)], job.format), 4 * i)
    }
    if (job.dflLossScale !== 0 && counts) {
      const mean = row.sides.reduce((sum, { crossEntropy }) => sum + crossEntropy / 4, 0)
      dflSum += weight * mean
      if (job.loss) job.loss[i] += weight * mean * job.dflLossScale
    }
    if (!grad || !job.grad) continue
    const [x1, y1, x2, y2] = grad.subarray(4 * i, 4 * i + 4)
    const byNumber = row.distances ? [-x1, -y1, x2, y2] : [x1 + x2, y1 + y2, (x2 - x1) / 2, (y2 - y1) / 2]
    const through: number[] = []
    for (const [k, position] of positions(coder).entries()) {
      const { slope, beyond } = row.numbers[position]
      const inside = byNumber[k] === 0 || Number.isNaN(byNumber[k]) ? byNumber[k] : slope * byNumber[k]
      through[position] = beyond === 0 || !row.finite ? inside : beyond * upstream * (job.ignoreAll ? 0 : job.gradScale)
    }
    if (coder.kind !== 'dfl') {
      job.grad.set(through, columns * i)
      continue
    }
    for (const [side, { probabilities, distance, slopes }] of row.sides.entries()) {
      const logits = probabilities.map((p, bin) => {
        const byBox = through[side] === 0 ? 0 : p * (coder.project[bin] - distance) * through[side]
        return byBox + (job.dflGradScale === 0 || !counts ? 0 : (slopes[bin] / 4) * upstream * job.dflGradScale)
      })
      job.grad.set(logits, columns * i + coder.bins * side)
    }
  }
  const dfl = job.dflLossScale === 0 ? 0 : (dflSum * job.dflLossScale) / job.divisor
  return { loss: summary.loss + dfl, invalid: summary.invalid }
}
