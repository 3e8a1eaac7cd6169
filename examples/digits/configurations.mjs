// The configurations to compare: the rows of the paper's tables 1, 6 and 7.

/**
 * @import { BoxLoss } from './loss-weights.mjs'
 * @typedef {BoxLoss & { name: string }} Configuration
 * @typedef {object} TableOfRuns
 * @property {number} paperTable
 * @property {string} caption
 * @property {string} reference Label of the row that the others are compared with.
 * @property {Record<string, string>} rows Labels as in bench/paper/tables.json, names of configurations.
 */

const ALPHAS = [0.2, 0.3, 0.4, 0.6, 0.7]

/** @type {Configuration[]} */
export const CONFIGURATIONS = [
  .../** @type {const} */ (['smooth_l1', 'iou', 'giou', 'diou', 'ciou', 'sca', 'center2', 'cd', 'iou_cd', 'so']).map(
    (loss) => ({ name: loss, loss }),
  ),
  ...ALPHAS.map((alpha) => ({ name: `sca-${alpha}`, loss: /** @type {const} */ ('sca'), alpha })),
]

/** @type {TableOfRuns[]} */
export const TABLES = [
  {
    paperTable: 1,
    caption: 'losses',
    reference: 'IoU',
    rows: { 'smooth L1': 'smooth_l1', IoU: 'iou', GIoU: 'giou', DIoU: 'diou', CIoU: 'ciou', SCA: 'sca' },
  },
  {
    paperTable: 6,
    caption: 'parts of the loss',
    reference: '(c) IoU',
    rows: {
      '(a) centre distance': 'center2',
      '(b) CD': 'cd',
      '(c) IoU': 'iou',
      '(d) IoU, centre distance (DIoU)': 'diou',
      '(e) IoU, CD': 'iou_cd',
      '(f) SO': 'so',
      '(g) SO, CD (SCA)': 'sca',
    },
  },
  {
    paperTable: 7,
    caption: 'the weight α of SCA',
    reference: '0.5',
    rows: Object.fromEntries(
      [0.2, 0.3, 0.4, 0.5, 0.6, 0.7].map((alpha) => [alpha, alpha === 0.5 ? 'sca' : `sca-${alpha}`]),
    ),
  },
]
