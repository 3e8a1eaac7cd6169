// Finds and writes rows of the results.

/** @import { Results, Row } from './run.mjs' */

/**
 * The rows of a part that are as described.
 * @param {Results['parts']} parts
 * @param {string} part
 * @param {Partial<Row>} [like]
 */
export function rowsLike(parts, part, like = {}) {
  const wanted = Object.entries(like)
  return (parts[part] ?? []).filter((row) =>
    wanted.every(([key, value]) => row[/** @type {keyof Row} */ (key)] === value),
  )
}

/**
 * The one that must be there.
 * @param {Results['parts']} parts
 * @param {string} part
 * @param {Partial<Row>} like
 */
export function rowLike(parts, part, like) {
  const [row] = rowsLike(parts, part, like)
  if (!row) throw new Error(`the results have no row of ${part} like ${JSON.stringify(like)}`)
  return row
}

/** @param {number} boxes */
export const count = (boxes) => boxes.toLocaleString('en')

/** Bytes that loss and gradient of a box read and write: pred and target, grad. */
export const BYTES_A_BOX = 48

/** @param {Row} row */
export const gigabytes = ({ ns }, bytes = BYTES_A_BOX) => bytes / ns.median
