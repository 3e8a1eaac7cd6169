import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
// @ts-expect-error: Vega's types lack textMetrics
import { parse, textMetrics, View } from 'vega'
import { compile } from 'vega-lite'

// How every chart of the report looks, and how it becomes a file.

/**
 * @import { LossName } from 'scaloss'
 * @import { TopLevelSpec } from 'vega-lite'
 * @typedef {object} Style
 * @property {string} label
 * @property {string} colour
 * @property {number[]} dash Lengths of strokes and gaps: a second mark beside the colour.
 * @typedef {{ file: string, alt: string }} Image
 */

/**
 * Line styles of the losses, the same in all charts. Colours: Okabe and Ito's palette, which people with any of the
 * usual colour deficiencies tell apart; its black and yellow, lost on a dark or a light page, are grey and brown here;
 * wine, of Tol's, is the tenth.
 * @satisfies {{ [name in LossName]?: Style }}
 */
export const LOSS_STYLES = {
  iou: { label: 'IoU', colour: '#808080', dash: [1, 0] },
  giou: { label: 'GIoU', colour: '#56b4e9', dash: [6, 3] },
  diou: { label: 'DIoU', colour: '#0072b2', dash: [2, 2] },
  ciou: { label: 'CIoU', colour: '#009e73', dash: [8, 2, 2, 2] },
  so: { label: 'SO', colour: '#e69f00', dash: [6, 3] },
  cd: { label: 'CD', colour: '#cc79a7', dash: [2, 2] },
  sca: { label: 'SCA', colour: '#d55e00', dash: [1, 0] },
  smooth_l1: { label: 'smooth L1', colour: '#24292f', dash: [8, 2, 2, 2] },
  center: { label: 'centre', colour: '#a6761d', dash: [8, 2, 2, 2] },
  center2: { label: 'centre²', colour: '#a6761d', dash: [2, 2] },
  iou_cd: { label: 'IoU + CD', colour: '#882255', dash: [8, 2, 2, 2] },
}

/** @typedef {keyof typeof LOSS_STYLES} StyledLoss */

/**
 * Colour and dash channels over a field that holds the labels of these losses.
 * @param {readonly StyledLoss[]} names
 * @param {string} field
 */
export function lossChannels(names, field = 'loss') {
  const styles = names.map((name) => LOSS_STYLES[name])
  const domain = styles.map(({ label }) => label)
  return {
    color: { field, type: /** @type {const} */ ('nominal'), scale: { domain, range: styles.map((s) => s.colour) } },
    strokeDash: { field, type: /** @type {const} */ ('nominal'), scale: { domain, range: styles.map((s) => s.dash) } },
  }
}

/** Ink and paper; the second of each pair is for a dark page. */
const INK = ['#24292f', '#e6edf3']
const FAINT = ['#59636e', '#9198a1']
const GRID = ['#dde2e7', '#30363d']
const PAPER = ['#ffffff', '#0d1117']
export const ink = INK[0]
export const faint = FAINT[0]

const DARK = [INK, FAINT, GRID, PAPER]
  .flatMap(([light, dark]) => ['fill', 'stroke'].map((of) => `[${of}="${light}"]{${of}:${dark}}`))
  .join('')

// About 400 px wide: a phone shows a chart without scrolling and with letters of a readable size.
const WIDTH = 330
const HEIGHT = 230

/** @type {import('vega-lite').Config} */
const CONFIG = {
  background: PAPER[0],
  padding: 10,
  font: 'DejaVu Sans, Verdana, sans-serif',
  aria: false,
  view: { continuousWidth: WIDTH, discreteWidth: WIDTH, continuousHeight: HEIGHT, stroke: GRID[0] },
  title: {
    anchor: 'start',
    offset: 10,
    fontSize: 14,
    fontWeight: 600,
    color: INK[0],
    subtitleFontSize: 12,
    subtitleColor: FAINT[0],
  },
  axis: {
    labelFontSize: 12,
    titleFontSize: 12,
    titleFontWeight: 400,
    titlePadding: 8,
    gridColor: GRID[0],
    domainColor: FAINT[0],
    tickColor: FAINT[0],
    labelColor: INK[0],
    titleColor: INK[0],
  },
  legend: {
    title: null,
    orient: 'bottom',
    columns: 4,
    columnPadding: 14,
    labelFontSize: 12,
    symbolSize: 220,
    symbolStrokeWidth: 2.5,
    symbolType: 'stroke',
    labelColor: INK[0],
    titleColor: INK[0],
  },
  line: { strokeWidth: 2.5 },
}

// Without a canvas Vega takes letters for wider than any font has them, and leaves room for it.
textMetrics.width = (/** @type {{ fontSize?: number }} */ item, /** @type {unknown} */ text) =>
  0.63 * (item.fontSize ?? 12) * String(text ?? '').length

/**
 * Draws a Vega-Lite chart to NAME.svg, which follows the reader's light or dark theme.
 * @param {string} folder
 * @param {string} name
 * @param {TopLevelSpec} spec
 * @param {string} alt What the picture shows, for those who do not see it.
 * @returns {Promise<Image>}
 */
export async function draw(folder, name, spec, alt) {
  const { spec: chart } = compile(spec, { config: CONFIG })
  const view = new View(parse(chart), { renderer: 'none' })
  const svg = (await view.toSVG()).replace(/<[^>]+>/g, (tag) => tag.replace(/\d+\.\d{3,}/g, toHundredths))
  view.finalize()
  mkdirSync(folder, { recursive: true })
  const style = `<style>@media (prefers-color-scheme:dark){${DARK}}</style>`
  writeFileSync(join(folder, `${name}.svg`), `${svg.replace(/<svg[^>]*>/, (open) => open + style)}\n`)
  return { file: `${name}.svg`, alt }
}

/** Of a pixel, which is enough. @param {string} digits */
const toHundredths = (digits) => String(Number(Number(digits).toFixed(2)))
