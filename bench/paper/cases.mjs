import { boxLoss, pairwise } from 'scaloss'
import { gradNorm } from './boxes.mjs'
import { draw, ink, LOSS_STYLES } from './chart.mjs'
import { writeData } from './data.mjs'

// Figure 2: boxes within each other and boxes with one centre, where GIoU and DIoU say little more than IoU.

/**
 * @import { Box } from './boxes.mjs'
 * @import { Context, Figure } from './run.mjs'
 * @typedef {{ name: string, title: string, pred: Box }} Case
 */

/** @type {Box} */
const TARGET = [0, 0, 100, 100]
/** @type {Case[]} */
const CASES = [
  { name: 'corner', title: 'Within, in a corner', pred: [0, 0, 50, 50] },
  { name: 'off-centre', title: 'Within, off the centre', pred: [10, 30, 60, 80] },
  { name: 'centre', title: 'Within, same centre', pred: [25, 25, 75, 75] },
  { name: 'around', title: 'Around, same centre', pred: [-50, -50, 150, 150] },
  { name: 'wide', title: 'Same centre, other shape', pred: [-50, 25, 150, 75] },
  { name: 'near', title: 'Within, centre near', pred: [8, 4, 88, 92] },
]
const LOSSES = /** @type {const} */ (['iou', 'giou', 'diou', 'ciou', 'center2', 'so', 'cd', 'sca'])
const label = (/** @type {typeof LOSSES[number]} */ name) => (name === 'center2' ? 'ρ²/c²' : LOSS_STYLES[name].label)

/** @param {Case} of */
function evaluate({ name, pred: box }) {
  const [pred, target] = [Float32Array.from(box), Float32Array.from(TARGET)]
  return LOSSES.map((loss) => {
    const { grad } = boxLoss(loss, pred, target)
    const [value] = pairwise(loss, pred, target)
    return { case: name, loss, value, gradient: gradNorm(grad, 0) }
  })
}

/** @type {(context: Context) => Promise<Figure>} */
export async function figure({ folder, progress }) {
  progress('nested boxes and boxes with one centre')
  const results = CASES.map((of) => ({ of, values: evaluate(of) }))
  const rows = results.flatMap(({ of, values }) =>
    values.map((value) => {
      const [x1, y1, x2, y2] = of.pred
      return { ...value, x1, y1, x2, y2 }
    }),
  )
  /** @type {(name: string, loss: typeof LOSSES[number]) => number} */
  const loss = (name, of) => rows.find((row) => row.case === name && row.loss === of)?.value ?? Number.NaN
  const difference = (/** @type {string[]} */ names, /** @type {'giou' | 'diou'} */ of) =>
    Math.max(...names.map((name) => Math.abs(loss(name, of) - loss(name, 'iou'))))
  const three = (/** @type {'diou' | 'cd'} */ of) =>
    ['corner', 'off-centre', 'centre'].map((name) => loss(name, of).toFixed(3)).join(', ')
  const nested = ['corner', 'off-centre', 'centre', 'around', 'near']
  const concentric = ['centre', 'around', 'wide']
  const degrades = difference(nested, 'giou') === 0
  const vanishes = difference(concentric, 'diou') === 0
  return {
    id: 'fig2-cases',
    title: 'Figure 2: boxes within each other, boxes with one centre',
    statement:
      'When one box lies within the other, GIoU degrades into IoU; with the centres close, DIoU is roughly IoU.',
    finding: `L_GIoU − L_IoU is ${difference(nested, 'giou')} in each of the ${nested.length} nested cases, L_DIoU − L_IoU is ${difference(concentric, 'diou')} in the
${concentric.length} with one centre, and ${difference(['near'], 'diou').toFixed(5)} where the centres are near; corners are still apart in all (L_CD ${loss('near', 'cd').toFixed(3)} and more).`,
    verdict: degrades && vanishes ? 'reproduced' : 'partly',
    images: await Promise.all(results.map(({ of, values }) => picture(folder, of, values))),
    data: writeData(folder, 'fig2-cases', { target: TARGET, dtype: 'float32' }, rows),
    notes: [
      'To scale: the target is the plain outline, the prediction the filled box. The first three predictions are one box of half the side at three places.',
      `SO does not tell these three apart either: within the target its side overlaps are ratios of sides. CD does a little, DIoU's centre term as
long as the centres differ.`,
    ],
    tables: [
      {
        caption: 'Losses, as float32 gives them',
        head: ['', ...LOSSES.map(label)],
        rows: results.map(({ of, values }) => [of.title, ...values.map(({ value }) => value.toFixed(4))]),
      },
      {
        caption: 'Length of the gradient, per target side of 100 (times 100)',
        head: ['', ...LOSSES.map(label)],
        rows: results.map(({ of, values }) => [of.title, ...values.map(({ gradient }) => (100 * gradient).toFixed(3))]),
      },
    ],
    statements: [
      {
        statement: 'When predicted boxes lie within the ground truth, the IoU is the same wherever they lie.',
        finding: `L_IoU is ${loss('corner', 'iou')} at all three places of one box; L_DIoU ${three('diou')}; L_SO is
the same too (${loss('corner', 'so')}), and L_CD ${three('cd')}.`,
        verdict:
          loss('corner', 'iou') === loss('centre', 'iou') && loss('off-centre', 'iou') === loss('centre', 'iou')
            ? 'reproduced'
            : 'not',
      },
    ],
  }
}

/**
 * @param {string} folder
 * @param {Case} of
 * @param {ReturnType<typeof evaluate>} values
 */
function picture(folder, { name, title, pred }, values) {
  const rectangle = (/** @type {Box} */ [x1, y1, x2, y2], /** @type {object} */ style) => ({
    data: { values: [{ x1, y1, x2, y2 }] },
    mark: { type: /** @type {const} */ ('rect'), ...style },
    encoding: { x: axis('x1'), x2: { field: 'x2' }, y: axis('y1'), y2: { field: 'y2' } },
  })
  const texts = values.map(({ loss, value }) => `${label(loss)} ${value.toFixed(3)}`)
  const colour = LOSS_STYLES.diou.colour
  return draw(
    folder,
    `fig2-${name}`,
    {
      width: 260,
      height: 260,
      title: { text: title, subtitle: [texts.slice(0, 4).join(' · '), texts.slice(4).join(' · ')] },
      layer: [
        rectangle(TARGET, { fillOpacity: 0, stroke: ink, strokeWidth: 2.5 }),
        rectangle(pred, { fill: colour, fillOpacity: 0.25, stroke: colour, strokeWidth: 2.5, strokeDash: [6, 3] }),
      ],
    },
    `${title}: the prediction ${pred.join(', ')} against the target ${TARGET.join(', ')}; losses ${texts.join(', ')}.`,
  )
}

/** @param {string} field */
const axis = (field) => ({
  field,
  type: /** @type {const} */ ('quantitative'),
  scale: { domain: [-60, 160], reverse: field.startsWith('y') },
  axis: null,
})
