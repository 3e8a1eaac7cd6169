import type { FloatArray, Format } from '../core/types.js'

/** Makes a generator of seeded uniform numbers in [0, 1), with the same sequence on every machine. Tests and benchmarks
 * use it too. */
export function mulberry32(seed: number): () => number {
  let state = seed | 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

type Interval = [first: number, second: number]
type Uniform = (low: number, high: number) => number

/** Places a prediction relative to the target [a, b] on one axis. */
export type Place = (u: Uniform, a: number, b: number) => Interval

const SIMPLE = {
  overlap: (u, a, b) => [a + u(-0.4, 0.4) * (b - a), b + u(-0.4, 0.4) * (b - a)],
  disjoint: (u, a, b) => {
    const [gap, side] = [u(0.1, 1) * (b - a), u(0.5, 2) * (b - a)]
    return u(0, 1) < 0.5 ? [a - gap - side, a - gap] : [b + gap, b + gap + side]
  },
  nested: (u, a, b) => [a + u(0.05, 0.4) * (b - a), b - u(0.05, 0.4) * (b - a)],
  near: (u, a, b) => [a + u(-1e-3, 1e-3) * (b - a), b + u(-1e-3, 1e-3) * (b - a)],
  around: (u, a, b) => [a - u(0.05, 0.4) * (b - a), b + u(0.05, 0.4) * (b - a)],
  /** Places it beside the target, with a sliver of overlap or gap between them. */
  touching: (u, a, b) => {
    const [edge, side] = [u(-0.1, 0.1) * (b - a), u(0.5, 2) * (b - a)]
    return u(0, 1) < 0.5 ? [a + edge - side, a + edge] : [b + edge, b + edge + side]
  },
} satisfies Record<string, Place>

const MIXED = Object.values(SIMPLE)

export const PLACES = {
  ...SIMPLE,
  /** Chooses one of the kinds for each axis. */
  mixed: (u, a, b) => MIXED[Math.floor(u(0, MIXED.length))](u, a, b),
} satisfies Record<string, Place>

export type Boxes = Float32ArrayConstructor | Float64ArrayConstructor

export interface PairOptions {
  seed: number
  /** How predictions lie to their targets: row i uses place i modulo the number of places. */
  places: readonly Place[]
  /** Coordinates are multiples of this number, so that their sums and differences with each other are exact. 0 allows
   * any numbers. */
  step: number
  axes: 2 | 3
}

/** Draws `n` pairs of boxes as corners. Sides are 10 to 110, or up to 220 for boxes beside each other. No two edges of
 * a pair coincide unless `step` joins them. */
export function randomPairs(Boxes: Boxes, n: number, { seed, places, step, axes }: PairOptions) {
  const random = mulberry32(seed)
  const uniform: Uniform = (low, high) => low + (high - low) * random()
  const onGrid = (v: number) => (step === 0 ? v : Math.round(v / step) * step)
  const pred: FloatArray = new Boxes(2 * axes * n)
  const target: FloatArray = new Boxes(2 * axes * n)
  for (let i = 0; i < n; ++i) {
    const place = places[i % places.length]
    for (let axis = 0; axis < axes; ++axis) {
      const first = uniform(0, 200)
      const second = first + uniform(10, 110)
      const placed = place(uniform, first, second)
      for (const k of [0, 1]) {
        pred[2 * axes * i + axis + axes * k] = onGrid(placed[k])
        target[2 * axes * i + axis + axes * k] = onGrid([first, second][k])
      }
    }
  }
  return { pred, target }
}

/** Copies [N, columns] rows and maps each row. */
export function mapRows(rows: FloatArray, map: (row: number[]) => number[], columns = 4): FloatArray {
  const mapped = rows.slice()
  for (let i = 0; i < rows.length; i += columns) mapped.set(map([...rows.subarray(i, i + columns)]), i)
  return mapped
}

/** Converts boxes from corners to another format. */
export const toFormat = (corners: FloatArray, format: Format, axes: 2 | 3 = 2): FloatArray =>
  mapRows(
    corners,
    (row) => {
      const [first, second] = [row.slice(0, axes), row.slice(axes)]
      const size = second.map((v, k) => v - first[k])
      if (format === 'xywh') return [...first, ...size]
      if (format === 'cxcywh') return [...first.map((v, k) => (v + second[k]) / 2), ...size]
      return format === 'yxyx' ? [...first.reverse(), ...second.reverse()] : row
    },
    2 * axes,
  )
