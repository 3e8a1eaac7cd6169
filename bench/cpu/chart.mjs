import { fileURLToPath } from 'node:url'
import { draw } from '../paper/chart.mjs'
import { rowsLike } from './rows.mjs'

// Nanoseconds per box by size: this package, its alternatives, and memory bandwidth.

/** @import { Results } from './run.mjs' */

/**
 * Okabe and Ito's colours, as in all charts here.
 * @type {{ label: string, part: string, name: string, colour: string, dash: number[] }[]}
 */
const LINES = [
  { label: 'tfjs autograd, cpu', part: 'peers', name: 'tfjs autograd, cpu', colour: '#cc79a7', dash: [2, 2] },
  { label: 'tfjs autograd, wasm', part: 'peers', name: 'tfjs autograd, wasm', colour: '#e69f00', dash: [6, 3] },
  { label: 'jax-js jit', part: 'peers', name: 'jax-js jit, wasm', colour: '#009e73', dash: [8, 2, 2, 2] },
  { label: 'JS loop', part: 'sizes', name: 'plain JS loop', colour: '#0072b2', dash: [6, 3] },
  { label: 'scaloss', part: 'sizes', name: 'scaloss', colour: '#d55e00', dash: [1, 0] },
  { label: 'memory (STREAM add)', part: 'sizes', name: 'STREAM add', colour: '#808080', dash: [2, 2] },
]

/**
 * Of ten.
 * @param {number} from
 * @param {number} to
 */
const powers = (from, to) => Array.from({ length: to - from + 1 }, (_, i) => 10 ** (from + i))

/**
 * @param {URL} folder
 * @param {Results} results
 */
export async function drawChart(folder, { parts, machine }) {
  const values = LINES.flatMap(({ label, part, name }) =>
    rowsLike(parts, part, { name, threads: 1 })
      .filter(({ simd }) => simd === undefined || simd === machine.simd)
      .map(({ boxes, ns }) => ({ what: label, boxes, ns: ns.median })),
  )
  const domain = LINES.map(({ label }) => label)
  await draw(
    fileURLToPath(folder),
    'cpu',
    {
      title: {
        text: 'SCALoss and its gradient, one thread',
        subtitle: `nanoseconds per box; ${machine.cpu}, ${machine.simd}`,
      },
      data: { values },
      width: 420,
      mark: { type: 'line', point: { filled: true, size: 30 } },
      encoding: {
        x: {
          field: 'boxes',
          type: 'quantitative',
          scale: { type: 'log' },
          axis: { format: '~s', title: 'boxes', values: powers(1, 7) },
        },
        y: {
          field: 'ns',
          type: 'quantitative',
          scale: { type: 'log' },
          axis: { format: ',', title: 'ns per box', values: powers(0, 5) },
        },
        color: {
          field: 'what',
          type: 'nominal',
          scale: { domain, range: LINES.map(({ colour }) => colour) },
          legend: { columns: 3 },
        },
        strokeDash: { field: 'what', type: 'nominal', scale: { domain, range: LINES.map(({ dash }) => dash) } },
      },
    },
    'Nanoseconds a box by number of boxes',
  )
}
