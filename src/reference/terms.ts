/** Computes with numbers that carry their derivatives along, by the sum, product, quotient and chain rules. */

/** The derivatives for the coordinates of the prediction, then of the target: 8 numbers, or 12 with three axes. A
 * constant has 12, which fit both. The list is empty where only values are wanted. */
export type Derivatives = readonly number[]

/** A number and its derivatives. */
export interface Term {
  readonly value: number
  readonly d: Derivatives
}

const NONE: Derivatives = []
// This is not Array(n).fill(0), which the engine takes for an array with holes: everything would be half as fast.
const vector = (n: number, of: (k: number) => number): Derivatives => Array.from({ length: n }, (_, k) => of(k))
const unitVectors = (n: number): Derivatives[] =>
  Array.from({ length: n }, (_, i) => vector(n, (k) => (k === i ? 1 : 0)))
const ZERO = vector(12, () => 0)
const UNIT_VECTORS = { 8: unitVectors(8), 12: unitVectors(12) }

/** The largest slope. Unlike an infinite one, it still gives 0 when multiplied by 0. */
const MOST = 1e300
const bounded = (slope: number) => Math.max(-MOST, Math.min(MOST, slope))

/** Computes (s · a + t · b) / divisor. It is written out because every operation passes through here. */
function combine(s: number, a: Derivatives, t: number, b: Derivatives, divisor = 1): Derivatives {
  if (a.length === 0 || b.length === 0) return NONE
  const d = [
    (s * a[0] + t * b[0]) / divisor,
    (s * a[1] + t * b[1]) / divisor,
    (s * a[2] + t * b[2]) / divisor,
    (s * a[3] + t * b[3]) / divisor,
    (s * a[4] + t * b[4]) / divisor,
    (s * a[5] + t * b[5]) / divisor,
    (s * a[6] + t * b[6]) / divisor,
    (s * a[7] + t * b[7]) / divisor,
  ]
  for (let k = 8; k < a.length && k < b.length; ++k) d.push((s * a[k] + t * b[k]) / divisor)
  return d
}

export const constant = (value: number): Term => ({ value, d: ZERO })
/** Makes coordinate `index` of `count`. */
export const variable = (value: number, index: number, count: 8 | 12): Term => ({
  value,
  d: UNIT_VECTORS[count][index],
})
/** Makes a coordinate for a calculation without derivatives. */
export const valueOnly = (value: number): Term => ({ value, d: NONE })

/** Returns a + factor · b. */
export const add = (a: Term, b: Term, factor = 1): Term => ({
  value: a.value + factor * b.value,
  d: combine(1, a.d, factor, b.d),
})
export const subtract = (a: Term, b: Term): Term => add(a, b, -1)
export const sum = (terms: readonly Term[]): Term => terms.reduce((a, b) => add(a, b))

export const scale = (a: Term, factor: number): Term => ({ value: factor * a.value, d: combine(factor, a.d, 0, ZERO) })
export const multiply = (a: Term, b: Term): Term => ({
  value: a.value * b.value,
  d: combine(b.value, a.d, a.value, b.d),
})

/** Returns a / b, or `empty` with derivative 0 where b is 0. */
export function divide(a: Term, b: Term, empty: number): Term {
  if (b.value === 0) return constant(empty)
  const value = a.value / b.value
  return { value, d: combine(1, a.d, -value, b.d, b.value) }
}

/** Picks the minimum or maximum. At a tie each argument gets half of the derivative. */
function pick(a: Term, b: Term, value: number): Term {
  if (a.value === b.value) return { value, d: combine(0.5, a.d, 0.5, b.d) }
  return { value, d: value === a.value ? a.d : b.d }
}
export const min = (a: Term, b: Term): Term => pick(a, b, Math.min(a.value, b.value))
export const max = (a: Term, b: Term): Term => pick(a, b, Math.max(a.value, b.value))

/** Returns max(t, 0), with derivative 0 at 0. */
export const positivePart = (t: Term): Term => (t.value <= 0 ? constant(0) : t)

/** Applies a function of one number, given its value and slope there. */
export const chain = (t: Term, value: number, slope: number): Term => ({
  value,
  d: combine(bounded(slope), t.d, 0, ZERO),
})
export const absolute = (t: Term): Term => chain(t, Math.abs(t.value), Math.sign(t.value))
export const square = (t: Term): Term => chain(t, t.value * t.value, 2 * t.value)
export const exp = (t: Term): Term => chain(t, Math.exp(t.value), Math.exp(t.value))
export const log = (t: Term): Term => chain(t, Math.log(t.value), 1 / t.value)
export const sin = (t: Term): Term => chain(t, Math.sin(t.value), Math.cos(t.value))

/** Returns t^p, or 0 with derivative 0 where t is not positive. With p = 1 it returns t itself. */
export function power(t: Term, p: number): Term {
  if (p === 1) return t
  if (t.value <= 0) return constant(0)
  return chain(t, t.value ** p, p * t.value ** (p - 1))
}

/** Returns the Euclidean length of two or three components, with derivative 0 at length 0. */
export function length(parts: readonly Term[]): Term {
  // The components are read by index, because this is the busiest function and destructuring goes through an iterator.
  const x = parts[0]
  const y = parts[1]
  const z = parts[2]
  const value = z ? Math.hypot(x.value, y.value, z.value) : Math.hypot(x.value, y.value)
  if (value === 0) return constant(0)
  const d = combine(x.value / value, x.d, y.value / value, y.d)
  return { value, d: z ? combine(1, d, z.value / value, z.d) : d }
}

/** Returns atan(w / h): ±π/2 at h = 0, and 0 with derivative 0 where both are 0. */
export function angle(w: Term, h: Term): Term {
  const radius = Math.hypot(w.value, h.value)
  if (radius === 0) return constant(0)
  const value = h.value === 0 ? (Math.sign(w.value) * Math.PI) / 2 : Math.atan(w.value / h.value)
  const [slopeW, slopeH] = [h.value / radius / radius, -w.value / radius / radius]
  return { value, d: combine(bounded(slopeW), w.d, bounded(slopeH), h.d) }
}
