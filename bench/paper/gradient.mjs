import { boxLoss } from 'scaloss'
import { drawPairs, gradNorm, SAMPLING_NAMES, SAMPLINGS } from './boxes.mjs'
import { draw, LOSS_STYLES, lossChannels } from './chart.mjs'
import { writeData } from './data.mjs'

// Figure 1, left: the mean length of the gradient by IoU.

/**
 * @import { Context, Figure } from './run.mjs'
 * @import { SamplingName } from './boxes.mjs'
 * @typedef {object} Bin
 * @property {SamplingName} sampling
 * @property {string} loss
 * @property {string} iou Which pairs: 'apart' have no overlap, 'a-b' have a < IoU ≤ b.
 * @property {number} boxes
 * @property {number | null} mean Mean length of d loss / d (x1, y1, x2, y2).
 * @property {number | null} standardError
 */

const LOSSES = /** @type {const} */ (['iou', 'giou', 'diou', 'ciou', 'so', 'sca'])
const BINS = ['apart', ...Array.from({ length: 10 }, (_, i) => `${i / 10}-${(i + 1) / 10}`)]
const [APART, LOWEST] = BINS
const MIDDLE = '0.5-0.6'
const SEED = 1
/** Fewer boxes make no mean to draw. */
const ENOUGH = 30

/**
 * @param {SamplingName} sampling
 * @param {number} boxes
 * @returns {Bin[]}
 */
function measure(sampling, boxes) {
  const { pred, target } = drawPairs(SAMPLINGS[sampling].pair, boxes, SEED)
  return LOSSES.flatMap((name) => {
    const { grad, iou } = boxLoss(name, pred, target, { reduction: 'none', iou: true })
    const bins = BINS.map(() => ({ boxes: 0, sum: 0, squares: 0 }))
    for (let i = 0; i < boxes; i++) {
      const bin = bins[Math.ceil(10 * iou[i])]
      const length = gradNorm(grad, i)
      bin.boxes++
      bin.sum += length
      bin.squares += length ** 2
    }
    return bins.map(({ boxes, sum, squares }, i) => {
      const mean = boxes > 0 ? sum / boxes : null
      const variance = mean !== null && boxes > 1 ? (squares - boxes * mean ** 2) / (boxes - 1) : null
      const standardError = variance === null ? null : Math.sqrt(Math.max(variance, 0) / boxes)
      return { sampling, loss: LOSS_STYLES[name].label, iou: BINS[i], boxes, mean, standardError }
    })
  })
}

/** @type {(context: Context) => Promise<Figure>} */
export async function figure({ folder, quick, progress }) {
  const boxes = quick ? 20_000 : 1_000_000
  /** @type {Bin[]} */
  const rows = []
  const images = []
  for (const sampling of SAMPLING_NAMES) {
    progress(`gradients of ${boxes} boxes, ${SAMPLINGS[sampling].label}`)
    const bins = measure(sampling, boxes)
    rows.push(...bins)
    images.push(await chart(folder, sampling, bins))
  }

  /** @type {(sampling: SamplingName, loss: string, iou: string) => number} */
  const mean = (sampling, loss, iou) =>
    rows.find((row) => row.sampling === sampling && row.loss === loss && row.iou === iou)?.mean ?? Number.NaN
  /** What is left of the gradient at low overlap.
   * @type {(sampling: SamplingName, loss: string) => number} */
  const left = (sampling, loss) => mean(sampling, loss, LOWEST) / mean(sampling, loss, MIDDLE)
  const kept = (/** @type {string} */ loss) => SAMPLING_NAMES.map((name) => left(name, loss).toFixed(2)).join(', ')
  const longer = SAMPLING_NAMES.map((name) => mean(name, 'SCA', LOWEST) / mean(name, 'IoU', LOWEST))
  const gone = SAMPLING_NAMES.every((name) => mean(name, 'IoU', APART) === 0)
  const holds = gone && SAMPLING_NAMES.every((name) => left(name, 'IoU') < 0.5 && left(name, 'SCA') > 0.5)
  const parameters = { boxes, seed: SEED, dtype: 'float32', samplings: SAMPLINGS, losses: LOSSES }
  return {
    id: 'fig1-gradient',
    title: 'Figure 1, left: length of the gradient by IoU',
    statement:
      'The gradient of L_IoU drops significantly at low overlap and vanishes without any, while L_SO and L_SCA keep a large one.',
    finding: `Of the mean gradient at an IoU of 0.5 to 0.6, at 0 to 0.1 there is left, in the order of the pictures: IoU ${kept('IoU')}; GIoU
${kept('GIoU')}; SO ${kept('SO')}; SCA ${kept('SCA')}. SCA's is ${longer.map((times) => times.toFixed(1)).join(', ')} times as long as IoU's there. Without overlap
IoU's is ${gone ? 'exactly 0 for every pair' : 'not 0'}.`,
    verdict: holds ? 'reproduced' : 'partly',
    images,
    data: writeData(folder, 'fig1-gradient', parameters, rows),
    notes: [
      `${boxes.toLocaleString('en')} pairs a picture; the paper says "random" and no more, so three ways to draw them:`,
      ...SAMPLING_NAMES.map((name) => `${SAMPLINGS[name].label}: ${SAMPLINGS[name].text}`),
      `A gradient has the unit of one over a length, so only curves within a picture compare. Bins of fewer than ${ENOUGH} pairs are left out.`,
    ],
    statements: [
      {
        statement: 'GIoU and DIoU contain the IoU and still have the problem: smaller gradients at lower IoU.',
        finding: `Left of the gradient, as above: DIoU ${kept('DIoU')}; CIoU ${kept('CIoU')}; GIoU ${kept('GIoU')}. So DIoU and CIoU drop
nearly as IoU does, GIoU clearly less.`,
        verdict: SAMPLING_NAMES.every(
          (name) => left(name, 'GIoU') < left(name, 'SCA') && left(name, 'DIoU') < left(name, 'SCA'),
        )
          ? 'reproduced'
          : 'partly',
      },
    ],
  }
}

/**
 * @param {string} folder
 * @param {SamplingName} sampling
 * @param {Bin[]} bins
 */
function chart(folder, sampling, bins) {
  const axis = { labelAngle: 0, labelExpr: "slice(datum.label, indexof(datum.label, '-') + 1)" }
  const values = bins.filter((bin) => bin.boxes >= ENOUGH)
  return draw(
    folder,
    `fig1-gradient-${sampling}`,
    {
      title: { text: `Gradient length, ${SAMPLINGS[sampling].label}`, subtitle: 'mean of ‖∂L/∂(x1, y1, x2, y2)‖₂' },
      data: { values },
      encoding: {
        x: { field: 'iou', type: 'ordinal', sort: BINS, title: 'IoU up to (apart: no overlap)', axis },
        y: { field: 'mean', type: 'quantitative', title: null },
        ...lossChannels(LOSSES),
      },
      mark: { type: 'line', point: { size: 30 } },
    },
    `Line chart of the mean gradient length against IoU for ${LOSSES.map((name) => LOSS_STYLES[name].label).join(', ')}, ${SAMPLINGS[sampling].label}.`,
  )
}
