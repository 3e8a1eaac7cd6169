import { rowsLike } from './rows.mjs'

// The targets, and what was measured.

/**
 * @import { Results, Row } from './run.mjs'
 * @typedef {object} Target
 * @property {string} what
 * @property {number} [least]
 * @property {number} [most]
 * @property {string} unit
 * @property {(parts: Results['parts']) => number[]} of What was measured; the worst counts. Empty if nothing was.
 */

const MEMORY_SIZES = [1e6, 1e7]
const CACHE_SIZES = [1e3, 1e4, 1e5]
const WASM_SIZES = [1e3, 1e5]
const PEER_SIZES = [1e5, 1e6]
/** "Never slower": what the clock of a busy machine cannot tell apart. */
const NOISE = 0.03

/**
 * @param {number[]} sizes
 * @param {(row: Row) => boolean} [and]
 */
const at =
  (sizes, and = () => true) =>
  (/** @type {Row} */ row) =>
    sizes.includes(row.boxes) && and(row)

/** @param {string} simd */
const alone = (simd) => (/** @type {Row} */ row) => row.name === 'scaloss' && row.simd === simd && row.threads === 1

/** @param {Results['parts']} parts */
const twoThreads = (parts) =>
  ['sizes', 'losses'].flatMap((part) => rowsLike(parts, part, { threads: 2 })).filter((row) => row.times.oneThread)

/**
 * @param {string} name
 * @param {number} boxes
 */
const call = (name, boxes) => (/** @type {Results['parts']} */ parts) =>
  rowsLike(parts, 'calls', { name, boxes }).map(({ ns }) => ns.median / 1e3)

/** @param {string} peer */
const peer = (peer) => (/** @type {Results['parts']} */ parts) =>
  rowsLike(parts, 'peers', { name: 'scaloss' })
    .filter(at(PEER_SIZES))
    .map(({ times }) => times[peer])

/** @type {Target[]} */
const TARGETS = [
  ...Object.entries({ avx512: 0.85, avx2: 0.65 }).map(([simd, least]) => ({
    what: `\`sca\` with ${simd}, 1 and 10 million boxes: share of STREAM add with streaming stores`,
    least,
    unit: '',
    of: (/** @type {Results['parts']} */ parts) =>
      rowsLike(parts, 'sizes')
        .filter(at(MEMORY_SIZES, alone(simd)))
        .map(({ times }) => times.stream),
  })),
  ...Object.entries({ avx512: 1.65, avx2: 2.5 }).map(([simd, most]) => ({
    what: `\`sca\` with ${simd}, 1,000 to 100,000 boxes`,
    most,
    unit: ' ns per box',
    of: (/** @type {Results['parts']} */ parts) =>
      rowsLike(parts, 'sizes')
        .filter(at(CACHE_SIZES, alone(simd)))
        .map(({ ns }) => ns.median),
  })),
  {
    what: '`ciou`, 1,000 to 100,000 boxes: times `sca`',
    most: 2,
    unit: '',
    of: (parts) =>
      rowsLike(parts, 'losses', { name: 'ciou', pass: 'loss and gradient', threads: 1 })
        .filter(at(CACHE_SIZES, ({ times }) => times.sca !== undefined))
        .map(({ times }) => 1 / times.sca),
  },
  {
    what: 'two threads at 100,000 boxes, all losses: times one thread',
    least: 1.5,
    unit: '',
    of: (parts) =>
      twoThreads(parts)
        .filter(at([1e5]))
        .map(({ times }) => times.oneThread),
  },
  {
    what: `two threads at every size, all losses: times one thread, within ${100 * NOISE} %`,
    least: 1 - NOISE,
    unit: '',
    of: (parts) => twoThreads(parts).map(({ times }) => times.oneThread),
  },
  {
    what: '`wasm`, `sca`, `giou` and `ciou` from 1,000 boxes on: times the addon',
    most: 5,
    unit: '',
    of: (parts) =>
      rowsLike(parts, 'wasm', { code: 'addon' })
        .filter(at(WASM_SIZES))
        .map(({ times }) => times.wasm),
  },
  {
    what: 'plain JS loop, `sca`, `giou` and `ciou` from 1,000 boxes on: times `wasm`',
    least: 3,
    unit: '',
    of: (parts) =>
      rowsLike(parts, 'wasm', { code: 'backend wasm' })
        .filter(at(WASM_SIZES))
        .map(({ times }) => times.loop),
  },
  {
    what: '`headLoss`, coders of four numbers, 100 to 100,000 rows: times `boxLoss`',
    most: 2.5,
    unit: '',
    of: (parts) =>
      rowsLike(parts, 'heads', { code: 'headLoss' })
        .filter(({ name }) => name !== 'dfl')
        .map(({ times }) => 1 / times.box),
  },
  {
    what: 'plain JS loop, `dfl` with 16 bins: times `headLoss`',
    least: 8,
    unit: '',
    of: (parts) => rowsLike(parts, 'heads', { code: 'headLoss', name: 'dfl' }).map(({ times }) => times.loop),
  },
  { what: 'plan of 16 boxes', most: 0.1, unit: ' µs', of: call('plan', 16) },
  { what: 'plan of 256 boxes', most: 0.5, unit: ' µs', of: call('plan', 256) },
  { what: 'call with `out`, 256 boxes', most: 0.8, unit: ' µs', of: call('out', 256) },
  {
    what: 'async call: beyond the call with `out`, 256 to 100,000 boxes',
    most: 20,
    unit: ' µs',
    of: (parts) => rowsLike(parts, 'calls', { name: 'async' }).map(({ adds }) => adds.out / 1e3),
  },
  {
    what: 'load the package and compute one loss: beyond Node alone',
    most: 50,
    unit: ' ms',
    of: (parts) =>
      rowsLike(parts, 'start')
        .filter(({ name }) => name !== 'nothing')
        .map(({ adds }) => adds.nothing / 1e6),
  },
  { what: 'plain JS loop, 100,000 and 1 million boxes: times `sca`', least: 12, unit: '', of: peer('loop') },
  { what: 'jax-js jit', least: 12, unit: '', of: peer('jax') },
  { what: 'tfjs autograd, wasm', least: 200, unit: '', of: peer('wasm') },
  { what: 'tfjs autograd, cpu', least: 1000, unit: '', of: peer('cpu') },
]

/**
 * The targets that these parts can tell of.
 * @param {Results['parts']} parts
 */
export function targetsOf(parts) {
  return TARGETS.flatMap(({ what, least, most, unit, of }) => {
    const measured = of(parts)
    if (measured.length === 0) return []
    const worst = least === undefined ? Math.max(...measured) : Math.min(...measured)
    const met = worst >= (least ?? worst) && worst <= (most ?? worst)
    const target = `${least === undefined ? '≤' : '≥'} ${least ?? most}${unit}`
    return [{ what, target, measured: Number(worst.toPrecision(4)), unit, met }]
  })
}
