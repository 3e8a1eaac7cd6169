/**
 * The paper's formulas, stated plainly in float64, with derivatives by the sum, quotient and chain rules. Shares nothing
 * with the kernels: it is what they are checked against, and the `js` backend.
 *
 * Zheng, Zhao, Liu, Liu, Cai: SCALoss: Side and Corner Aligned Loss for Bounding Box Regression, AAAI 2022.
 *
 * Plain means that 2 − (wmin/wmax + hmin/hmax) cancels near a perfect match: there the loss is right to about 1e-15
 * absolutely, not to the last digit as the kernels are.
 */
import type { LossName } from './losses.js'

/** x1, y1, x2, y2; also a gradient for them. */
export type Corners = readonly [number, number, number, number]

/** Loss of one pair and its derivatives. */
export interface PairLoss {
  loss: number
  grad: Corners
  gradTarget: Corners
}

export interface PairParams {
  /** Weight of the corner distance. */
  alpha: number
  /** 0, or what the authors' code adds to differences, enclosing sides and diagonal of the corner distance. */
  epsilon: number
}

/** Derivatives for x1, y1, x2, y2 of the prediction, then of the target. */
type Derivatives = readonly [number, number, number, number, number, number, number, number]

/** A number and its derivatives. */
interface Term {
  value: number
  d: Derivatives
}

const ZERO: Derivatives = [0, 0, 0, 0, 0, 0, 0, 0]
const UNITS = ZERO.map((_, i) => ZERO.map((_, k) => Number(i === k)) as unknown as Derivatives)

/** (s · a + t · b) / divisor; written out because every operation passes through here. */
function combine(s: number, a: Derivatives, t: number, b: Derivatives, divisor = 1): Derivatives {
  return [
    (s * a[0] + t * b[0]) / divisor,
    (s * a[1] + t * b[1]) / divisor,
    (s * a[2] + t * b[2]) / divisor,
    (s * a[3] + t * b[3]) / divisor,
    (s * a[4] + t * b[4]) / divisor,
    (s * a[5] + t * b[5]) / divisor,
    (s * a[6] + t * b[6]) / divisor,
    (s * a[7] + t * b[7]) / divisor,
  ]
}

const constant = (value: number): Term => ({ value, d: ZERO })
const variable = (value: number, index: number): Term => ({ value, d: UNITS[index] })

/** a + factor · b */
const add = (a: Term, b: Term, factor = 1): Term => ({
  value: a.value + factor * b.value,
  d: combine(1, a.d, factor, b.d),
})
const subtract = (a: Term, b: Term): Term => add(a, b, -1)

/** At a tie each argument takes half of the derivative. */
function pick(a: Term, b: Term, value: number): Term {
  if (a.value === b.value) return { value, d: combine(0.5, a.d, 0.5, b.d) }
  return { value, d: value === a.value ? a.d : b.d }
}
const min = (a: Term, b: Term): Term => pick(a, b, Math.min(a.value, b.value))
const max = (a: Term, b: Term): Term => pick(a, b, Math.max(a.value, b.value))

/** a / b; `empty` with derivative 0 where b is 0. */
function divide(a: Term, b: Term, empty: number): Term {
  if (b.value === 0) return constant(empty)
  const value = a.value / b.value
  return { value, d: combine(1, a.d, -value, b.d, b.value) }
}

/** Euclidean length; derivative 0 at length 0. */
function length(x: Term, y: Term): Term {
  const value = Math.hypot(x.value, y.value)
  if (value === 0) return constant(0)
  return { value, d: combine(x.value / value, x.d, y.value / value, y.d) }
}

/** The quantities of the paper's Fig. 3 for one pair. */
function measure(pred: Corners, target: Corners) {
  const [x1, y1, x2, y2] = [variable(pred[0], 0), variable(pred[1], 1), variable(pred[2], 2), variable(pred[3], 3)]
  const [X1, Y1, X2, Y2] = [
    variable(target[0], 4),
    variable(target[1], 5),
    variable(target[2], 6),
    variable(target[3], 7),
  ]
  return {
    wmin: subtract(min(x2, X2), max(x1, X1)),
    wmax: subtract(max(x2, X2), min(x1, X1)),
    hmin: subtract(min(y2, Y2), max(y1, Y1)),
    hmax: subtract(max(y2, Y2), min(y1, Y1)),
    dx1: subtract(x1, X1),
    dy1: subtract(y1, Y1),
    dx2: subtract(x2, X2),
    dy2: subtract(y2, Y2),
  }
}
type Measures = ReturnType<typeof measure>

/** L_SO = 2 − (wmin/wmax + hmin/hmax), Eq. 1 and 2. */
function sideOverlap(m: Measures): Term {
  return subtract(constant(2), add(divide(m.wmin, m.wmax, 1), divide(m.hmin, m.hmax, 1)))
}

/** L_CD = (‖p1 − g1‖ + ‖p2 − g2‖) / ‖c1 − c2‖, Eq. 3. */
function cornerDistance(m: Measures, { epsilon }: PairParams): Term {
  const e = constant(epsilon)
  const first = length(add(m.dx1, e), add(m.dy1, e))
  const second = length(add(m.dx2, e), add(m.dy2, e))
  const diagonal = add(length(add(m.wmax, e), add(m.hmax, e)), e)
  return divide(add(first, second), diagonal, 0)
}

const FORMULAS: Record<LossName, (m: Measures, params: PairParams) => Term> = {
  sca: (m, params) => add(sideOverlap(m), cornerDistance(m, params), params.alpha),
  so: sideOverlap,
  cd: cornerDistance,
}

/** A power of two for the coordinates, by which gradients are multiplied at the end; the losses are ratios and do not notice.
 * A sixteenth where differences and distances could overflow, a large number where all coordinates are nearly denormal. */
function unitOf(pred: Corners, target: Corners): number {
  let size = 0
  for (let k = 0; k < 4; ++k) size = Math.max(size, Math.abs(pred[k]), Math.abs(target[k]))
  return size > 1e306 ? 1 / 16 : size < 1e-150 ? 2 ** 512 : 1
}
const scale = (box: Corners, unit: number): Corners => [box[0] * unit, box[1] * unit, box[2] * unit, box[3] * unit]

/** Loss of one pair of boxes in corner form, and its derivatives for both. Any finite or non-finite numbers. */
export function evaluatePair(name: LossName, pred: Corners, target: Corners, params: PairParams): PairLoss {
  const unit = unitOf(pred, target)
  const { value, d } = FORMULAS[name](measure(scale(pred, unit), scale(target, unit)), {
    alpha: params.alpha,
    epsilon: params.epsilon * unit,
  })
  return {
    loss: value,
    grad: scale([d[0], d[1], d[2], d[3]], unit),
    gradTarget: scale([d[4], d[5], d[6], d[7]], unit),
  }
}

/**
 * Intersection over union of one pair; 0 for an empty union. Inverted boxes: the formula as it stands. Each axis is taken in
 * units of the power of two below the enclosing side, so that no area overflows.
 */
export function evaluateIou(pred: Corners, target: Corners): number {
  const unit = unitOf(pred, target)
  const axis = (k: 0 | 1) => {
    const [a1, a2, b1, b2] = [pred[k] * unit, pred[k + 2] * unit, target[k] * unit, target[k + 2] * unit]
    const enclosing = Math.max(a2, b2) - Math.min(a1, b1)
    const side = 2 ** Math.floor(Math.log2(Math.abs(enclosing)))
    const relative = (length: number) => (side === 0 ? 0 : length / side)
    const overlap = Math.max(0, Math.min(a2, b2) - Math.max(a1, b1))
    return { pred: relative(a2 - a1), target: relative(b2 - b1), overlap: relative(overlap) }
  }
  const [x, y] = [axis(0), axis(1)]
  const intersection = x.overlap * y.overlap
  const union = x.pred * y.pred + x.target * y.target - intersection
  return union === 0 ? 0 : intersection / union
}
