/** @import { Quartiles } from './timing.mjs' */

/** @param {number} boxes */
export function size(boxes) {
  if (boxes >= 2 ** 20 && boxes % 2 ** 20 === 0) return `${boxes / 2 ** 20} M`
  return boxes >= 2 ** 10 && boxes % 2 ** 10 === 0 ? `${boxes / 2 ** 10} k` : String(boxes)
}

/** Three significant digits. @param {number} value */
export const short = (value) => (value >= 1000 ? value.toFixed(0) : value.toPrecision(3))

/**
 * @param {Quartiles} times
 * @param {number} factor
 */
export const spread = ({ median, q1, q3 }, factor = 1) =>
  `${short(median * factor)} (${short(q1 * factor)} to ${short(q3 * factor)})`

/** @param {number} value */
export const percent = (value) => `${(100 * value).toFixed(1)} %`

/**
 * @param {string[]} head
 * @param {string[][]} rows
 */
export function table(head, rows) {
  const line = (/** @type {string[]} */ cells) => `| ${cells.join(' | ')} |`
  return [line(head), line(head.map((_, i) => (i === 0 ? '---' : '---:'))), ...rows.map(line)].join('\n')
}

/** @template T @param {T[]} values */
export const unique = (values) => [...new Set(values)]
