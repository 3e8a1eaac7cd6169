import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { simulate, simulationCases } from 'scaloss/simulation'
import { LOSS_STYLES } from './chart.mjs'

// Shows a few boxes of the simulation on their way to the target, with one panel for each loss. The SVG is animated
// (SMIL), also inside an <img> and offline.

const LOSSES = /** @type {const} */ (['iou', 'giou', 'diou', 'ciou', 'so', 'cd', 'sca'])

/** Width : height of the target, of the five the second. */
const TARGET = 1
/**
 * Column and row of the grid, size and shape of the anchors shown: one apart from the target, one that holds most of
 * it, one within.
 */
const ANCHORS = [
  { column: 2, row: 18, size: 0, shape: 1 },
  { column: 15, row: 4, size: 2, shape: 2 },
  { column: 11, row: 9, size: 0, shape: 1 },
]
const [COLUMNS, SIZES, SHAPES, TARGETS] = [20, 3, 3, 5]
const CASES = ANCHORS.map(
  ({ column, row, size, shape }) => (((row * COLUMNS + column) * SIZES + size) * SHAPES + shape) * TARGETS + TARGET,
)

/** Pixels. */
const PANEL = 124
const HEADER = 22
const GAP = 8
const PER_ROW = 3
const MARGIN = 10
/** What a panel shows of the plane. */
const VIEW = { left: 4.5, top: 3.5, size: 11.5 }
/** Iterations between two frames, seconds of the motion and of the rest before it begins again. */
const STRIDE = 5
const MOTION = 8
const REST = 2

const pixels = (/** @type {number} */ length) => Number(((length / VIEW.size) * PANEL).toFixed(1))

/**
 * The boxes and the mean IoU of all cases at each frame.
 * @param {(typeof LOSSES)[number]} loss
 * @param {{ lr: number, enlarge: boolean, iterations: number }} how
 */
function frames(loss, how) {
  const frames = []
  for (const { iteration, boxes, meanIou } of simulate(loss, { ...how, dtype: 'float64' })) {
    if (iteration % STRIDE > 0 && iteration < how.iterations) continue
    frames.push({ boxes: CASES.map((at) => [...boxes.subarray(4 * at, 4 * at + 4)]), meanIou })
  }
  return frames
}

/**
 * An attribute that takes these values one after the other, and keeps the last for a while.
 * @param {string} attribute
 * @param {number[]} values
 */
function animate(attribute, values) {
  const times = [...values.map((_, i) => (MOTION * i) / (values.length - 1)), MOTION + REST]
  const keyTimes = times.map((time) => Number((time / (MOTION + REST)).toFixed(4))).join(';')
  const all = [...values, values[values.length - 1]].join(';')
  return `<animate attributeName="${attribute}" values="${all}" keyTimes="${keyTimes}" dur="${MOTION + REST}s" repeatCount="indefinite"/>`
}

/** The numbers of a rectangle. @param {number[]} box */
const rectangle = ([x1, y1, x2, y2]) => ({
  x: pixels(x1 - VIEW.left),
  y: pixels(y1 - VIEW.top),
  width: pixels(x2 - x1),
  height: pixels(y2 - y1),
})

/** @param {Record<string, string | number>} attributes */
const written = (attributes) =>
  Object.entries(attributes)
    .map(([name, value]) => `${name}="${value}"`)
    .join(' ')

/**
 * @param {(typeof LOSSES)[number]} loss
 * @param {string} target
 * @param {ReturnType<typeof frames>} steps
 */
function panel(loss, target, steps) {
  const { label, colour } = LOSS_STYLES[loss]
  const boxes = CASES.map((_, which) => {
    const path = steps.map((step) => rectangle(step.boxes[which]))
    const moves = /** @type {const} */ (['x', 'y', 'width', 'height']).map((name) =>
      animate(
        name,
        path.map((place) => place[name]),
      ),
    )
    return `<rect ${written({ ...path[0], fill: colour, 'fill-opacity': 0.15, stroke: colour, 'stroke-width': 2 })}>${moves.join('')}</rect>`
  })
  const end = steps[steps.length - 1].meanIou
  return `<text x="0" y="15" class="name">${label}</text>
<text x="${PANEL}" y="15" class="value">${end.toFixed(3)}</text>
<g transform="translate(0 ${HEADER})" clip-path="url(#panel)"><rect width="${PANEL}" height="${PANEL}" class="frame"/>${boxes.join('\n')}
${target}</g>`
}

/** What the marks mean, and how far the descent is.
 * @param {number} iterations */
function legend(iterations) {
  const bar = animate('width', [0, PANEL])
  return `<text x="0" y="${HEADER + 16}" class="note">dashed: the target</text>
<text x="0" y="${HEADER + 36}" class="note">number: mean IoU of</text>
<text x="0" y="${HEADER + 50}" class="note">all boxes at the end</text>
<text x="0" y="${HEADER + 82}" class="note">iteration 0 to ${iterations}</text>
<rect y="${HEADER + 90}" width="${PANEL}" height="8" class="frame"/><rect y="${HEADER + 90}" width="${PANEL}" height="8" class="bar">${bar}</rect>`
}

const STYLE = `text{font-family:'DejaVu Sans',Verdana,sans-serif;fill:#24292f}.name{font-size:14px;font-weight:600}
.value{font-size:12px;text-anchor:end}.note{font-size:11px}.page{fill:#fff}.frame{fill:none;stroke:#dde2e7}.bar{fill:#59636e}
.target{fill:none;stroke:#24292f;stroke-width:1.5;stroke-dasharray:4 3}
@media (prefers-color-scheme:dark){text{fill:#e6edf3}.page{fill:#0d1117}.frame{stroke:#30363d}.bar{fill:#9198a1}.target{stroke:#e6edf3}}`

/**
 * @param {string} folder
 * @param {string} name
 * @param {{ lr: number, enlarge: boolean, iterations: number }} how
 */
export function drawDescent(folder, name, how) {
  const at = 4 * CASES[0]
  const target = `<rect ${written(rectangle(simulationCases().targets.slice(at, at + 4)))} class="target"/>`
  const cells = [...LOSSES.map((loss) => panel(loss, target, frames(loss, how))), legend(how.iterations)]
  const width = 2 * MARGIN + PER_ROW * PANEL + (PER_ROW - 1) * GAP
  const height = 2 * MARGIN + Math.ceil(cells.length / PER_ROW) * (HEADER + PANEL + GAP) - GAP
  const placed = cells.map((cell, i) => {
    const x = MARGIN + (i % PER_ROW) * (PANEL + GAP)
    const y = MARGIN + Math.floor(i / PER_ROW) * (HEADER + PANEL + GAP)
    return `<g transform="translate(${x} ${y})">${cell}</g>`
  })
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">
<style>${STYLE}</style><clipPath id="panel"><rect width="${PANEL}" height="${PANEL}"/></clipPath><rect width="100%" height="100%" class="page"/>
${placed.join('\n')}
</svg>
`
  writeFileSync(join(folder, `${name}.svg`), svg)
  return {
    file: `${name}.svg`,
    alt: 'Three boxes moving to their target by gradient descent, in a panel for each of seven losses.',
  }
}
