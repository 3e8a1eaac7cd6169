import { parseArgs } from 'node:util'
import { boxLoss, pairwise } from 'scaloss'
import { LOSSES } from '../dist/losses.js'
import { machineLine, makeBoxes, quartiles, ratio, report, simdLevels, takeTurns } from './support.mjs'

// Nanoseconds a box for every loss, float32, mean, by SIMD level: loss and gradient with `out` reused, and the loss alone; and
// nanoseconds a pair for pairwise(). --json prints data; --save writes both forms to bench/results/; --rounds for a quick look.

/**
 * @import { LossName, LossOptions } from 'scaloss'
 * @typedef {{ label: string, name: LossName, options?: LossOptions }} Row
 * @typedef {{ boxes: number, pass: string, label: string, simd: string, ns: ReturnType<typeof quartiles>, timesSca: number }} Result
 */

const SIZES = [1e3, 1e5]
const BOXES_PER_TIMING = 3e5
const LARGEST = Math.max(...SIZES)
const PAIRWISE_SIDE = 1000
const PASSES = /** @type {const} */ (['loss and gradient', 'loss alone'])
const TARGET = { label: 'ciou', timesSca: 2 }

const image = { imageWidth: 640, imageHeight: 480 }
/** @type {Row[]} */
const rows = [
  ...Object.keys(LOSSES).map((label) => ({
    label,
    name: /** @type {LossName} */ (label),
    ...(label === 'mpdiou' && { options: image }),
  })),
  // The conventions run the code of the plain losses, other options code that any loss and option shares.
  { label: 'ciou, torchvision', name: 'ciou', options: { convention: 'torchvision' } },
  { label: 'iou, mode log', name: 'iou', options: { mode: 'log' } },
  { label: 'ciou, power 3', name: 'ciou', options: { power: 3 } },
]
/** @type {Row[]} */
const pairwiseRows = ['iou', 'giou', 'ciou', 'sca'].map((label) => ({ label, name: /** @type {LossName} */ (label) }))

const { values } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    save: { type: 'boolean', default: false },
    rounds: { type: 'string', default: '41' },
  },
})
const rounds = Number(values.rounds)
const { levels: all, select, restore } = simdLevels()
// The scalar level is there for comparison; npm run bench has it.
const levels = all.filter((level) => level !== 'scalar')

/**
 * Takes the times of each row at each level, all in turns.
 * @param {Row[]} rows
 * @param {(row: Row) => () => unknown} callOf
 * @param {{ items: number, boxes: number, pass: string }} what
 * @returns {Result[]}
 */
function time(rows, callOf, { items, boxes, pass }) {
  const variants = rows.flatMap((row) => {
    const call = callOf(row)
    return levels.map((level) => ({ label: row.label, level, select: () => select(level), call }))
  })
  const runs = takeTurns(variants, { rounds, items, perTiming: BOXES_PER_TIMING })
  const scaAt = (/** @type {string} */ level) =>
    runs.find((run) => run.label === 'sca' && run.level === level)?.times ?? []
  return runs.map(({ label, level, times }) => ({
    boxes,
    pass,
    label,
    simd: level,
    ns: quartiles(times),
    timesSca: ratio(times, scaAt(level)),
  }))
}

/** @param {number} boxes */
function timeLosses(boxes) {
  const inputs = { 2: makeBoxes(boxes), 3: makeBoxes(boxes, 3) }
  return PASSES.flatMap((pass) =>
    time(
      rows,
      ({ name, options }) => {
        const { pred, target } = inputs[LOSSES[name].axes]
        const grad = pass === 'loss and gradient'
        const out = grad ? { out: { grad: new Float32Array(pred.length) } } : {}
        const all = /** @type {const} */ ({ ...options, ...out, backend: 'cpu', threads: 1, grad })
        return () => boxLoss(name, pred, target, all)
      },
      { items: boxes, boxes, pass },
    ),
  )
}

function timePairwise() {
  const { pred, target } = makeBoxes(PAIRWISE_SIDE)
  const options = /** @type {const} */ ({ backend: 'cpu', threads: 1, out: new Float32Array(PAIRWISE_SIDE ** 2) })
  return time(
    pairwiseRows,
    ({ name }) =>
      () =>
        pairwise(name, pred, target, options),
    {
      items: PAIRWISE_SIDE ** 2,
      boxes: PAIRWISE_SIDE,
      pass: 'pairwise',
    },
  )
}

/** @param {string[]} cells The name, then three for each level. */
const line = ([name, ...cells]) => name.padEnd(19) + cells.map((cell, i) => cell.padStart([9, 16, 8][i % 3])).join('')

/**
 * Rows are losses; each level has its median, quartiles and ratio.
 * @param {string} title
 * @param {Result[]} results
 */
function tableOf(title, results) {
  const labels = [...new Set(results.map(({ label }) => label))]
  const at = (/** @type {string} */ label) => results.filter((result) => result.label === label)
  const cells = (/** @type {Result} */ { ns, timesSca }) => [
    ns.median.toFixed(2),
    `${ns.q1.toFixed(2)} to ${ns.q3.toFixed(2)}`,
    `${timesSca.toFixed(2)} x`,
  ]
  const head = levels.flatMap((level) => [level, 'quartiles', 'of sca'])
  return ['', title, line(['', ...head]), ...labels.map((label) => line([label, ...at(label).flatMap(cells)]))]
}

/** @param {string} pass */
function verdict(pass) {
  const judged = results.filter((result) => result.label === TARGET.label && result.pass === pass)
  const worst = Math.max(...judged.filter(({ boxes }) => boxes === LARGEST).map(({ timesSca }) => timesSca))
  return `${TARGET.label} takes ${worst.toFixed(2)} x of sca at most (${pass})`
}

function table() {
  return [
    machineLine,
    `float32, mean, out reused; median and quartiles of ${rounds} interleaved rounds`,
    ...SIZES.flatMap((boxes) =>
      PASSES.flatMap((pass) =>
        tableOf(
          `${boxes} boxes, ${pass}: ns a box`,
          results.filter((result) => result.boxes === boxes && result.pass === pass),
        ),
      ),
    ),
    ...tableOf(`pairwise, ${PAIRWISE_SIDE} x ${PAIRWISE_SIDE} boxes: ns a pair`, pairs),
    '',
    `Target: ${TARGET.label} within ${TARGET.timesSca} x of sca, ${PASSES[0]}, at ${LARGEST} boxes.`,
    ...PASSES.map(verdict),
  ].join('\n')
}

const results = SIZES.flatMap(timeLosses)
const pairs = timePairwise()
restore()
report('losses', { json: values.json, save: values.save }, { rounds, results, pairwise: pairs }, table())
