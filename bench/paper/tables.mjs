import { draw, LOSS_STYLES, lossChannels } from './chart.mjs'
import { writeData } from './data.mjs'
import { digitsTable, digitsVerdict, MISSING, readComparison, signed } from './digits.mjs'
import { PAPER_TABLES, paperTable } from './paper-tables.mjs'

// Tables 1 to 7, quoted, beside the detector of digits, and Figure 6 by that detector.

/**
 * @import { Comparison } from './digits.mjs'
 * @import { Image } from './chart.mjs'
 * @import { Context, Figure, Statement } from './run.mjs'
 */

/** Those of the paper's figure. */
const CURVES = /** @type {const} */ (['giou', 'diou', 'sca'])

/** The paper's value. @type {(table: number, row: string, column: string) => number} */
function quoted(table, row, column) {
  const { columns, rows } = paperTable(table)
  return rows[row][columns.indexOf(column)]
}

/** @param {Comparison | undefined} comparison */
function quotedRows(comparison) {
  return PAPER_TABLES.flatMap(({ caption, columns, rows }, i) => {
    const digits = comparison?.tables.find((table) => table.paperTable === i + 1)
    return Object.entries(rows).flatMap(([row, values]) =>
      values.map((paper, at) => {
        const metric = columns[at]
        const of = digits?.rows[row]
        return {
          ...{ table: i + 1, caption, row, metric, paper },
          digits: of?.mean[metric] ?? null,
          digitsDeviation: of?.deviation?.[metric] ?? null,
        }
      }),
    )
  })
}

/**
 * Figure 6: mAP during the training.
 * @param {string} folder
 * @param {Comparison} comparison
 * @returns {Promise<{ image: Image, statement: Statement }>}
 */
async function trainingCurves(folder, { curves, seeds }) {
  const of = (/** @type {string} */ loss) => curves.find(({ name }) => name === loss)?.points ?? []
  const values = CURVES.flatMap((loss) => of(loss).map((point) => ({ ...point, loss: LOSS_STYLES[loss].label })))
  const rivals = CURVES.filter((loss) => loss !== 'sca').map(of)
  const sca = of('sca')
  const ahead = sca.filter(({ mean }, i) => rivals.every((points) => mean > points[i].mean)).length
  return {
    image: await draw(
      folder,
      'fig6-digits',
      {
        title: {
          text: 'Training the detector of digits',
          subtitle: `mean of ${seeds.length} seeds; not the paper's data`,
        },
        data: { values },
        encoding: {
          x: { field: 'step', type: 'quantitative', title: 'training step' },
          y: { field: 'mean', type: 'quantitative', title: 'mAP, %' },
          ...lossChannels(CURVES),
        },
        mark: 'line',
      },
      'mAP of the detector of digits by training step with GIoU, DIoU and SCA.',
    ),
    statement: {
      statement: 'Figure 6: SCALoss converges faster than GIoU and DIoU and has the higher AP throughout the training.',
      finding: `Detector of digits, mean of ${seeds.length} seeds: SCA is ahead of both at ${ahead} of ${sca.length} times; at the end ${CURVES.map((loss) => `${LOSS_STYLES[loss].label} ${of(loss).at(-1)?.mean.toFixed(1)}`).join(', ')}.`,
      verdict: ahead === sca.length ? 'reproduced' : ahead > sca.length / 2 ? 'partly' : 'not',
    },
  }
}

/** @typedef {Pick<Statement, 'finding' | 'verdict'>} Judgement */

/** @type {(comparison: Comparison | undefined) => Judgement} */
function highOverlap(comparison) {
  const columns = ['AP50', 'AP75', 'AP90']
  const [ap50, ...high] = columns.map((column) => digitsVerdict(comparison, 1, 'SCA', column))
  if (ap50.verdict === 'not run') return ap50
  const difference = comparison?.tables.find((table) => table.paperTable === 1)?.rows.SCA.difference
  const larger = ['AP75', 'AP90'].every((column) => (difference?.[column].mean ?? 0) > (difference?.AP50.mean ?? 0))
  const clear = high.every(({ verdict }) => verdict === 'reproduced')
  return {
    finding: `SCA against IoU with the digits: ${[ap50, ...high].map(({ finding }) => finding).join('; ')}.`,
    verdict: larger && clear ? 'reproduced' : larger ? 'partly' : 'not',
  }
}

/** @type {(comparison: Comparison | undefined) => Judgement} */
function bestAlpha(comparison) {
  const paper = 'In the paper the six lie within 0.22 points, from one training each.'
  const table = comparison?.tables.find(({ paperTable }) => paperTable === 7)
  if (!table) return { finding: `${paper} ${MISSING}.`, verdict: 'not run' }
  const others = Object.entries(table.rows).filter(([alpha]) => alpha !== '0.5')
  const best = others.every(([, { mean }]) => mean.mAP < table.rows['0.5'].mean.mAP)
  const clear = others.every(([alpha]) => (table.rows[alpha].difference?.mAP.high ?? 0) < 0)
  return {
    finding: `${paper} With the digits, less 0.5: ${others.map(([alpha]) => `α ${alpha} ${digitsVerdict(comparison, 7, alpha).finding}`).join('; ')}.`,
    verdict: best && clear ? 'reproduced' : best ? 'partly' : 'not',
  }
}

/** @type {(context: Context) => Promise<Figure>} */
export async function figure({ folder, digits }) {
  const comparison = readComparison(digits)
  const others = ['IoU', 'GIoU', 'DIoU', 'CIoU']
  const leads = [1, 2].map(
    (table) => quoted(table, 'SCA', 'AP50') - Math.max(...others.map((row) => quoted(table, row, 'AP50'))),
  )
  const lvis = Object.entries({ APr: 1.1, APc: 1.2, APf: 1.1 }).map(([column, said]) => ({
    column,
    said,
    gain: quoted(5, 'SCA', column) - quoted(5, 'IoU', column),
  }))
  const small = digitsVerdict(comparison, 1, 'SCA')
  const training = comparison && (await trainingCurves(folder, comparison))
  return {
    id: 'tables',
    title: 'Tables 1 to 7: trained detectors',
    statement:
      'Detectors trained with L_SCA are better: by 1.1 mAP (YOLOv3-tiny), 0.5 (YOLOv3), 1.17 (SSD), 0.99 and 1.0 (Faster R-CNN) over L_IoU.',
    finding: "None of the paper's detectors was trained here: numbers under the paper's captions are the paper's.",
    verdict: 'not run',
    images: training ? [training.image] : [],
    data: writeData(
      folder,
      'tables',
      { source: 'SCALoss, Zheng et al., AAAI 2022', digits: comparison?.seeds ?? null },
      quotedRows(comparison),
    ),
    notes: [
      `What a person with the data and a GPU would run is in bench/paper/README.md. Differences of a few tenths of a point are what two runs of one
setting differ by: train each with three seeds at least.`,
      comparison
        ? 'The detector of digits (examples/digits) is a small net on made pictures of handwritten digits: it can show a tendency, no number of COCO. Its README has how the losses are weighted.'
        : `${MISSING}.`,
      "Maintainers of today's detectors report small differences or none between such losses on COCO.",
    ],
    tables: PAPER_TABLES.flatMap(({ caption, columns, rows }, i) => [
      {
        caption: `${caption}. The paper's figures; not run here`,
        head: ['', ...columns],
        rows: Object.entries(rows).map(([row, values]) => [row, ...values.map(String)]),
      },
      // Table 6 has a section of its own.
      ...(i === 5 ? [] : digitsTable(comparison, i + 1)),
    ]),
    statements: [
      {
        statement: 'AP at low overlap (AP50, AP65) is much better with L_SCA than with the others on COCO.',
        finding: `By the paper's own tables, AP50 with SCA against the best of the others: ${leads.map((lead, i) => `${signed(lead)} (table ${i + 1})`).join(', ')}. The
gains are at AP75 and above.`,
        verdict: leads.every((lead) => lead > 0) ? 'reproduced' : 'not',
      },
      {
        statement: 'On LVIS, SCA improves on IoU by 1.1 points APr, 1.2 APc and 1.1 APf.',
        finding: `By the paper's own table 5: ${lvis.map(({ column, gain }) => `${signed(gain)} ${column}`).join(', ')}.`,
        verdict: lvis.every(({ gain, said }) => gain.toFixed(1) === said.toFixed(1)) ? 'reproduced' : 'partly',
      },
      {
        statement: 'In small: a detector trained with L_SCA has a higher mAP than one with L_IoU.',
        ...small,
        finding: comparison ? `SCA against IoU with the digits: ${small.finding}.` : small.finding,
      },
      {
        statement: 'In small: the improvement is largest at high overlap, as at AP75 and AP90.',
        ...highOverlap(comparison),
      },
      {
        statement: 'Table 7: α = 0.5 is the best weight.',
        ...bestAlpha(comparison),
      },
      ...(training ? [training.statement] : []),
    ],
  }
}
