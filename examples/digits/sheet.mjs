import { writeFileSync } from 'node:fs'
import { encode } from 'fast-png'
import { CANVAS_SIZE } from './data.mjs'

// Draws canvases with their digits and the detections.

/**
 * @import { Box, Canvas } from './data.mjs'
 * @import { Found } from './evaluate.mjs'
 */

const COLUMNS = 5
const ROWS = 3
/** Pixels of the picture per pixel of a canvas. */
const ZOOM = 2
const GAP = 4
const HEADER = 12
const LEAST_SCORE = 0.4
const TRUTH = '#56b4e9'
const FOUND = '#e69f00'

/**
 * Writes an SVG with the canvases as PNGs within it.
 * @param {string} path
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
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width * ZOOM}" height="${height * ZOOM}" viewBox="0 0 ${width} ${height}" font-family="DejaVu Sans, Verdana, sans-serif" font-size="6" font-weight="bold">
<rect width="100%" height="100%" fill="#24292f"/>${legend}${shown.join('')}</svg>`
  writeFileSync(path, `${svg}\n`)
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

/** Of grey: more would only make the noise larger to store. */
const LEVELS = 16

/** @param {Float32Array} pixels */
function image(pixels) {
  const data = Uint8Array.from(pixels, (value) => {
    const level = Math.round((LEVELS - 1) * Math.min(1, Math.max(0, value)))
    return Math.round((255 * level) / (LEVELS - 1))
  })
  const png = Buffer.from(encode({ width: CANVAS_SIZE, height: CANVAS_SIZE, data, channels: 1 })).toString('base64')
  const size = `width="${CANVAS_SIZE}" height="${CANVAS_SIZE}"`
  return `<image ${size} style="image-rendering:pixelated" href="data:image/png;base64,${png}"/>`
}
