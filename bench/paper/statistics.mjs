// Correlation coefficients over a million values.

/** @typedef {Float32Array | Float64Array} Values */

/**
 * @param {Values} a
 * @param {Values} b
 */
export function pearson(a, b) {
  const n = a.length
  let [sumA, sumB] = [0, 0]
  for (let i = 0; i < n; i++) {
    sumA += a[i]
    sumB += b[i]
  }
  const [meanA, meanB] = [sumA / n, sumB / n]
  let [aa, ab, bb] = [0, 0, 0]
  for (let i = 0; i < n; i++) {
    const [x, y] = [a[i] - meanA, b[i] - meanB]
    aa += x * x
    ab += x * y
    bb += y * y
  }
  return ab / Math.sqrt(aa * bb)
}

/**
 * Pearson's coefficient of the ranks.
 * @param {Values} a
 * @param {Values} b
 */
export const spearman = (a, b) => pearson(ranks(a), ranks(b))

/** Rank of each value from 0; equal values share the mean of theirs.
 * @param {Values} values */
function ranks(values) {
  const sorted = values.slice().sort()
  const below = (/** @type {(value: number) => boolean} */ isBelow) => {
    let [low, high] = [0, sorted.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if (isBelow(sorted[middle])) low = middle + 1
      else high = middle
    }
    return low
  }
  return Float64Array.from(values, (value) => (below((v) => v < value) + below((v) => v <= value) - 1) / 2)
}
