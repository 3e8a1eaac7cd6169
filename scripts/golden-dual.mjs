import { Decimal } from 'decimal.js'

// Arithmetic in 80 digits that carries derivatives along, for golden-family.mjs. Kinks and divisions by zero are as
// docs/losses.md has them.

// 60 digits would do for the results. A coordinate alone has up to 75 in `scale_extreme`, and with all of them in hand
// equal sides and centres are equal here too, which the conventions at kinks ask for.
Decimal.set({ precision: 80 })

/** @typedef {number | Decimal | Dual} Term */

/** A number with its derivatives by the 8 coordinates. One left out is 0. */
export class Dual {
  /**
   * @param {Decimal.Value} value
   * @param {(Decimal | undefined)[]} [grad]
   */
  constructor(value, grad = []) {
    this.value = new Decimal(value)
    this.grad = grad
  }
}

/** @param {Term} x */
export const dual = (x) => (x instanceof Dual ? x : new Dual(x))

/**
 * The chain rule: a value, and each argument with the derivative by it.
 * @param {Decimal.Value} value
 * @param {[Decimal.Value, Dual][]} terms
 */
function chain(value, ...terms) {
  /** @type {Dual['grad']} */
  const grad = []
  for (const [factor, { grad: inner }] of terms) {
    inner.forEach((g, k) => {
      if (g) grad[k] = (grad[k] ?? new Decimal(0)).plus(g.times(factor))
    })
  }
  return new Dual(value, grad)
}

/** @param {Term[]} terms */
export const sum = (...terms) =>
  terms.map(dual).reduce((a, b) => chain(a.value.plus(b.value), [1, a], [1, b]), new Dual(0))
/** @type {(a: Term, b: Term) => Dual} */
export const sub = (a, b) => sum(a, mul(-1, b))
/** @type {(x: Term, y: Term) => Dual} */
export const mul = (x, y) => {
  const [a, b] = [dual(x), dual(y)]
  return chain(a.value.times(b.value), [b.value, a], [a.value, b])
}
/** @param {Term} a */
export const square = (a) => mul(a, a)
/** Division by zero gives a constant. @type {(x: Term, y: Term, atZero?: number) => Dual} */
export const div = (x, y, atZero = 0) => {
  const [a, b] = [dual(x), dual(y)]
  if (b.value.isZero()) return new Dual(atZero)
  const quotient = a.value.div(b.value)
  return chain(quotient, [b.value.pow(-1), a], [quotient.negated().div(b.value), b])
}
/** Half of the gradient to each where they are equal. @type {(a: Dual, b: Dual) => Dual} */
export const max = (a, b) => {
  const sign = a.value.cmp(b.value)
  return chain(Decimal.max(a.value, b.value), [(1 + sign) / 2, a], [(1 - sign) / 2, b])
}
/** @type {(a: Dual, b: Dual) => Dual} */
export const min = (a, b) => mul(-1, max(mul(-1, a), mul(-1, b)))
/** @param {Dual} a */
export const positive = (a) => (a.value.gt(0) ? a : new Dual(0))
/** @param {Dual} a */
export const abs = (a) => (a.value.isZero() ? new Dual(0) : mul(Decimal.sign(a.value), a))
/** @param {Dual} a */
export const sqrt = (a) => {
  const root = a.value.sqrt()
  return root.isZero() ? new Dual(0) : chain(root, [new Decimal(0.5).div(root), a])
}
/** @param {Dual} a */
export const exp = (a) => chain(a.value.exp(), [a.value.exp(), a])
/** @param {Dual} a */
export const ln = (a) => chain(a.value.ln(), [a.value.pow(-1), a])
/** 0 for anything up to 0. @type {(a: Dual, p: number) => Dual} */
export const pow = (a, p) =>
  a.value.gt(0) ? chain(a.value.pow(p), [a.value.pow(p).div(a.value).times(p), a]) : new Dual(0)

export const PI = Decimal.acos(-1)

/** atan(w/h), a quarter turn where h is 0. @type {(w: Dual, h: Dual) => Dual} */
export function aspectAngle(w, h) {
  const squared = w.value.pow(2).plus(h.value.pow(2))
  if (squared.isZero()) return new Dual(0)
  const angle = h.value.isZero() ? PI.div(2).times(Decimal.sign(w.value)) : w.value.div(h.value).atan()
  return chain(angle, [h.value.div(squared), w], [w.value.negated().div(squared), h])
}

/**
 * The exact value of a float64. (Decimal would take the number for its shortest decimal notation.)
 * @param {number} value
 */
export const exactly = (value) => new Decimal(value.toPrecision(100))
