/** Computes derivatives of a function of a few numbers by central differences, and finds out how far they can be
 * trusted. */

/** The steps in units of the sides of the boxes, from large to small. They are powers of two, so that coordinates move
 * without rounding. Most pairs get their slopes at the first step. Near a kink, and where boxes nearly match or touch,
 * the loss bends over shorter distances. */
const STEPS = [2 ** -11, 2 ** -14, 2 ** -17, 2 ** -20, 2 ** -23]

/** The error that slopes may have, in their unit. Most are a hundred times more accurate. */
const CERTAIN = 1e-7

/** The error of slopes from rounding of the loss, in spacings of the loss divided by the step. */
const ROUNDING = 16 * 2 ** -52

/** Slopes far below this are 0 as float32 numbers. */
const SMALLEST = 2 ** -100

export interface Slopes {
  slopes: Float64Array
  /** The unit of errors: the largest slope or, if that is larger, the smallest slope that can be seen despite rounding
   * of the loss. */
  unit: number
}

/**
 * Computes the slopes of `f` at x, where it is called first. Returns undefined if x is at a kink, or nearer to one than
 * the smallest step.
 *
 * Differences over one and two steps are extrapolated to a step of 0: (4·D1 − D2)/3. Where f is smooth, D1 and D2
 * agree, and the second differences satisfy S2 = 4·S1. Across a kink one of the two conditions fails by a good part of
 * the jump, wherever the kink lies.
 *
 * @param side the approximate side of the boxes, a power of two.
 */
export function slopesOf(f: (x: Float64Array) => number, x: Float64Array, side: number): Slopes | undefined {
  const centre = f(x)
  const slopes = new Float64Array(x.length)
  const moved = x.slice()
  for (const step of STEPS) {
    const h = step * side
    let [doubt, largest] = [0, 0]
    for (let k = 0; k < x.length; ++k) {
      const after = (steps: number) => {
        moved[k] = x[k] + steps * h
        return f(moved)
      }
      const [up, down, farUp, farDown] = [after(1), after(-1), after(2), after(-2)]
      moved[k] = x[k]
      const [d1, d2] = [(up - down) / (2 * h), (farUp - farDown) / (4 * h)]
      const bend = (farUp + farDown - 4 * (up + down) + 6 * centre) / h
      slopes[k] = (4 * d1 - d2) / 3
      doubt = Math.max(doubt, 4 * Math.abs(d1 - d2), Math.abs(bend) / 4)
      largest = Math.max(largest, Math.abs(slopes[k]))
    }
    const unit = Math.max(largest, (ROUNDING * Math.abs(centre)) / h / CERTAIN, SMALLEST)
    if (doubt <= CERTAIN * unit) return { slopes, unit }
  }
  return undefined
}

/** The slopes of the losses of N pairs of boxes, row by row. */
export interface PairSlopes {
  /** [N] losses. */
  losses: Float64Array
  /** [N, columns] slopes for the predictions. */
  pred: Float64Array
  /** Slopes for the targets, [N, columns of a target]. */
  target: Float64Array
  /** [N] units of the errors, 0 for a pair at a kink. */
  units: Float64Array
}

/** Computes the slopes of the losses of N pairs, of which each prediction has `columns` numbers. `lossOf(i)` returns
 * the loss of pair i as a function of its numbers, prediction first. That function is called with the pair itself
 * before the pair is moved. */
export function slopesOfPairs(
  lossOf: (i: number) => (pair: Float64Array) => number,
  { pred, target }: { pred: ArrayLike<number>; target: ArrayLike<number> },
  columns: number,
  side: number,
): PairSlopes {
  const n = pred.length / columns
  const ofTarget = target.length / n
  const found = {
    losses: new Float64Array(n),
    pred: new Float64Array(pred.length),
    target: new Float64Array(target.length),
    units: new Float64Array(n),
  }
  for (let i = 0; i < n; ++i) {
    const at = (k: number) => (k < columns ? pred[columns * i + k] : target[ofTarget * i + k - columns])
    const pair = Float64Array.from({ length: columns + ofTarget }, (_, k) => at(k))
    const loss = lossOf(i)
    found.losses[i] = loss(pair)
    const slopes = slopesOf(loss, pair, side)
    if (slopes === undefined) continue
    found.pred.set(slopes.slopes.subarray(0, columns), columns * i)
    found.target.set(slopes.slopes.subarray(columns), ofTarget * i)
    found.units[i] = slopes.unit
  }
  return found
}
