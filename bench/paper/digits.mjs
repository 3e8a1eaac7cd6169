import { existsSync, readFileSync } from 'node:fs'

// The detector of digits (examples/digits), which `npm run compare` trains with the losses of the paper's tables. It is
// a small-scale counterpart and not the experiment of the paper. Without its results, the report says what is missing.

/**
 * @import { Table, Verdict } from './run.mjs'
 * @typedef {Record<string, number>} Scores By column, in percent.
 * @typedef {{ mean: number, low: number, high: number }} Difference Paired by seed, with the 95 % confidence interval.
 * @typedef {object} Row
 * @property {Scores} mean
 * @property {Scores | null} deviation
 * @property {Record<string, Difference> | null} difference This row less the table's reference.
 * @typedef {{ paperTable: number, reference: string, rows: Record<string, Row> }} ComparedTable
 * @typedef {{ name: string, points: { step: number, mean: number }[] }} Curve mAP during the training.
 * @typedef {{ columns: string[], seeds: number[], tables: ComparedTable[], curves: Curve[] }} Comparison
 */

export const MISSING = 'The detector of digits has not been trained here (npm run compare)'

/**
 * @param {string} file
 * @returns {Comparison | undefined}
 */
export const readComparison = (file) => (existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : undefined)

/** @type {(comparison: Comparison | undefined, paperTable: number) => ComparedTable | undefined} */
const find = (comparison, paperTable) => comparison?.tables.find((table) => table.paperTable === paperTable)

/**
 * @param {Comparison | undefined} comparison
 * @param {number} paperTable
 * @returns {Table[]} None or one.
 */
export function digitsTable(comparison, paperTable) {
  const table = find(comparison, paperTable)
  if (!comparison || !table) return []
  const { columns, seeds } = comparison
  const caption = `The same rows with the detector of digits, not the paper's data: ${seeds.length} seeds, mean ± standard deviation`
  return [
    {
      caption,
      head: ['', ...columns, `mAP less that of ${table.reference}, 95 %`],
      rows: Object.entries(table.rows).map(([label, { mean, deviation, difference }]) => [
        label,
        ...columns.map(
          (column) => `${mean[column].toFixed(1)}${deviation ? ` ± ${deviation[column].toFixed(1)}` : ''}`,
        ),
        difference ? interval(difference.mAP) : '',
      ]),
    },
  ]
}

export const signed = (/** @type {number} */ value) => `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(1)}`
const interval = (/** @type {Difference} */ { mean, low, high }) =>
  `${signed(mean)} (${signed(low)} to ${signed(high)})`

/**
 * Whether one row of a table is better than the table's reference.
 * @param {Comparison | undefined} comparison
 * @param {number} paperTable
 * @param {string} row
 * @param {string} [column]
 * @returns {{ finding: string, outcome: 'better' | 'worse' | 'within the noise' | undefined, verdict: Verdict }}
 */
export function digitsVerdict(comparison, paperTable, row, column = 'mAP') {
  const difference = find(comparison, paperTable)?.rows[row]?.difference?.[column]
  if (!comparison || !difference) return { finding: MISSING, outcome: undefined, verdict: 'not run' }
  const { low, high } = difference
  const outcome = low > 0 ? 'better' : high < 0 ? 'worse' : 'within the noise'
  return {
    finding: `${interval(difference)} ${column}, ${outcome}`,
    outcome,
    verdict: low > 0 ? 'reproduced' : 'not',
  }
}
