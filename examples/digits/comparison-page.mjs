// Writes the comparison as Markdown.

/**
 * @import { Comparison, ComparedTable, Row } from './comparison.mjs'
 * @import { Difference } from './statistics.mjs'
 */

/** @param {readonly string[]} cells */
const line = (cells) => `| ${cells.join(' | ')} |`

/** @param {number} value */
const signed = (value) => `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(2)}`

/** @param {Difference} difference */
const verdict = ({ low, high }) => (low > 0 ? 'better' : high < 0 ? 'worse' : 'within the noise')

/**
 * @param {Comparison} comparison
 * @param {ComparedTable} table
 */
function tableLines({ columns }, { paperTable, caption, reference, rows }) {
  const metrics = /** @type {(keyof Row['mean'])[]} */ (columns)
  const head = ['', 'weight', ...columns, `mAP against ${reference}, 95 %`, '']
  const body = Object.entries(rows).map(([label, { lossWeight, mean, deviation, difference }]) => [
    label,
    String(lossWeight),
    ...metrics.map((metric) => `${mean[metric].toFixed(1)}${deviation ? ` ± ${deviation[metric].toFixed(1)}` : ''}`),
    ...(difference
      ? [
          `${signed(difference.mAP.mean)} (${signed(difference.mAP.low)} to ${signed(difference.mAP.high)})`,
          verdict(difference.mAP),
        ]
      : ['', '']),
  ])
  return [
    `## As the paper's table ${paperTable}: ${caption}`,
    '',
    ...[head, head.map((_, i) => (i === 0 ? '---' : '---:')), ...body].map(line),
    '',
  ]
}

/**
 * @param {Comparison} comparison
 * @param {string} machine Where it ran.
 */
export function comparisonPage(comparison, machine) {
  const { seeds, settings, tables } = comparison
  const compared = tables.reduce((sum, { rows }) => sum + Object.keys(rows).length - 1, 0)
  return `# Trainings compared

${seeds.length} trainings of each row (seeds ${seeds.join(', ')}), ${settings.steps} steps of ${settings.batch} canvases, ${settings.heldOut} held-out canvases; mean ± standard deviation over the
seeds, in percent. "Weight" is that of the box loss, by the rule "${settings.weights}". The last columns compare seed by seed (the same first weights and the same
canvases): the mean difference in mAP with its 95 % confidence interval, "within the noise" where 0 lies in it. Of ${compared} such intervals
about one leaves 0 out by chance alone.

${tables.flatMap((table) => tableLines(comparison, table)).join('\n')}
${machine}
`
}
