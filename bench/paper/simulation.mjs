import { boxLoss } from 'scaloss'
import { simulationCases } from 'scaloss/simulation'
import { draw, LOSS_STYLES, lossChannels } from './chart.mjs'
import { curve, drawCurves, firstSteps } from './curves.mjs'
import { writeData } from './data.mjs'
import { drawDescent } from './descent.mjs'

// Figure 5: the simulation experiment.

/**
 * @import { Geometry } from 'scaloss/simulation'
 * @import { Row } from './curves.mjs'
 * @import { Statement } from './run.mjs'
 * @typedef {object} Context
 * @property {string} folder
 * @property {boolean} quick
 * @property {(text: string) => void} progress
 * @property {(text: string) => void} log
 * @property {number} [lr] Learning rate of the curves.
 * @property {boolean} [enlarge] The factor 2 - IoU of the curves.
 * @typedef {(typeof LOSSES)[number]} Loss
 * @typedef {{ loss: string, lr: number, enlarge: boolean, steps: number | null, endIou: number }} RateRow
 */

const LOSSES = /** @type {const} */ (['iou', 'giou', 'diou', 'ciou', 'so', 'cd', 'sca'])
/** Those that the paper compares SCALoss with. */
const RIVALS = /** @type {const} */ (['iou', 'giou', 'diou'])
/** At the last, boxes jump over their targets until the rate falls. */
const RATES = [0.1, 0.2, 0.5, 1, 2]
/** Whose steps count as convergence. */
const GOAL = 0.75

const factor = (/** @type {boolean} */ enlarge) => (enlarge ? ', steps times 2 − IoU' : '')
const label = (/** @type {Loss} */ loss) => LOSS_STYLES[loss].label

/**
 * Steps to the goal, or undefined.
 * @param {Row[]} rows
 */
const stepsToGoal = (rows) => rows.find(({ meanIou }) => meanIou >= GOAL)?.iteration

/**
 * @param {string} folder
 * @param {RateRow[]} rows
 */
function drawRates(folder, rows) {
  const panel = (/** @type {boolean} */ enlarge) => ({
    title: {
      text: enlarge ? 'steps times 2 − IoU' : 'plain steps',
      fontSize: 12,
      fontWeight: /** @type {const} */ ('normal'),
      offset: 4,
    },
    transform: [{ filter: `datum.enlarge === ${enlarge}` }],
    mark: { type: /** @type {const} */ ('line'), point: true },
    encoding: {
      x: {
        field: 'lr',
        type: /** @type {const} */ ('quantitative'),
        scale: { type: /** @type {const} */ ('log'), nice: false },
        axis: { values: RATES, format: '~g' },
        title: 'learning rate',
      },
      y: { field: 'steps', type: /** @type {const} */ ('quantitative'), title: `steps to a mean IoU of ${GOAL}` },
      ...lossChannels(LOSSES),
    },
  })
  return draw(
    folder,
    'fig5-simulation-rates',
    {
      title: { text: 'Steps it takes, by learning rate', subtitle: 'dense geometry; no point: not reached' },
      data: { values: rows.filter(({ steps }) => steps !== null) },
      vconcat: [panel(false), panel(true)],
    },
    `Steps to a mean IoU of ${GOAL} by learning rate, without and with the factor 2 − IoU.`,
  )
}

/**
 * The statement against the numbers.
 * @param {Record<Loss, Row[]>} dense
 * @param {Record<Loss, Row[]>} matched
 * @param {RateRow[]} rates
 */
function judge(dense, matched, rates) {
  const end = (/** @type {Row[]} */ rows) => rows[rows.length - 1].meanIou
  const list = (/** @type {Record<Loss, Row[]>} */ runs) =>
    ['sca', ...RIVALS, 'ciou'].map(
      (loss) => `${label(/** @type {Loss} */ (loss))} ${end(runs[/** @type {Loss} */ (loss)]).toFixed(3)}`,
    )
  const leads = (/** @type {Record<Loss, Row[]>} */ runs) =>
    runs.sca.every(({ iteration, meanIou }) => RIVALS.every((loss) => meanIou >= runs[loss][iteration].meanIou))
  const settings = [...new Set(rates.map(({ lr }) => lr))].flatMap((lr) =>
    [false, true].map((enlarge) => rates.filter((r) => r.lr === lr && r.enlarge === enlarge)),
  )
  const reached = settings.filter((rows) => rows.some(({ steps }) => steps !== null))
  const fastest = reached.filter((rows) => {
    const of = (/** @type {Loss} */ loss) =>
      rows.find((row) => row.loss === label(loss))?.steps ?? Number.POSITIVE_INFINITY
    return RIVALS.every((loss) => of('sca') < of(loss))
  })
  const always = fastest.length === reached.length
  const atSameStep = leads(matched)
  const finding = [
    `At the same learning rate SCA ${leads(dense) ? 'is ahead at every iteration' : 'is not ahead throughout'}: mean IoU at the end ${list(dense).join(', ')}.`,
    `It is first at ${GOAL} in ${fastest.length} of ${reached.length} settings of rate and factor in which any loss gets there.`,
    `Its gradients are longer, though. With rates that give every loss the same mean first step, it ${atSameStep ? 'still leads' : 'does not lead'}:`,
    `${list(matched).join(', ')}. ${atSameStep ? 'The lead is more than step size.' : "The lead is one of step size, as the paper's own reason has it, and no sign of a better direction."}`,
  ].join(' ')
  /** @type {'reproduced' | 'partly' | 'not'} */
  const verdict = leads(dense) ? (always && atSameStep ? 'reproduced' : 'partly') : 'not'
  return { finding, verdict }
}

/**
 * What else the paper says that these runs decide.
 * @param {Record<Loss, Row[]>} dense
 * @param {Record<Loss, Row[]>} matched
 * @returns {Statement[]}
 */
function further(dense, matched) {
  const end = (/** @type {Row[]} */ rows) => rows[rows.length - 1].meanIou
  const pair = (/** @type {Record<Loss, Row[]>} */ runs) =>
    `${end(runs.diou).toFixed(3)} against ${end(runs.giou).toFixed(3)}`
  const ahead = [dense, matched].filter((runs) => end(runs.diou) > end(runs.giou)).length
  const overlap = simulationOverlap()
  return [
    {
      statement: 'DIoU converges faster than GIoU.',
      finding: `Mean IoU at the end, DIoU against GIoU: ${pair(dense)} at one rate, ${pair(matched)} with the same mean first step.`,
      verdict: ahead === 2 ? 'reproduced' : ahead === 1 ? 'partly' : 'not',
    },
    {
      statement: 'In the simulation, most boxes overlap their ground truth.',
      finding: `${(100 * overlap).toFixed(1)}\u00a0% of the 18,000 do.`,
      verdict: overlap > 0.5 ? 'reproduced' : 'not',
    },
  ]
}

/** The share of the cases whose boxes overlap. */
function simulationOverlap() {
  const { boxes, targets } = simulationCases()
  const { iou } = boxLoss('iou', Float64Array.from(boxes), Float64Array.from(targets), { iou: true, grad: false })
  return iou.filter((value) => value > 0).length / iou.length
}

/** @param {Context} context */
export async function figure({ folder, quick, progress, log, lr = 0.1, enlarge = true }) {
  const iterations = quick ? 40 : 200
  const tried = quick ? RATES.slice(2, 4) : RATES
  /** @type {(chart: string, geometry: Geometry, rateOf: (loss: Loss) => number) => Record<Loss, Row[]>} */
  const run = (chart, geometry, rateOf) => {
    const runs = LOSSES.map((loss) => {
      progress(`simulation, ${chart}: ${label(loss)}`)
      return [loss, curve(chart, loss, { geometry, lr: rateOf(loss), enlarge, iterations })]
    })
    return Object.fromEntries(runs)
  }
  const dense = run('dense', 'dense', () => lr)
  const wide = run('wide', 'wide', () => lr)
  const steps = firstSteps(LOSSES, 'dense', enlarge)
  const matched = run('same first step', 'dense', (loss) => (lr * steps.sca) / steps[loss])

  /** @type {RateRow[]} */
  const rates = tried.flatMap((lr) =>
    [false, true].flatMap((enlarge) =>
      LOSSES.map((loss) => {
        progress(`simulation, rate ${lr}: ${label(loss)}`)
        const rows = curve('', loss, { geometry: 'dense', lr, enlarge, iterations })
        const { meanIou } = rows[iterations]
        return { loss: label(loss), lr, enlarge, steps: stepsToGoal(rows) ?? null, endIou: meanIou }
      }),
    ),
  )
  const { finding, verdict } = judge(dense, matched, rates)
  log(finding)

  const rate = `rate ${lr}${factor(enlarge)}`
  const rows = [dense, wide, matched].map((runs) => Object.values(runs).flat())
  const parameters = { cases: simulationCases().boxes.length / 4, iterations, dtype: 'float64', alpha: 0.5 }
  return {
    id: 'fig5-simulation',
    title: 'Figure 5: the simulation experiment',
    statement:
      'SCALoss converges faster than the IoU, GIoU and DIoU losses, because it produces large gradients for boxes of low overlap; ' +
      'the similarity of corners and sides is the more efficient measure.',
    finding,
    verdict,
    images: [
      await drawCurves(
        folder,
        'fig5-simulation-dense',
        {
          title: 'Most anchors overlap their target',
          subtitle: `dense geometry, ${rate}`,
          alt: `Mean IoU and total L1 of 18,000 boxes by iteration for seven losses, dense geometry, ${rate}.`,
        },
        rows[0],
        LOSSES,
      ),
      await drawCurves(
        folder,
        'fig5-simulation-wide',
        {
          title: 'Most anchors lie apart from it',
          subtitle: `wide geometry, ${rate}`,
          alt: `Mean IoU and total L1 of 18,000 boxes by iteration for seven losses, wide geometry, ${rate}.`,
        },
        rows[1],
        LOSSES,
      ),
      await drawRates(folder, rates),
      await drawCurves(
        folder,
        'fig5-simulation-same-step',
        {
          title: 'The same first step for every loss',
          subtitle: 'dense geometry, rates scaled to the steps of SCA',
          alt: 'Mean IoU and total L1 by iteration for seven losses whose rates give them the same mean first step.',
        },
        rows[2],
        LOSSES,
      ),
      drawDescent(folder, 'fig5-simulation-descent', { lr, enlarge, iterations }),
    ],
    data: [
      ...writeData(folder, 'fig5-simulation', { ...parameters, lr, enlarge, firstSteps: steps }, rows.flat()),
      ...writeData(folder, 'fig5-simulation-rates', { ...parameters, geometry: 'dense', goal: GOAL }, rates),
    ],
    statements: further(dense, matched),
  }
}
