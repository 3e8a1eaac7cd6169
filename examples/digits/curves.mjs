import { draw, LOSS_STYLES, lossChannels } from '../../bench/paper/chart.mjs'

// Draws the mAP during the training, as in figure 6 of the paper.

/**
 * @import { StyledLoss } from '../../bench/paper/chart.mjs'
 * @import { Comparison } from './comparison.mjs'
 */

/** Rows of table 1. @type {StyledLoss[]} */
const SHOWN = ['smooth_l1', 'iou', 'giou', 'diou', 'ciou', 'sca']

/**
 * Writes curves.svg.
 * @param {string} folder
 * @param {Comparison} comparison
 */
export async function drawCurves(folder, { curves, seeds }) {
  const losses = SHOWN.filter((loss) => curves.some(({ name }) => name === loss))
  const values = losses.flatMap((loss) => {
    const points = curves.find(({ name }) => name === loss)?.points ?? []
    return points.map(({ step, mean, deviation }) => {
      const spread = deviation ?? 0
      return { loss: LOSS_STYLES[loss].label, step, mean, low: mean - spread, high: mean + spread }
    })
  })
  const title = 'mAP during the training'
  const subtitle = seeds.length > 1 ? `mean of ${seeds.length} seeds, shaded: ± standard deviation` : 'one seed'
  const x = /** @type {const} */ ({ field: 'step', type: 'quantitative', title: 'step' })
  const { color, strokeDash } = lossChannels(losses)
  await draw(
    folder,
    'curves',
    {
      width: 480,
      height: 300,
      title: { text: title, subtitle },
      config: { legend: { symbolOpacity: 1, columns: 6 } }, // else as faint as the shades
      data: { values },
      encoding: { x, color },
      layer: [
        {
          mark: { type: 'area', opacity: 0.12 },
          encoding: { y: { field: 'low', type: 'quantitative', title: 'mAP, %' }, y2: { field: 'high' } },
        },
        { mark: 'line', encoding: { y: { field: 'mean', type: 'quantitative' }, strokeDash } },
      ],
    },
    title,
  )
}
