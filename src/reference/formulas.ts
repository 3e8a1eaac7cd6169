/**
 * States the papers' formulas plainly in float64, with derivatives by the sum, product, quotient and chain rules. It
 * shares no code with the kernels: it is what they are checked against, and the `js` backend. docs/losses.md has the
 * same formulas in one table, and says what holds at their kinks.
 *
 * Plain means that 1 − IoU and 2 − (wmin/wmax + hmin/hmax) cancel near a perfect match. There the absolute error of a
 * loss is about 1e-15, whereas the kernels are accurate to the last digits.
 */
import type { Corners } from '../core/boxes.js'
import type { LossName, LossParams } from '../core/losses.js'
import {
  type Axis,
  asGiven,
  centreDistance,
  enclosing,
  firstDistance,
  inCommonUnit,
  measure,
  type Pair,
  scaleAboutCentres,
  secondDistance,
  sideDifference,
  sideOf,
  unitsOf,
} from './axes.js'
import {
  absolute,
  add,
  angle,
  chain,
  constant,
  divide,
  exp,
  length,
  log,
  max,
  multiply,
  positivePart,
  power,
  scale,
  sin,
  square,
  subtract,
  sum,
  type Term,
} from './terms.js'

/** The loss of one pair and its derivatives. */
export interface PairLoss {
  loss: number
  grad: Corners
  gradTarget: Corners
}

/** Factors that are held constant in the gradient: `a` of ciou and IoU^γ of Focal-EIoU. The first evaluation with such
 * an object sets them, and later ones use them unchanged. Only with them held in this way is the gradient the slope of
 * the loss. */
export interface Held {
  aspect?: number
  focal?: number
}

type Params = LossParams & { held?: Held }
type Formula = (pair: Pair, params: Params) => Term

const hold = (held: Held | undefined, factor: keyof Held, value: number): number => {
  if (!held) return value
  held[factor] ??= value
  return held[factor]
}

const ONE = constant(1)
const product = (axes: readonly Axis[], of: (axis: Axis) => Term): Term => axes.map(of).reduce(multiply)

/** Computes the side overlap loss of SCALoss (Zheng, Zhao, Liu, Liu, Cai: Side and Corner Aligned Loss for Bounding Box
 * Regression, AAAI 2022, Eq. 2). */
const sideOverlap: Formula = ({ axes }) =>
  subtract(constant(axes.length), sum(axes.map((a) => divide(a.overlap, a.enclosing, 1))))

/** Computes the corner distance loss (Eq. 3): (‖p1 − g1‖ + ‖p2 − g2‖) / ‖c1 − c2‖. The epsilon is that of the authors'
 * code. */
const cornerDistance: Formula = (pair, params) => {
  const epsilon = params.epsilon * pair.units.common
  const n1 = length(inCommonUnit(pair, firstDistance, epsilon))
  const n2 = length(inCommonUnit(pair, secondDistance, epsilon))
  const diagonal = length(inCommonUnit(pair, enclosing, epsilon))
  return divide(add(n1, n2), add(diagonal, constant(epsilon)), 0)
}

/** Computes SCALoss (Eq. 4). */
const sca: Formula = (pair, params) => add(sideOverlap(pair, params), cornerDistance(pair, params), params.alpha)

interface Overlap {
  iou: Term
  union: Term
  /** The epsilon of torchvision. It is an area in the units of the axes. */
  areaEpsilon: Term
}

function overlapOf({ axes, units }: Pair, epsilon: number): Overlap {
  const intersection = product(axes, (a) => positivePart(a.overlap))
  const a = product(axes, (axis) => sideOf(axis.pred))
  const b = product(axes, (axis) => sideOf(axis.target))
  // In this order the union of a box and one inside it is exactly the larger one. A rounding error in it would be
  // magnified by `power`.
  const [less, more] = a.value < b.value ? [a, b] : [b, a]
  const union = add(more, subtract(less, intersection))
  const areaEpsilon = constant(units.axes.reduce((area, unit) => area * unit, epsilon))
  return { iou: divide(intersection, add(union, areaEpsilon), 0), union, areaEpsilon }
}

/** Computes the term that takes the place of 1 − IoU. The logarithm is from UnitBox (Yu et al., 2016), powers are from
 * Alpha-IoU (He et al., NeurIPS 2021). */
function overlapLoss(iou: Term, { mode, logFloor, power: p }: LossParams): Term {
  if (mode === 'square') return subtract(ONE, square(iou))
  if (mode === 'linear') return subtract(ONE, power(iou, p))
  return subtract(constant(0), iou.value <= logFloor ? constant(Math.log(logFloor)) : log(iou))
}

/** Makes the formula 1 − IoU plus further terms, which are given the plain IoU. Inner-IoU (Zhang et al., 2023) scales
 * the boxes of the first term only. Focal-EIoU (Zhang et al., 2021) multiplies by IoU^γ, which is held constant in the
 * gradient. */
const iouFamily =
  (furtherTerms: (pair: Pair, params: Params, plain: Overlap) => Term[]): Formula =>
  (pair, params) => {
    const plain = overlapOf(pair, params.epsilon)
    const inner = params.inner === 1 ? plain : overlapOf(scaleAboutCentres(pair, params.inner), params.epsilon)
    const further = furtherTerms(pair, params, plain).map((term) => power(term, params.power))
    const loss = sum([overlapLoss(inner.iou, params), ...further])
    if (params.focal === 0) return loss
    const weight = hold(params.held, 'focal', Math.max(plain.iou.value, 0) ** params.focal)
    return weight === 0 ? constant(0) : scale(loss, weight)
  }

/** Computes (C − U) / C (Rezatofighi et al., Generalized IoU, CVPR 2019). */
function emptyPart(pair: Pair, { union, areaEpsilon }: Overlap): Term {
  const hull = product(pair.axes, enclosing)
  return divide(subtract(hull, union), add(hull, areaEpsilon), 0)
}

const squaredLength = (parts: Term[]): Term => sum(parts.map(square))

/** Computes ρ² / c² (Zheng et al., Distance-IoU Loss, AAAI 2020). */
function centreTerm(pair: Pair, { epsilon }: LossParams): Term {
  const c2 = squaredLength(inCommonUnit(pair, enclosing))
  const squareEpsilon = constant(epsilon * pair.units.common * pair.units.common)
  return divide(squaredLength(inCommonUnit(pair, centreDistance)), add(c2, squareEpsilon), 0)
}

/** Computes a · v from the aspect ratios (Complete IoU, in the same paper). */
function aspectTerm(pair: Pair, { epsilon, detachAlpha, held }: Params, iou: Term): Term {
  const [w, h] = inCommonUnit(pair, (a) => sideOf(a.pred))
  const [W, H] = inCommonUnit(pair, (a) => sideOf(a.target))
  const v = scale(square(subtract(angle(W, H), angle(w, h))), 4 / Math.PI ** 2)
  const a = divide(v, add(add(subtract(ONE, iou), v), constant(epsilon)), 0)
  return multiply(detachAlpha ? constant(hold(held, 'aspect', a.value)) : a, v)
}

/** Computes ((w − W) / wmax)² and the same for h (Zhang et al., Focal and Efficient IOU Loss, 2021). */
const sideTerms = ({ axes }: Pair): Term[] => axes.map((a) => square(divide(sideDifference(a), a.enclosing, 0)))

/** Computes half the sum of distance cost and shape cost (Gevorgyan, SIoU Loss, 2022). */
function distanceAndShape(pair: Pair): Term {
  const [dx, dy] = inCommonUnit(pair, (a) => absolute(centreDistance(a)))
  // The sine is the paper's angle cost 1 − 2·sin²(α − π/4), where α is the angle of the line through the centres.
  const gamma = subtract(constant(2), sin(scale(angle(dy, dx), 2)))
  const grown = (t: Term): Term => subtract(ONE, exp(scale(t, -1)))
  const distance = pair.axes.map((a) => grown(multiply(gamma, square(divide(centreDistance(a), a.enclosing, 0)))))
  const shape = pair.axes.map((a) => {
    const larger = max(absolute(sideOf(a.pred)), absolute(sideOf(a.target)))
    return square(square(grown(divide(absolute(sideDifference(a)), larger, 0))))
  })
  return scale(sum([...distance, ...shape]), 0.5)
}

/** Computes n1² and n2², each divided by imageWidth² + imageHeight² (Ma and Xu, MPDIoU, 2023). */
function cornerTerms(pair: Pair, { imageWidth, imageHeight }: LossParams): Term[] {
  const { common } = pair.units
  // An image far smaller than the boxes must not become empty in their unit.
  const diagonal = constant(Math.max(Math.hypot(imageWidth * common, imageHeight * common), 1e-200))
  return [firstDistance, secondDistance].map((of) => square(divide(length(inCommonUnit(pair, of)), diagonal, 0)))
}

/** Computes Σ d²/(2·beta) where |d| < beta, else |d| − beta/2 (Girshick, Fast R-CNN, 2015, with the bend at beta). */
const smoothL1: Formula = ({ axes }, { beta }) =>
  sum(
    axes.flatMap((a) =>
      [firstDistance(a), secondDistance(a)].map((d) =>
        Math.abs(d.value) < beta
          ? chain(d, (d.value * (d.value / beta)) / 2, d.value / beta)
          : subtract(absolute(d), constant(beta / 2)),
      ),
    ),
  )

/** Computes 1 − exp(−W₂ / constant), where W₂ is the Wasserstein distance of Gaussians whose deviations are the half
 * sides (Wang et al., A Normalized Gaussian Wasserstein Distance for Tiny Object Detection, 2021). */
function wasserstein(pair: Pair, params: LossParams): Term {
  const centres = length(inCommonUnit(pair, centreDistance))
  const halfSides = length(inCommonUnit(pair, (a) => scale(sideDifference(a), 0.5)))
  const distance = length([centres, halfSides])
  const relative = scale(distance, 1 / (params.constant * pair.units.common))
  return chain(relative, -Math.expm1(-relative.value), Math.exp(-relative.value))
}

const FORMULAS: Record<LossName, Formula> = {
  sca,
  so: sideOverlap,
  cd: cornerDistance,
  iou: iouFamily(() => []),
  giou: iouFamily((pair, _, plain) => [emptyPart(pair, plain)]),
  diou: iouFamily((pair, params) => [centreTerm(pair, params)]),
  ciou: iouFamily((pair, params, { iou }) => [centreTerm(pair, params), aspectTerm(pair, params, iou)]),
  center: (pair) => divide(length(inCommonUnit(pair, centreDistance)), length(inCommonUnit(pair, enclosing)), 0),
  center2: centreTerm,
  iou_cd: iouFamily((pair, params) => [scale(cornerDistance(pair, params), params.alpha)]),
  eiou: iouFamily((pair, params) => [centreTerm(pair, params), ...sideTerms(pair)]),
  siou: iouFamily((pair) => [distanceAndShape(pair)]),
  mpdiou: iouFamily(cornerTerms),
  smooth_l1: smoothL1,
  l1: (pair, params) => smoothL1(pair, { ...params, beta: 0 }),
  nwd: wasserstein,
  sca3: sca,
  so3: sideOverlap,
  cd3: cornerDistance,
}

/** Applies a formula to a pair in units that keep it in range. The gradients are for coordinates in these units. */
function evaluate(name: LossName, pred: Corners, target: Corners, params: Params, derivatives: boolean) {
  const isLength = name === 'l1' || name === 'smooth_l1'
  const units = isLength ? asGiven(pred) : unitsOf(pred, target, params.epsilon === 0 ? undefined : 0)
  return { term: FORMULAS[name](measure(pred, target, units, derivatives), params), units }
}

const isFinitePair = (pred: Corners, target: Corners) => pred.every(Number.isFinite) && target.every(Number.isFinite)

/** Computes the loss of one pair of boxes given as corners, and its derivatives for both boxes. All are NaN if a
 * coordinate is not finite. */
export function evaluatePair(name: LossName, pred: Corners, target: Corners, params: LossParams): PairLoss {
  if (!isFinitePair(pred, target)) {
    const grad = pred.map(() => Number.NaN)
    return { loss: Number.NaN, grad, gradTarget: grad }
  }
  const { term, units } = evaluate(name, pred, target, params, true)
  const gradient = (start: number) => {
    const d: number[] = []
    for (let k = 0; k < pred.length; ++k) d.push(term.d[start + k] * units.axes[k % units.axes.length])
    return d
  }
  return { loss: term.value, grad: gradient(0), gradTarget: gradient(pred.length) }
}

/** Computes only the loss of `evaluatePair`. `params.held` is for numeric differences. */
export function evaluateLoss(name: LossName, pred: Corners, target: Corners, params: Params): number {
  return isFinitePair(pred, target) ? evaluate(name, pred, target, params, false).term.value : Number.NaN
}

/** Computes the intersection over union of one pair, of volumes with three axes; 0 for an empty union. Inverted boxes
 * use the formula as it stands. */
export function evaluateIou(pred: Corners, target: Corners): number {
  if (!isFinitePair(pred, target)) return Number.NaN
  return overlapOf(measure(pred, target, unitsOf(pred, target), false), 0).iou.value
}
