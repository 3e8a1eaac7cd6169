import { curve, drawCurves, firstSteps } from './curves.mjs'
import { writeData } from './data.mjs'
import { digitsTable, digitsVerdict, MISSING, readComparison } from './digits.mjs'
import { paperTable } from './paper-tables.mjs'

// Table 6: each part of SCALoss alone, by the simulation and by the detector of digits.

/**
 * @import { Row } from './curves.mjs'
 * @import { Context, Figure, Verdict } from './run.mjs'
 * @typedef {keyof typeof ROWS} Part
 */

/** The paper's rows. DIoU's term is what it means by centre distance. */
const ROWS = /** @type {const} */ ({
  center2: '(a) centre distance',
  cd: '(b) CD',
  iou: '(c) IoU',
  diou: '(d) IoU, centre distance (DIoU)',
  iou_cd: '(e) IoU, CD',
  so: '(f) SO',
  sca: '(g) SO, CD (SCA)',
})
const PARTS = /** @type {Part[]} */ (Object.keys(ROWS))
const RATE = 0.1

/** @param {Record<Part, Row[]>} runs */
const ends = (runs) =>
  /** @type {Record<Part, number>} */ (
    Object.fromEntries(PARTS.map((part) => [part, runs[part].at(-1)?.meanIou ?? Number.NaN]))
  )

/** Two findings as one verdict: what only one of them shows is shown in part.
 * @param {boolean[]} holds
 * @returns {Verdict} */
const together = (holds) => (holds.every(Boolean) ? 'reproduced' : holds.some(Boolean) ? 'partly' : 'not')

/** @type {(context: Context) => Promise<Figure>} */
export async function figure({ folder, quick, progress, digits }) {
  const iterations = quick ? 40 : 200
  /** @type {(chart: string, rateOf: (part: Part) => number) => Record<Part, Row[]>} */
  const run = (chart, rateOf) => {
    const runs = PARTS.map((part) => {
      progress(`parts of the loss, ${chart}: ${part}`)
      return [part, curve(chart, part, { geometry: 'dense', lr: rateOf(part), enlarge: true, iterations })]
    })
    return Object.fromEntries(runs)
  }
  const steps = firstSteps(PARTS, 'dense', true)
  const runs = [run('same rate', () => RATE), run('same first step', (part) => (RATE * steps.sca) / steps[part])]
  const [sameRate, sameStep] = runs.map(ends)
  const start = runs[0].iou[0].meanIou

  const comparison = readComparison(digits)
  const { columns, rows: quoted } = paperTable(6)
  const inDigits = (/** @type {Part} */ part) => digitsVerdict(comparison, 6, ROWS[part])
  /**
   * What the detector of digits adds to a finding and to a verdict: nothing where it was not trained.
   * @type {(part: Part) => string}
   */
  const trained = (part) => (comparison ? ` ${ROWS[part]} against IoU with the digits: ${inDigits(part).finding}.` : '')
  /** @type {(part: Part) => boolean[]} */
  const aheadTrained = (part) => (comparison ? [inDigits(part).outcome === 'better'] : [])

  const pair = (/** @type {Part} */ a, /** @type {Part} */ b) =>
    `${sameRate[a].toFixed(3)} against ${sameRate[b].toFixed(3)} at one rate, ${sameStep[a].toFixed(3)} against ${sameStep[b].toFixed(3)} with equal first steps`
  const ahead = (/** @type {Part} */ a, /** @type {Part} */ b) => [sameRate[a] > sameRate[b], sameStep[a] > sameStep[b]]

  const rows = runs.flatMap((of) => Object.values(of).flat())
  return {
    id: 'table6',
    title: 'Table 6: the parts of the loss, one by one',
    statement: 'Side overlap and corner distance can each be a loss of their own, centre distance cannot.',
    finding: `Simulation, mean IoU after ${iterations} steps (start ${start.toFixed(3)}): CD alone ${sameRate.cd.toFixed(3)} at one rate and ${sameStep.cd.toFixed(3)} with equal first
steps, SO ${sameRate.so.toFixed(3)} and ${sameStep.so.toFixed(3)}, centre distance ${sameRate.center2.toFixed(3)} and ${sameStep.center2.toFixed(3)}: a centre says nothing of a size.${trained('center2')}`,
    verdict: together([
      ...[sameRate, sameStep].map((end) => Math.min(end.cd, end.so) - start > 2 * (end.center2 - start)),
      ...(comparison ? [inDigits('center2').outcome === 'worse'] : []),
    ]),
    images: [
      await drawCurves(
        folder,
        'table6-same-rate',
        {
          title: 'Parts of the loss at one rate',
          subtitle: `dense geometry, rate ${RATE}, steps times 2 − IoU`,
          alt: 'Mean IoU and total L1 by iteration for the seven rows of Table 6 at one learning rate.',
        },
        Object.values(runs[0]).flat(),
        PARTS,
      ),
      await drawCurves(
        folder,
        'table6-same-step',
        {
          title: 'Parts of the loss with equal first steps',
          subtitle: 'dense geometry, rates scaled to the steps of SCA',
          alt: 'Mean IoU and total L1 by iteration for the seven rows of Table 6 with rates that give them the same mean first step.',
        },
        Object.values(runs[1]).flat(),
        PARTS,
      ),
    ],
    data: writeData(
      folder,
      'table6',
      { iterations, rate: RATE, dtype: 'float64', alpha: 0.5, firstSteps: steps },
      rows,
    ),
    notes: [
      'The simulation moves free boxes, a detector moves weights: the mAP of the one need not follow from the mean IoU of the other.',
      ...(comparison ? [] : [`${MISSING}: the verdicts are the simulation's.`]),
    ],
    tables: [
      {
        caption: `The simulation, mean IoU after ${iterations} steps, beside the mAP that the paper reports for SSD on PASCAL VOC`,
        head: ['', 'here: one rate', 'here: equal first steps', `the paper: ${columns[0]}`],
        rows: PARTS.map((part) => [
          ROWS[part],
          sameRate[part].toFixed(3),
          sameStep[part].toFixed(3),
          String(quoted[ROWS[part]][0]),
        ]),
      },
      ...digitsTable(comparison, 6),
    ],
    statements: [
      {
        statement: 'CD loss alone can be better than IoU loss.',
        finding: `Simulation: ${pair('cd', 'iou')}.${trained('cd')}`,
        verdict: together([...ahead('cd', 'iou'), ...aheadTrained('cd')]),
      },
      {
        statement: 'CD with IoU is more powerful than centre distance with IoU (DIoU).',
        finding: `Simulation: ${pair('iou_cd', 'diou')}.${trained('iou_cd')}${trained('diou')}`,
        verdict: together(ahead('iou_cd', 'diou')),
      },
      {
        statement: 'SO loss is a substantial improvement over IoU loss.',
        finding: `Simulation: ${pair('so', 'iou')}.${trained('so')}`,
        verdict: together([...ahead('so', 'iou'), ...aheadTrained('so')]),
      },
      {
        statement: 'SO and CD together are best of all rows.',
        finding: `Simulation: SCA ${sameRate.sca.toFixed(3)}, the best of the others ${best(sameRate)} at one rate; ${sameStep.sca.toFixed(3)}, ${best(sameStep)} with equal first steps.${trained('sca')}`,
        verdict: together([sameRate, sameStep].map((end) => PARTS.every((part) => end.sca >= end[part]))),
      },
    ],
  }
}

/** @param {Record<Part, number>} end */
function best(end) {
  const others = PARTS.filter((part) => part !== 'sca')
  const first = others.reduce((a, b) => (end[b] > end[a] ? b : a))
  return `${end[first].toFixed(3)} (${ROWS[first]})`
}
