import { boxLoss } from 'scaloss'
import { simulate, simulationCases } from 'scaloss/simulation'
import { draw, LOSS_STYLES, lossChannels } from './chart.mjs'

// Runs of the simulation as rows and as curves.

/**
 * @import { Geometry } from 'scaloss/simulation'
 * @import { StyledLoss } from './chart.mjs'
 * @typedef {object} Row
 * @property {string} chart
 * @property {string} loss
 * @property {Geometry} geometry
 * @property {number} lr
 * @property {boolean} enlarge
 * @property {number} iteration
 * @property {number} meanIou
 * @property {number} totalL1
 */

/**
 * The curves of one loss, in float64.
 * @param {string} chart
 * @param {StyledLoss} loss
 * @param {{ geometry: Geometry, lr: number, enlarge: boolean, iterations: number }} how
 * @returns {Row[]}
 */
export function curve(chart, loss, how) {
  const { geometry, lr, enlarge } = how
  return Array.from(simulate(loss, { ...how, dtype: 'float64' }), ({ iteration, meanIou, totalL1 }) => ({
    ...{ chart, loss: LOSS_STYLES[loss].label, geometry, lr: Number(lr.toPrecision(6)), enlarge, iteration },
    meanIou: Number(meanIou.toFixed(6)),
    totalL1: Number(totalL1.toPrecision(6)),
  }))
}

/**
 * Mean length of the first step over the rate, by loss.
 * @template {StyledLoss} L
 * @param {readonly L[]} losses
 * @param {Geometry} geometry
 * @param {boolean} enlarge
 */
export function firstSteps(losses, geometry, enlarge) {
  const cases = simulationCases(geometry)
  const [boxes, targets] = [Float64Array.from(cases.boxes), Float64Array.from(cases.targets)]
  const lengths = losses.map((loss) => {
    const { grad, iou } = boxLoss(loss, boxes, targets, { reduction: 'sum', iou: true })
    const each = Array.from(
      iou,
      (value, i) => (enlarge ? 2 - value : 1) * Math.hypot(...grad.subarray(4 * i, 4 * i + 4)),
    )
    return [loss, each.reduce((sum, length) => sum + length) / each.length]
  })
  return /** @type {Record<L, number>} */ (Object.fromEntries(lengths))
}

/**
 * Mean IoU above, total L1 below.
 * @param {string} folder
 * @param {string} name
 * @param {{ title: string, subtitle: string, alt: string }} text
 * @param {Row[]} rows
 * @param {readonly StyledLoss[]} losses
 */
export function drawCurves(folder, name, { title, subtitle, alt }, rows, losses) {
  const x = { field: 'iteration', type: /** @type {const} */ ('quantitative'), title: 'iteration' }
  const panel = (/** @type {keyof Row} */ field, /** @type {string} */ of, /** @type {object} */ axis) => ({
    mark: /** @type {const} */ ('line'),
    encoding: {
      x,
      y: { field, type: /** @type {const} */ ('quantitative'), title: of, ...axis },
      ...lossChannels(losses),
    },
  })
  return draw(
    folder,
    name,
    {
      title: { text: title, subtitle },
      data: { values: rows.map(({ loss, iteration, meanIou, totalL1 }) => ({ loss, iteration, meanIou, totalL1 })) },
      vconcat: [panel('meanIou', 'mean IoU', {}), panel('totalL1', 'total L1', { axis: { format: '~s' } })],
    },
    alt,
  )
}
