/** Derivatives of a function of a few numbers by central differences, which know how far they can be trusted. */

/** Steps in units of the boxes: powers of two, so that stepping off a coordinate rounds as little as it can. Most losses have
 * their slope at the first; those of boxes that nearly match or touch bend over shorter distances. */
const STEPS = [2 ** -13, 2 ** -17, 2 ** -21, 2 ** -25]

/** What a slope may be off by, in units of the largest one. Next to rounding: */
export const CERTAIN = 4e-7

export interface Slopes {
  slopes: Float64Array
  /** At a kink, or nearer to one than the smallest step: the differences contradict each other. */
  atKink: boolean
}

/**
 * The slopes at x of `f`, which is called at x itself first.
 *
 * Differences over one and two steps, extrapolated to none: (4·D1 − D2)/3. Where f is smooth, D1 and D2 agree, and so do the
 * second differences, S2 = 4·S1. Across a kink at least one of the two fails by about the jump of the slope.
 *
 * @param unit the step sizes are in this unit, a power of two about as large as the sides of the boxes.
 */
export function slopesOf(f: (x: Float64Array) => number, x: Float64Array, unit: number): Slopes {
  const centre = f(x)
  const slopes = new Float64Array(x.length)
  const moved = x.slice()
  for (const step of STEPS) {
    const h = step * unit
    let [doubt, largest] = [0, 0]
    const noise = (2 ** -52 * Math.abs(centre)) / h
    for (let k = 0; k < x.length; ++k) {
      const at = (steps: number) => {
        moved[k] = x[k] + steps * h
        return f(moved)
      }
      const [up, down, farUp, farDown] = [at(1), at(-1), at(2), at(-2)]
      moved[k] = x[k]
      const [d1, d2] = [(up - down) / (2 * h), (farUp - farDown) / (4 * h)]
      const bend = (farUp + farDown - 4 * (up + down) + 6 * centre) / h
      slopes[k] = (4 * d1 - d2) / 3
      doubt = Math.max(doubt, 4 * Math.abs(d1 - d2), Math.abs(bend))
      largest = Math.max(largest, Math.abs(slopes[k]))
    }
    if (doubt + (largest === 0 ? 0 : noise) <= CERTAIN * largest) return { slopes, atKink: false }
  }
  return { slopes, atKink: true }
}
