// Checks that all variants give the same result, because otherwise their times could not be compared.

/**
 * @typedef {object} Result
 * @property {number} loss The mean.
 * @property {ArrayLike<number>} grad Of the mean, [N, 4].
 */

/** Float32 sums of a million losses, in whatever order a peer adds them. */
const LOSS_TOLERANCE = 1e-4
/** Of the gradient's norm. */
export const GRAD_TOLERANCE = 1e-5

/**
 * @param {string} name
 * @param {Result} actual
 * @param {Result} expected
 * @throws {Error} They differ by more than float32 explains.
 */
export function checkAgrees(name, actual, expected, gradTolerance = GRAD_TOLERANCE) {
  const lossError = Math.abs(actual.loss - expected.loss) / Math.abs(expected.loss)
  let difference = 0
  let norm = 0
  for (let i = 0; i < expected.grad.length; i++) {
    difference += (actual.grad[i] - expected.grad[i]) ** 2
    norm += expected.grad[i] ** 2
  }
  const gradError = Math.sqrt(difference / norm)
  if (!(actual.grad.length === expected.grad.length && lossError <= LOSS_TOLERANCE && gradError <= gradTolerance))
    throw new Error(
      `${name} does not give the result of scaloss: loss ${actual.loss} for ${expected.loss}, gradient off by ${gradError} of its norm`,
    )
}

/**
 * [N, 4] of the columns that a peer works on.
 * @param {ArrayLike<number>[]} columns
 */
export function rowsOf(columns) {
  const rows = new Float32Array(columns.length * columns[0].length)
  columns.forEach((column, k) => {
    for (let i = 0; i < column.length; i++) rows[columns.length * i + k] = column[i]
  })
  return rows
}

/**
 * The columns of [N, 4].
 * @param {Float32Array} rows
 */
export const columnsOf = (rows) =>
  [0, 1, 2, 3].map((k) => Float32Array.from({ length: rows.length / 4 }, (_, i) => rows[4 * i + k]))
