import { readFileSync, writeFileSync } from 'node:fs'
import { short, table } from '../gpu/format.mjs'
import { crossovers, LATENCY } from './model.mjs'
import { callPartsTable, machineLine, shareOf, targetsTable } from './report.mjs'
import { count, rowLike, rowsLike } from './rows.mjs'

// The figures in README.md and docs/performance.md are in blocks, <!-- bench:NAME --> to <!-- bench -->, which this
// file writes from the results. A test compares them.

/** @import { Results } from './run.mjs' */

const ROOT = new URL('../../', import.meta.url)
export const PAGES = ['README.md', 'docs/performance.md']
const PEERS_AT = 1e5

/** @type {Record<string, (results: Results) => string>} */
const BLOCKS = {
  machine: machineLine,

  peers: ({ parts }) => {
    const rows = rowsLike(parts, 'peers', { boxes: PEERS_AT })
    const own = rows.find(({ name }) => name === 'scaloss')
    if (!own) throw new Error(`the results have no peers at ${PEERS_AT} boxes`)
    const { loop, jax, wasm, cpu } = own.times
    const times = [1, loop, jax, wasm, cpu]
    return table(
      [`${count(PEERS_AT)} boxes, one thread`, 'ns per box', 'times slower'],
      rows.map(({ name, ns }, i) => [name, short(ns.median), short(times[i])]),
    )
  },

  sizes: ({ parts, machine }) => {
    const like = { name: 'scaloss', simd: machine.simd }
    return table(
      ['boxes', 'ns per box', 'share of STREAM add', 'speed-up by two threads', 'speed-up over a plain JS loop'],
      rowsLike(parts, 'sizes', { ...like, threads: 1 }).map((row) => {
        const both = rowLike(parts, 'sizes', { ...like, boxes: row.boxes, threads: 2 })
        const cells = [short(row.ns.median), shareOf(row), short(both.times.oneThread), `${short(row.times.loop)} x`]
        return [count(row.boxes), ...cells]
      }),
    )
  },

  arrays: ({ parts, machine }) =>
    table(
      ['boxes', '`alloc`, ns per box', 'ordinary typed arrays, ns per box'],
      [1e5, 1e6, 1e7].map((boxes) => [
        count(boxes),
        ...['scaloss', 'scaloss, ordinary arrays'].map((name) =>
          short(rowLike(parts, 'sizes', { name, boxes, simd: machine.simd, threads: 1 }).ns.median),
        ),
      ]),
    ),

  calls: ({ parts }) => {
    const sizes = [16, 256, 1e4]
    return table(
      ['µs per call', ...sizes.map((boxes) => `${count(boxes)} boxes`)],
      ['plan', 'out', 'fresh results', 'async'].map((name) => [
        name,
        ...sizes.map((boxes) => {
          const [row] = rowsLike(parts, 'calls', { name, boxes })
          return row ? short(row.ns.median / 1e3) : ''
        }),
      ]),
    )
  },

  'call-parts': callPartsTable,

  trainer: ({ parts }) => {
    const rows = rowsLike(parts, 'trainer')
    const sizes = [...new Set(rows.map(({ boxes }) => boxes))]
    return table(
      ['µs per step', ...sizes.map((boxes) => `${count(boxes)} boxes`)],
      [...new Set(rows.map(({ name }) => name))].map((name) => [
        name,
        ...sizes.map((boxes) => short((rowLike(parts, 'trainer', { name, boxes }).ns.median * boxes) / 1e3)),
      ]),
    )
  },

  crossover: (results) => {
    const from = (/** @type {number} */ boxes) =>
      Number.isFinite(boxes) ? count(Number(boxes.toPrecision(2))) : 'never'
    return table(
      ['GPU', 'ns per box', 'faster than one thread from', 'faster than two threads from'],
      crossovers(results).map(({ what, gpuNs, from: [one, two] }) => [what, short(gpuNs), from(one), from(two)]),
    )
  },

  latency: () => `${LATENCY} µs`,

  targets: targetsTable,
}

/**
 * @param {string} text
 * @param {Results} results
 */
export const fill = (text, results) =>
  text.replace(/(<!-- bench:([\w-]+) -->)(\n?).*?(<!-- bench -->)/gs, (_, open, name, newline, close) => {
    if (!Object.hasOwn(BLOCKS, name))
      throw new Error(`no block bench:${name}; there are ${Object.keys(BLOCKS).join(', ')}`)
    // A block that begins a new line is a paragraph or a table. Within a line it is part of the sentence.
    return newline ? `${open}\n\n${BLOCKS[name](results)}\n\n${close}` : open + BLOCKS[name](results) + close
  })

/** @param {Results} results */
export function writePages(results) {
  for (const page of PAGES) {
    const file = new URL(page, ROOT)
    writeFileSync(file, fill(readFileSync(file, 'utf8'), results))
  }
}
