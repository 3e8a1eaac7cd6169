// Computes means over seeds, and whether two of them differ.

/** @param {readonly number[]} values */
export const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length

/**
 * Standard deviation of the population that the values are a sample of.
 * @param {readonly number[]} values
 */
export function deviation(values) {
  const middle = mean(values)
  return Math.sqrt(values.reduce((sum, value) => sum + (value - middle) ** 2, 0) / (values.length - 1))
}

/** 0.975 quantiles of Student's t with 1, 2, … degrees of freedom; beyond, the normal distribution's is near enough. */
const T = [
  ...[12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228],
  ...[2.201, 2.179, 2.16, 2.145, 2.131, 2.12, 2.11, 2.101, 2.093, 2.086],
]
const T_OF_MANY = 2.0

/**
 * @typedef {object} Difference
 * @property {number} mean
 * @property {number} low Of the 95 % confidence interval.
 * @property {number} high
 */

/**
 * The mean of a − b over seeds that both have: what a seed does to both cancels.
 * @param {readonly number[]} a
 * @param {readonly number[]} b
 * @returns {Difference} Bounds of NaN from a single seed.
 */
export function pairedDifference(a, b) {
  const differences = a.map((value, i) => value - b[i])
  const half = ((T[a.length - 2] ?? T_OF_MANY) * deviation(differences)) / Math.sqrt(a.length)
  const middle = mean(differences)
  return { mean: middle, low: middle - half, high: middle + half }
}
