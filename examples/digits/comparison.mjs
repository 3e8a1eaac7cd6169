import { TABLES } from './configurations.mjs'
import { METRICS } from './evaluate.mjs'
import { deviation, mean, pairedDifference } from './statistics.mjs'

// Computes the tables of the paper from finished trainings.

/**
 * @import { Scores } from './evaluate.mjs'
 * @import { Difference } from './statistics.mjs'
 * @import { Result } from './train-detector.mjs'
 * @import { Settings } from './settings.mjs'
 * @typedef {object} Row
 * @property {Settings['loss']} loss
 * @property {number} [alpha]
 * @property {number} lossWeight
 * @property {Scores[]} runs In the order of the comparison's seeds.
 * @property {Scores} mean
 * @property {Scores | null} deviation Standard deviation over seeds; nothing from one seed.
 * @property {Record<keyof Scores, Difference> | null} difference Paired by seed: this row less the reference row.
 * @typedef {{ paperTable: number, caption: string, reference: string, rows: Record<string, Row> }} ComparedTable
 * @typedef {object} Curve mAP on the first held-out canvases during the training.
 * @property {string} name Of the configuration.
 * @property {{ step: number, mean: number, deviation: number | null }[]} points Over seeds.
 * @typedef {object} Comparison
 * @property {readonly string[]} columns
 * @property {number[]} seeds Of which every configuration was trained.
 * @property {Omit<Settings, 'loss' | 'alpha' | 'seed'>} settings
 * @property {ComparedTable[]} tables
 * @property {Curve[]} curves
 */

/** @type {(of: (metric: keyof Scores) => number) => Scores} */
const eachMetric = (of) => /** @type {Scores} */ (Object.fromEntries(METRICS.map((metric) => [metric, of(metric)])))
const rounded = (/** @type {number} */ value) => Number(value.toFixed(3))

/** @type {(runs: readonly Result[], metric: keyof Scores) => number[]} */
const scoresOf = (runs, metric) => runs.map(({ scores }) => scores[metric])

/**
 * @param {Result[]} runs Of one configuration, by seed.
 * @param {Result[]} references Of the reference, by the same seeds.
 * @returns {Row}
 */
function rowOf(runs, references) {
  const [{ settings, lossWeight }] = runs
  const several = runs.length > 1
  const differences = METRICS.map((metric) => {
    const { mean, low, high } = pairedDifference(scoresOf(runs, metric), scoresOf(references, metric))
    return [metric, { mean: rounded(mean), low: rounded(low), high: rounded(high) }]
  })
  return {
    loss: settings.loss,
    ...(settings.alpha !== undefined && { alpha: settings.alpha }),
    lossWeight,
    runs: runs.map(({ scores }) => eachMetric((metric) => rounded(scores[metric]))),
    mean: eachMetric((metric) => rounded(mean(scoresOf(runs, metric)))),
    deviation: several ? eachMetric((metric) => rounded(deviation(scoresOf(runs, metric)))) : null,
    difference: several && runs !== references ? Object.fromEntries(differences) : null,
  }
}

/**
 * @param {Record<string, Result[]>} runs Of each configuration, by the same seeds.
 * @param {string} name Of a configuration.
 */
function curveOf(runs, name) {
  const points = runs[name][0].curve.map(({ step }, at) => {
    const values = runs[name].map(({ curve }) => curve[at].mAP)
    return { step, mean: rounded(mean(values)), deviation: values.length > 1 ? rounded(deviation(values)) : null }
  })
  return { name, points }
}

/**
 * @param {Record<string, Result[]>} runs Of each configuration, by the same seeds.
 * @returns {Comparison}
 */
export function compareRuns(runs) {
  const ofOne = Object.values(runs)[0]
  const { loss, alpha, seed, ...settings } = ofOne[0].settings
  const tables = TABLES.map(({ rows, ...table }) => ({
    ...table,
    rows: Object.fromEntries(
      Object.entries(rows).map(([label, name]) => [label, rowOf(runs[name], runs[rows[table.reference]])]),
    ),
  }))
  return {
    columns: METRICS,
    seeds: ofOne.map(({ settings }) => settings.seed),
    settings,
    tables,
    curves: Object.keys(runs).map((name) => curveOf(runs, name)),
  }
}
