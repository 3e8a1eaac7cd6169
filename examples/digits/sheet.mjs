import { writeFileSync } from 'node:fs'
import { rasterise } from '../../bench/paper/chart.mjs'
import { CANVAS_SIZE } from './data.mjs'

// A picture of canvases with what is there and what was found.

/**
 * @import { Box, Canvas } from './data.mjs'
 * @import { Found } from './evaluate.mjs'
 */

const COLUMNS = 5
const ROWS = 3
/** Pixels of the picture a pixel of a canvas. */
const ZOOM = 2
const GAP = 4
const HEADER = 12
const LEAST_SCORE = 0.4
const TRUTH = '#56b4e9'
const FOUND = '#e69f00'

/**
 * @param {string} path Of the PNG.
 * @param {readonly Canvas[]} canvases
 * @param {readonly Found[][]} found For each canvas.
 */
export function drawSheet(path, canvases, found) {
  const cell = CANVAS_SIZE + GAP
  const shown = canvases.slice(0, COLUMNS * ROWS).map((canvas, i) => {
    const place = `translate(${GAP + (i % COLUMNS) * cell} ${HEADER + Math.floor(i / COLUMNS) * cell})`
    const boxes = [
      ...canvas.objects.map(({ box, digit }) => labelledBox(box, String(digit), TRUTH, 'truth')),
      ...found[i]
        .filter(({ score }) => score >= LEAST_SCORE)
        .map(({ box, digit }) => labelledBox(box, String(digit), FOUND, 'found')),
    ]
    return `<g transform="${place}">${image(canvas.pixels)}${boxes.join('')}</g>`
  })
  const [width, height] = [GAP + COLUMNS * cell, HEADER + ROWS * cell]
  const legend = `<text x="${GAP}" y="8"><tspan fill="${TRUTH}">truth: digit at the left</tspan><tspan dx="8" fill="${FOUND}">found: digit at the right</tspan></text>`
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width * ZOOM}" height="${height * ZOOM}" viewBox="0 0 ${width} ${height}" font-family="DejaVu Sans" font-size="6" font-weight="bold">
<rect width="100%" height="100%" fill="#24292f"/>${legend}${shown.join('')}</svg>`
  writeFileSync(path, rasterise(svg))
}

/**
 * The digit stands on the upper left of a true box, on the lower right of a found one.
 * @param {Box} box
 * @param {string} label
 * @param {string} colour
 * @param {'truth' | 'found'} kind
 */
function labelledBox([x1, y1, x2, y2], label, colour, kind) {
  const [x, y, anchor] = kind === 'truth' ? [x1 + 0.7, y1 + 5.2, 'start'] : [x2 - 0.7, y2 - 0.9, 'end']
  return `<rect x="${x1}" y="${y1}" width="${x2 - x1}" height="${y2 - y1}" fill="none" stroke="${colour}" stroke-width="0.7"/>
<text x="${x}" y="${y}" text-anchor="${anchor}" fill="${colour}">${label}</text>`
}

const LEVELS = 16

/**
 * Runs of equal grey as a path for each grey: the renderer needs no image format for it.
 * @param {Float32Array} pixels
 */
function image(pixels) {
  /** @type {string[]} */
  const paths = Array(LEVELS).fill('')
  const level = (/** @type {number} */ at) => Math.round((LEVELS - 1) * Math.min(1, Math.max(0, pixels[at])))
  for (let y = 0; y < CANVAS_SIZE; y++)
    for (let x = 0; x < CANVAS_SIZE; x++) paths[level(y * CANVAS_SIZE + x)] += `M${x} ${y}h1v1h-1z`
  return paths
    .map((path, i) => {
      const grey = Math.round((255 * i) / (LEVELS - 1))
      return path && `<path shape-rendering="crispEdges" fill="rgb(${grey},${grey},${grey})" d="${path}"/>`
    })
    .join('')
}
