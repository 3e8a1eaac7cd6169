import { type Bounds, deviationOf, faultsOf } from '../../src/grad-check/deviation.js'
import { boxLoss } from '../../src/box-loss.js'
import type { Evaluate } from '../../src/grad-check.js'
import { LOSSES } from '../../src/losses.js'
import type { FloatArray } from '../../src/types.js'

// Differences of any losses in [N, 4], at pairs away from the kinks of sca. What src/grad-check has goes further: it finds
// its steps, and kinks, by the differences themselves.

export type { Bounds }

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
 * A step for each pair of corner boxes, small against the boxes and against the distance of matching corners, which is as far as
 * the loss looks smooth. `atKink` are the rows with two matching edges so near that a step could cross the tie.
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

/** The bounds that an [N, columns] gradient breaks, one sentence each; empty for a good one. NaN breaks them all. Every pair is
 * measured in units of its reference's largest component. */
export function gradientFaults(
  actual: ArrayLike<number>,
  reference: ArrayLike<number>,
  bounds: Bounds,
  skip: ReadonlySet<number> = new Set(),
  columns = 4,
): string[] {
  if (actual.length !== reference.length) return [`length: ${actual.length} instead of ${reference.length}`]
  const largest = (i: number) => {
    let most = 0
    for (let j = columns * i; j < columns * (i + 1); ++j) most = Math.max(most, Math.abs(reference[j]))
    return most || 1
  }
  const units = Float64Array.from({ length: reference.length / columns }, (_, i) => (skip.has(i) ? 0 : largest(i)))
  return faultsOf(deviationOf(actual, reference, units), bounds)
}

/** What `gradCheck` checks. */
export const rows: Evaluate = (name, pred, target, options) =>
  boxLoss(name, pred, target, { ...options, reduction: 'none' })

type Results = ReturnType<Evaluate>

/** The same with an error in it. `columns`: numbers of a box. */
export const planting =
  (plant: (results: Results, columns: number) => Partial<Results>): Evaluate =>
  (...args) => {
    const results = rows(...args)
    return { ...results, ...plant(results, 2 * LOSSES[args[0]].axes) }
  }

export const mapped = (gradient: FloatArray | undefined, map: (g: number, j: number, all: FloatArray) => number) =>
  gradient!.map((g, j) => map(g, j, gradient!))
