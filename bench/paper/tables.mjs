import { readFileSync } from 'node:fs'
import { writeData } from './data.mjs'

// Tables 1 to 7, quoted: nothing was trained here.

/**
 * @import { Context, Figure } from './run.mjs'
 * @typedef {{ caption: string, columns?: string[], rows: Record<string, number[]> }} Quoted
 */

/** @type {{ columns: string[], tables: Quoted[] }} */
const paper = JSON.parse(readFileSync(new URL('tables.json', import.meta.url), 'utf8'))

/** @type {(context: Context) => Promise<Figure>} */
export async function figure({ folder }) {
  const rows = paper.tables.flatMap(({ caption, columns = paper.columns, rows }, i) =>
    Object.entries(rows).flatMap(([row, values]) =>
      values.map((value, at) => ({ table: i + 1, caption, row, metric: columns[at], paper: value, here: null })),
    ),
  )
  /** @type {(table: number, row: string, metric: string) => number} */
  const ap = (table, row, metric) =>
    rows.find((value) => value.table === table && value.row === row && value.metric === metric)?.paper ?? Number.NaN
  const others = ['IoU', 'GIoU', 'DIoU', 'CIoU']
  const leads = [1, 2].map(
    (table) => ap(table, 'SCA', 'AP50') - Math.max(...others.map((row) => ap(table, row, 'AP50'))),
  )
  return {
    id: 'tables',
    title: 'Tables 1 to 7: trained detectors',
    statement:
      'Detectors trained with L_SCA are better: by 1.1 mAP (YOLOv3-tiny), 0.5 (YOLOv3), 1.17 (SSD), 0.99 and 1.0 (Faster R-CNN) over L_IoU.',
    finding: "Not run here: no detector was trained. All numbers below are the paper's.",
    verdict: 'not run',
    images: [],
    data: writeData(folder, 'tables', { source: 'SCALoss, Zheng et al., AAAI 2022' }, rows),
    notes: [
      `What a person with the data and a GPU would run is in bench/paper/README.md. Differences of a few tenths of a point are what two runs of one
setting differ by: train each with three seeds at least.`,
      "Maintainers of today's detectors report small differences or none between such losses on COCO.",
    ],
    tables: paper.tables.map(({ caption, columns = paper.columns, rows }) => ({
      caption: `${caption}. The paper's figures; not run here`,
      head: ['', ...columns],
      rows: Object.entries(rows).map(([row, values]) => [row, ...values.map(String)]),
    })),
    statements: [
      {
        statement: 'AP at low overlap (AP50, AP65) is much better with L_SCA than with the others on COCO.',
        finding: `By the paper's own tables, AP50 with SCA against the best of the others: ${leads.map((lead, i) => `${lead > 0 ? '+' : ''}${lead.toFixed(1)} (table ${i + 1})`).join(', ')}. The
gains are at AP75 and above.`,
        verdict: leads.every((lead) => lead > 0) ? 'reproduced' : 'not',
      },
    ],
  }
}
