/** Measures a pair of boxes for the formulas: lengths along each axis, in units in which none of their products leaves
 * the range of float64. */
import type { Corners } from '../core/boxes.js'
import { add, constant, max, min, scale, subtract, type Term, valueOnly, variable } from './terms.js'

/** The powers of two that coordinates are multiplied by. */
export interface Units {
  /** One factor for each axis. Ratios along an axis and ratios of areas do not change with it. */
  axes: readonly number[]
  /** The factor for lengths that combine several axes. */
  common: number
}

/** The extent of one box along an axis. */
export interface Interval {
  /** The smaller coordinate of an ordered box, such as x1. */
  first: Term
  /** The larger coordinate of an ordered box, such as x2. */
  second: Term
}

/** A pair of boxes along one axis. Terms are in the unit of the axis, and derivatives are for coordinates in that
 * unit. */
export interface Axis {
  pred: Interval
  target: Interval
  /** The overlap, wmin in the formulas. It is negative across a gap. */
  overlap: Term
  /** The extent of both boxes together, wmax in the formulas. */
  enclosing: Term
  /** The factor that converts a length on this axis to the common unit. */
  toCommon: number
}

/** A pair of boxes along all axes, and the units of its terms. */
export interface Pair {
  axes: readonly Axis[]
  units: Units
}

/** Volumes, squares and their quotients stay in range with sides from 2^-300 to 2^300. */
const RANGE = 300
const [LEAST, MOST] = [2 ** -RANGE, 2 ** RANGE]
const FLAT = Number.POSITIVE_INFINITY
const AS_GIVEN: Record<number, Units> = { 2: { axes: [1, 1], common: 1 }, 3: { axes: [1, 1, 1], common: 1 } }

/** Returns the distance from the first to the last of the four edges on axis k. */
function extent(pred: Corners, target: Corners, k: number): number {
  const n = pred.length / 2
  const [a, b, c, d] = [pred[k], pred[k + n], target[k], target[k + n]]
  return Math.max(a, b, c, d) - Math.min(a, b, c, d)
}

/** Chooses the units of a pair. With an `exponentLimit` of 0 small boxes are not enlarged, for formulas with an
 * epsilon, which keeps them in range. */
export function unitsOf(pred: Corners, target: Corners, exponentLimit = 1023): Units {
  const axes: number[] = []
  let common = FLAT
  for (let k = 0; k < pred.length / 2; ++k) {
    const side = Math.min(extent(pred, target, k), Number.MAX_VALUE)
    const out = side < LEAST || side > MOST
    const unit = side === 0 ? FLAT : out ? 2 ** Math.min(exponentLimit, RANGE - Math.floor(Math.log2(side))) : 1
    common = Math.min(common, unit)
    axes.push(unit)
  }
  if (common === FLAT) return asGiven(pred)
  return { axes: axes.map((unit) => (unit === FLAT ? common : unit)), common }
}

/** Returns units that leave coordinates as they are, for formulas that are not ratios. */
export const asGiven = (pred: Corners): Units => AS_GIVEN[pred.length / 2]

/** Measures a pair of boxes, with or without derivatives. */
export function measure(pred: Corners, target: Corners, units: Units, derivatives: boolean): Pair {
  const n = pred.length / 2
  const axes = units.axes.map((unit, k) => {
    // With no length along this axis, a large coordinate could overflow in the unit of the other axes. Its place does
    // not matter then, so it becomes 0.
    const factor = unit > 1 && extent(pred, target, k) === 0 ? 0 : unit
    const edge = (box: Corners, i: number, index: number) =>
      derivatives ? variable(factor * box[i], index, n === 2 ? 8 : 12) : valueOnly(factor * box[i])
    return axis(
      { first: edge(pred, k, k), second: edge(pred, k + n, k + n) },
      { first: edge(target, k, k + 2 * n), second: edge(target, k + n, k + 3 * n) },
      units.common / unit,
    )
  })
  return { axes, units }
}

const axis = (pred: Interval, target: Interval, toCommon: number): Axis => ({
  pred,
  target,
  overlap: subtract(min(pred.second, target.second), max(pred.first, target.first)),
  enclosing: subtract(max(pred.second, target.second), min(pred.first, target.first)),
  toCommon,
})

/** Scales both boxes by `ratio` about their centres. */
export function scaleAboutCentres({ axes, units }: Pair, ratio: number): Pair {
  const shrink = (box: Interval): Interval => {
    const margin = scale(sideOf(box), (1 - ratio) / 2)
    return { first: add(box.first, margin), second: subtract(box.second, margin) }
  }
  return { axes: axes.map((a) => axis(shrink(a.pred), shrink(a.target), a.toCommon)), units }
}

/** Returns the side of a box on an axis: w or W, h or H and so on. The functions below also exist once for every
 * axis. */
export const sideOf = ({ first, second }: Interval): Term => subtract(second, first)
export const enclosing = (a: Axis): Term => a.enclosing
/** Returns x1 − X1. */
export const firstDistance = (a: Axis): Term => subtract(a.pred.first, a.target.first)
/** Returns x2 − X2. */
export const secondDistance = (a: Axis): Term => subtract(a.pred.second, a.target.second)
/** Returns Δx. It is not computed from the centres, because the sum of two coordinates could overflow. */
export const centreDistance = (a: Axis): Term => scale(add(firstDistance(a), secondDistance(a)), 0.5)
/** Returns w − W. */
export const sideDifference = (a: Axis): Term => subtract(sideOf(a.pred), sideOf(a.target))

/** Returns a length of each axis in the common unit. */
export const inCommonUnit = ({ axes }: Pair, of: (axis: Axis) => Term, epsilon = 0): Term[] =>
  axes.map((a) => {
    const own = of(a)
    const term = a.toCommon === 1 ? own : scale(own, a.toCommon)
    return epsilon === 0 ? term : add(term, constant(epsilon))
  })
