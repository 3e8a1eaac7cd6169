import { boxLoss } from 'scaloss'
import { drawPairs, SAMPLING_NAMES, SAMPLINGS } from './boxes.mjs'
import { draw, ink } from './chart.mjs'
import { writeData } from './data.mjs'
import { pearson, spearman } from './statistics.mjs'

// Figure 4: SO against IoU and GIoU, for pairs that overlap and for pairs that do not.

/**
 * @import { SamplingName } from './boxes.mjs'
 * @import { Context, Figure } from './run.mjs'
 * @typedef {'IoU' | 'GIoU'} Measure
 * @typedef {{ x: [number, number], y: [number, number] }} Range Of the measure and of SO.
 * @typedef {{ subset: string, against: Measure, range: Range, has: (iou: number) => boolean }} Panel
 * @typedef {{ sampling: SamplingName, subset: string, against: Measure, pairs: number }} Sample
 * @typedef {Sample & { pearson: number, spearman: number }} Coefficients
 */

const SEED = 2
const BINS = 80
/** Ticks of the colours. */
const POWERS = [1, 10, 100, 1000, 10_000, 100_000]
/** @type {Panel[]} */
const PANELS = [
  { subset: 'overlapping', against: 'IoU', range: { x: [0, 1], y: [0, 2] }, has: (iou) => iou > 0 },
  { subset: 'overlapping', against: 'GIoU', range: { x: [-1, 1], y: [0, 2] }, has: (iou) => iou > 0 },
  { subset: 'apart', against: 'GIoU', range: { x: [-1, 0], y: [-2, 1] }, has: (iou) => iou === 0 },
]
/** Where the paper sees a strong correlation. @type {Panel} */
const HIGH = { ...PANELS[0], subset: 'IoU over 0.5', has: (iou) => iou > 0.5 }
/** @type {Panel} */
const ALL = { ...PANELS[1], subset: 'all', has: () => true }
const SUBSETS = [...PANELS, HIGH, { ...HIGH, against: /** @type {const} */ ('GIoU') }, ALL]

/**
 * SO, IoU and GIoU of random pairs: the losses taken from what they are subtracted from.
 * @param {SamplingName} sampling
 * @param {number} boxes
 */
function measure(sampling, boxes) {
  const { pred, target } = drawPairs(SAMPLINGS[sampling].pair, boxes, SEED)
  const options = /** @type {const} */ ({ reduction: 'none', grad: false, iou: true })
  const { loss: so, iou } = boxLoss('so', pred, target, options)
  const { loss: giou } = boxLoss('giou', pred, target, options)
  return { SO: so.map((loss) => 2 - loss), IoU: iou, GIoU: giou.map((loss) => 1 - loss) }
}

/**
 * @param {ReturnType<typeof measure>} measures
 * @param {Panel} panel
 */
function select(measures, { against, has }) {
  const chosen = (/** @type {Float32Array} */ values) => values.filter((_, i) => has(measures.IoU[i]))
  return { x: chosen(measures[against]), so: chosen(measures.SO) }
}

/** @type {(context: Context) => Promise<Figure>} */
export async function figure({ folder, quick, progress }) {
  const boxes = quick ? 20_000 : 1_000_000
  /** @type {import('./chart.mjs').Image[]} */
  const images = []
  /** @type {Coefficients[]} */
  const rows = []
  for (const sampling of SAMPLING_NAMES) {
    progress(`SO, IoU and GIoU of ${boxes} pairs, ${SAMPLINGS[sampling].label}`)
    const measures = measure(sampling, boxes)
    for (const panel of SUBSETS) {
      const { x, so } = select(measures, panel)
      const coefficients = { pearson: pearson(x, so), spearman: spearman(x, so) }
      rows.push({ sampling, subset: panel.subset, against: panel.against, pairs: x.length, ...coefficients })
      if (sampling === 'corners' && PANELS.includes(panel)) images.push(await chart(folder, panel, x, so, coefficients))
    }
  }
  /** @type {(subset: string, against: Measure) => number[]} */
  const all = (subset, against) =>
    rows.filter((row) => row.subset === subset && row.against === against).map((row) => row.pearson)
  const list = (/** @type {number[]} */ values) => values.map((value) => value.toFixed(2)).join(', ')
  const strong = [all('overlapping', 'IoU'), all('overlapping', 'GIoU'), all('apart', 'GIoU')]
  const parameters = { boxes, seed: SEED, dtype: 'float32', samplings: SAMPLINGS }
  return {
    id: 'fig4-correlation',
    title: 'Figure 4: SO against IoU and GIoU',
    statement: 'SO is strongly correlated with IoU and with GIoU, overlapping or not.',
    finding: `Pearson's coefficient, for the samplings ${SAMPLING_NAMES.map((name) => SAMPLINGS[name].label).join(', ')}: overlapping pairs ${list(strong[0])} with
IoU and ${list(strong[1])} with GIoU; pairs apart ${list(strong[2])} with GIoU.`,
    verdict: strong.flat().every((value) => value > 0.8) ? 'reproduced' : 'partly',
    images,
    data: writeData(folder, 'fig4-correlation', parameters, rows),
    notes: [
      'The pictures show uniform corners ("random samples from coordinates", the paper says); colour is the number of pairs, in powers of ten.',
      'The line is the bound: SO = IoU + 1, SO = GIoU + 1. Bins may reach over it, pairs do not; the bounds have a section of their own.',
    ],
    tables: [
      {
        caption: 'Correlation of SO',
        head: ['pairs', 'with', 'number', 'Pearson', 'Spearman'],
        rows: rows.map(({ sampling, subset, against, pairs, pearson, spearman }) => [
          `${SAMPLINGS[sampling].label}, ${subset}`,
          against,
          pairs.toLocaleString('en'),
          pearson.toFixed(3),
          spearman.toFixed(3),
        ]),
      },
    ],
    statements: [
      {
        statement: 'The correlation is strong for high IoU.',
        finding: `Of pairs with an IoU over 0.5: ${list(all(HIGH.subset, 'IoU'))} with IoU, ${list(all(HIGH.subset, 'GIoU'))} with GIoU.`,
        verdict: [...all(HIGH.subset, 'IoU'), ...all(HIGH.subset, 'GIoU')].every((value) => value > 0.8)
          ? 'reproduced'
          : 'partly',
      },
    ],
  }
}

/**
 * @param {string} folder
 * @param {Panel} panel
 * @param {Float32Array} x
 * @param {Float32Array} so
 * @param {{ pearson: number, spearman: number }} coefficients
 */
function chart(folder, { subset, against, range }, x, so, { pearson, spearman }) {
  const bins = histogram(x, so, range)
  const most = Math.max(...bins.map(({ pairs }) => pairs))
  const name = `fig4-${against.toLowerCase()}-${subset}`
  const [left, right] = range.x
  const scale = (/** @type {[number, number]} */ domain) => ({ domain, nice: false, zero: false })
  const type = /** @type {const} */ ('quantitative')
  return draw(
    folder,
    name,
    {
      height: 300,
      layer: [
        {
          data: { values: bins },
          mark: 'rect',
          encoding: {
            x: { field: 'x1', type, title: against, scale: scale(range.x) },
            x2: { field: 'x2' },
            y: { field: 'y1', type, title: 'SO', scale: scale(range.y) },
            y2: { field: 'y2' },
            color: {
              field: 'pairs',
              type,
              scale: { type: 'log', scheme: 'viridis', domainMin: 1 },
              legend: {
                title: 'pairs',
                direction: 'horizontal',
                gradientLength: 300,
                values: POWERS.filter((power) => power <= most),
                format: 'd',
              },
            },
          },
        },
        {
          data: {
            values: [
              { x: left, so: left + 1 },
              { x: right, so: right + 1 },
            ],
          },
          mark: { type: 'line', color: ink, strokeWidth: 1.5 },
          encoding: { x: { field: 'x', type }, y: { field: 'so', type } },
        },
      ],
      title: {
        text: `SO against ${against}, pairs ${subset}`,
        subtitle: `Pearson ${pearson.toFixed(3)}, Spearman ${spearman.toFixed(3)}; line: SO = ${against} + 1`,
      },
    },
    `Density of SO against ${against} for ${x.length} pairs ${subset}, all below the line SO = ${against} + 1.`,
  )
}

/**
 * Bins that hold a pair at least.
 * @param {Float32Array} xs
 * @param {Float32Array} ys
 * @param {Range} range
 */
function histogram(xs, ys, { x: [left, right], y: [bottom, top] }) {
  const counts = new Uint32Array(BINS * BINS)
  const bin = (/** @type {number} */ part) => Math.min(Math.max(Math.floor(BINS * part), 0), BINS - 1)
  for (let i = 0; i < xs.length; i++)
    counts[BINS * bin((ys[i] - bottom) / (top - bottom)) + bin((xs[i] - left) / (right - left))]++
  const x = (/** @type {number} */ i) => left + (i * (right - left)) / BINS
  const y = (/** @type {number} */ i) => bottom + (i * (top - bottom)) / BINS
  return [...counts].flatMap((pairs, i) => {
    const [row, column] = [Math.floor(i / BINS), i % BINS]
    return pairs === 0 ? [] : [{ x1: x(column), x2: x(column + 1), y1: y(row), y2: y(row + 1), pairs }]
  })
}
