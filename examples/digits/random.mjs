// Seeded random numbers, the same on every machine and in every run. This file is in the folder so that the folder can
// be copied.

/**
 * A separate stream for each list of keys, for example a seed and the number of a canvas, so that any canvas can be
 * made without those before it.
 * @param {...number} keys Integers.
 * @returns {() => number} Uniform in [0, 1).
 */
export function randomStream(...keys) {
  let state = 0
  for (const key of keys) state = Math.floor(2 ** 32 * mulberry32(state ^ Math.imul(key + 1, 0x9e3779b1))())
  return mulberry32(state)
}

/**
 * Tommy Ettinger's generator.
 * @param {number} seed
 */
function mulberry32(seed) {
  let state = seed | 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}
