import type { FloatArray } from '../../src/types.js'

/** [N] losses of N pairs. */
export type Losses = (pred: FloatArray, target: FloatArray) => ArrayLike<number>

/** [N, 4] central differences of the losses for one argument, with a step for each row. Boxes are float64, in any format. */
export function numericGradient(
  losses: Losses,
  boxes: { pred: FloatArray; target: FloatArray },
  argument: 'pred' | 'target',
  steps: ArrayLike<number>,
): Float64Array {
  const gradient = new Float64Array(boxes.pred.length)
  for (let k = 0; k < 4; ++k) {
    const moved = [1, -1].map((sign) => boxes[argument].map((v, j) => (j % 4 === k ? v + sign * steps[j >> 2] : v)))
    const [above, below] = moved.map((rows) => losses(...argumentsWith(boxes, argument, rows)))
    // Divided by the distance that the two coordinates really have, after rounding.
    for (let j = k; j < gradient.length; j += 4) {
      gradient[j] = (above[j >> 2] - below[j >> 2]) / (moved[0][j] - moved[1][j])
    }
  }
  return gradient
}

function argumentsWith(
  { pred, target }: { pred: FloatArray; target: FloatArray },
  argument: 'pred' | 'target',
  moved: FloatArray,
): [FloatArray, FloatArray] {
  return argument === 'pred' ? [moved, target] : [pred, moved]
}

/**
 * A step for each pair of corner boxes, small against the boxes and against the distance of matching corners, which is as far as the
 * loss looks smooth. `atKink` are the rows with two matching edges so near that a step could cross the tie.
 */
export function chooseSteps(pred: FloatArray, target: FloatArray): { steps: Float64Array; atKink: Set<number> } {
  const steps = new Float64Array(pred.length / 4)
  const atKink = new Set<number>()
  for (let i = 0; i < steps.length; ++i) {
    const distance = [0, 1, 2, 3].map((k) => Math.abs(pred[4 * i + k] - target[4 * i + k]))
    const side = Math.min(Math.abs(target[4 * i + 2] - target[4 * i]), Math.abs(target[4 * i + 3] - target[4 * i + 1]))
    const corner = Math.min(Math.hypot(distance[0], distance[1]), Math.hypot(distance[2], distance[3]))
    steps[i] = Math.min(1e-5 * side, 1e-4 * corner)
    if (Math.min(...distance) <= 2 * steps[i]) atKink.add(i)
  }
  return { steps, atKink }
}

/** What a gradient may differ by from a reference. Every pair is measured in units of its reference's largest component. */
export interface Bounds {
  /** Largest error of a component. */
  element: number
  /** Norm of all errors over the norm of all references. */
  relativeL2: number
  /** 1 − cosine of the angle between the two, over all pairs. */
  direction: number
  /** Mean error away from 0 (+) or towards it (−), over the mean size of a component. */
  bias: number
}

/** The bounds that a gradient breaks, one sentence each; empty for a good one. NaN breaks them all. */
export function gradientFaults(
  actual: ArrayLike<number>,
  reference: ArrayLike<number>,
  bounds: Bounds,
  skip: ReadonlySet<number> = new Set(),
): string[] {
  const sum = { actual: 0, reference: 0, product: 0, error: 0, away: 0, size: 0 }
  let worst = { error: 0, at: '' }
  if (actual.length !== reference.length) return [`length: ${actual.length} instead of ${reference.length}`]
  for (let i = 0; i < reference.length / 4; ++i) {
    if (skip.has(i)) continue
    const components = [4 * i, 4 * i + 1, 4 * i + 2, 4 * i + 3]
    const unit = Math.max(...components.map((j) => Math.abs(reference[j]))) || 1
    for (const j of components) {
      const [a, r] = [actual[j] / unit, reference[j] / unit]
      const error = Math.abs(a - r)
      // NaN, once met, stays the worst.
      if (error > worst.error || Number.isNaN(error)) {
        worst = { error, at: `row ${i}, component ${j % 4}: ${actual[j]} for ${reference[j]}` }
      }
      sum.actual += a * a
      sum.reference += r * r
      sum.product += a * r
      sum.error += error * error
      sum.away += (a - r) * Math.sign(r)
      sum.size += Math.abs(r)
    }
  }
  const measured: Bounds = {
    element: worst.error,
    relativeL2: Math.sqrt(sum.error / sum.reference),
    direction: 1 - sum.product / Math.sqrt(sum.actual * sum.reference),
    bias: Math.abs(sum.away / sum.size),
  }
  return (Object.keys(bounds) as (keyof Bounds)[])
    .filter((name) => !(measured[name] <= bounds[name]))
    .map((name) => `${name}: ${measured[name]} > ${bounds[name]}${name === 'element' ? ` (${worst.at})` : ''}`)
}
