import { percent, short, spread, table, unique } from '../gpu/format.mjs'
import { BYTES_A_BOX, count, gigabytes, rowLike, rowsLike } from './rows.mjs'

// cpu.md: the results as tables. docs/performance.md draws conclusions from them.

/** @import { Results, Row } from './run.mjs' */

/** @param {number | undefined} value */
const times = (value) => (value === undefined ? '' : `${short(value)} x`)

/**
 * The share of the faster STREAM kernel, which is the one with plain stores in the caches, and with streaming stores
 * beyond.
 * @param {Row} row
 */
export function shareOf({ times: { stream, streamPlain } }) {
  const shares = [stream, streamPlain].filter((share) => share !== undefined)
  return shares.length === 0 ? '' : percent(Math.min(...shares))
}

/** @param {Row} row */
const title = ({ name, simd, threads, axes }) =>
  [name, simd, threads === 2 ? '2 threads' : '', axes === 3 ? '3 axes' : ''].filter(Boolean).join(', ')

/** @param {Results} results */
function sizesSection({ parts }) {
  const body = rowsLike(parts, 'sizes').map((row) => [
    count(row.boxes),
    title(row),
    spread(row.ns),
    gigabytes(row).toFixed(1),
    shareOf(row),
    times(row.times.oneThread),
    times(row.times.loop),
  ])
  return [
    '## `sca` by size',
    'Loss and gradient. The arrays come from `alloc`, unless a row says otherwise.',
    [
      `- _GB/s_ counts ${BYTES_A_BOX} bytes per box: pred and target are read, grad is written.`,
      '- _share of STREAM_ is the speed as a share of the faster of the two STREAM kernels, on the same arrays and threads.',
      '- _speed-up by two threads_ and _speed-up over a loop_ compare with one thread and with the plain JS loop.',
    ].join('\n'),
    table(
      ['boxes', 'what', 'ns per box', 'GB/s', 'share of STREAM', 'speed-up by two threads', 'speed-up over a loop'],
      body,
    ),
  ]
}

/** @param {Results} results */
function lossesSection({ parts, machine }) {
  const rows = rowsLike(parts, 'losses').filter(({ pass }) => pass !== undefined && pass !== 'pairwise')
  const sizes = unique(rows.map(({ boxes }) => boxes))
  const names = unique(rows.map(({ name }) => name))
  const widest = machine.simd
  /**
   * @param {Partial<Row>} like
   * @param {(row: Row) => string} cell
   */
  const bySize = (like, cell) =>
    table(
      ['loss', ...sizes.map(count)],
      names.map((name) => [
        `\`${name}\``,
        ...sizes.map((boxes) =>
          rowsLike(parts, 'losses', { ...like, name, boxes })
            .map(cell)
            .join(''),
        ),
      ]),
    )
  const fused = { pass: 'loss and gradient', threads: 1 }
  const pairs = rowsLike(parts, 'losses', { pass: 'pairwise' })
  return [
    '## All losses, ns per box',
    `Loss and gradient, ${widest}, one thread:`,
    bySize({ ...fused, simd: widest }, ({ ns }) => spread(ns)),
    'The same as a share of STREAM add on the same arrays:',
    bySize({ ...fused, simd: widest }, shareOf),
    ...(rowsLike(parts, 'losses', { simd: 'avx2' }).length > 0 && widest !== 'avx2'
      ? ['Loss and gradient, avx2, one thread:', bySize({ ...fused, simd: 'avx2' }, ({ ns }) => spread(ns))]
      : []),
    `Speed-up by two threads, ${widest}:`,
    bySize({ pass: 'loss and gradient', threads: 2 }, (row) => times(row.times.oneThread)),
    'The loss without a gradient, one thread:',
    bySize({ pass: 'loss alone' }, ({ ns }) => spread(ns)),
    `\`pairwise\` of ${pairs.map(({ boxes }) => count(boxes))[0]} boxes with as many, one thread:`,
    table(
      ['loss', 'ns per pair'],
      pairs.map(({ name, ns }) => [`\`${name}\``, spread(ns)]),
    ),
  ]
}

/** @param {Results} results */
function headsSection({ parts }) {
  const key = /** @type {Record<string, string>} */ ({ boxLoss: 'box', 'plain JS loop': 'loop' })
  return [
    '## Heads',
    '`headLoss` of `giou` from raw numbers, on one thread, beside `boxLoss` over the decoded boxes and a plain loop:',
    table(
      ['rows', 'kind', 'what', 'ns per row', 'its time, in times of `headLoss`'],
      rowsLike(parts, 'heads').map(({ boxes, name, code = '', ns }) => {
        const [head] = rowsLike(parts, 'heads', { boxes, name, code: 'headLoss' })
        return [count(boxes), `\`${name}\``, code, spread(ns), times(head?.times[key[code]])]
      }),
    ),
  ]
}

/** @param {Results} results */
function wasmSection({ parts }) {
  const key = /** @type {Record<string, string>} */ ({
    'backend wasm': 'wasm',
    'backend wasm, plan': 'plan',
    'backend js': 'js',
    'plain JS loop': 'loop',
  })
  return [
    '## Without the addon',
    'Loss and gradient on one thread: the backends that compute where the addon cannot be loaded, beside it.',
    table(
      ['boxes', 'loss', 'what', 'ns per box', 'times slower than the addon'],
      rowsLike(parts, 'wasm').map(({ boxes, name, code = '', simd, ns }) => {
        const [addon] = rowsLike(parts, 'wasm', { boxes, name, code: 'addon' })
        const what = simd === undefined ? code : `${code}, ${simd}`
        return [count(boxes), `\`${name}\``, what, spread(ns), times(addon?.times[key[code]])]
      }),
    ),
  ]
}

/** @param {Results} results */
export function callParts({ parts }) {
  const plan = (/** @type {number} */ boxes) => rowLike(parts, 'calls', { name: 'plan', boxes }).ns.median
  const slope = (plan(4096) - plan(256)) / (4096 - 256)
  const js = rowLike(parts, 'calls', { name: 'out', boxes: 0 }).ns.median
  return [16, 256].map((boxes) => {
    const whole = rowLike(parts, 'calls', { name: 'out', boxes }).ns.median
    const arithmetic = slope * boxes
    return { boxes, whole, js, arithmetic, native: whole - js - arithmetic }
  })
}

/** @param {Results} results */
export const callPartsTable = (results) =>
  table(
    ['boxes', 'the call, ns', 'checks and result in JavaScript', 'into the addon and back', 'arithmetic'],
    callParts(results).map(({ boxes, whole, js, native, arithmetic }) =>
      [boxes, ...[whole, js, native, arithmetic].map((ns) => ns.toFixed(0))].map(String),
    ),
  )

/** @param {Results} results */
function callsSection(results) {
  const rows = rowsLike(results.parts, 'calls')
  return [
    '## Calls',
    '`sca` with reduction `mean`, loss and gradient, one thread. The last column says how much longer an async call takes\n' +
      'than the same call with `out`.',
    table(
      ['call', 'boxes', 'µs', 'µs more than `out`'],
      rows.map(({ name, boxes, ns, adds }) => [
        name,
        count(boxes),
        spread(ns, 1e-3),
        adds.out === undefined ? '' : short(adds.out / 1e3),
      ]),
    ),
    'Where the time of a call with `out` goes:',
    [
      '- _checks and result in JavaScript_ is the time of a call without boxes, which does not enter the addon.',
      '- _arithmetic_ is the slope of the time of a plan between 256 and 4,096 boxes.',
      '- _into the addon and back_ is the rest.',
    ].join('\n'),
    callPartsTable(results),
  ]
}

/** @param {Results} results */
function peersSection({ parts }) {
  const rows = rowsLike(parts, 'peers')
  const own = rowsLike(parts, 'peers', { name: 'scaloss' })
  const key = /** @type {Record<string, string>} */ ({
    'plain JS loop': 'loop',
    'jax-js jit, wasm': 'jax',
    'tfjs autograd, wasm': 'wasm',
    'tfjs autograd, cpu': 'cpu',
  })
  return [
    '## Alternatives',
    'The mean of `sca` and its gradient, read into arrays, on one thread. Each alternative first had to give the result of\n' +
      'scaloss. The libraries get one tensor per coordinate, which is the fastest way for them.',
    table(
      ['boxes', 'what', 'ns per box', 'times slower', 'rounds'],
      rows.map(({ boxes, name, ns, rounds }) => [
        count(boxes),
        name,
        spread(ns),
        times(own.find((row) => row.boxes === boxes)?.times[key[name]]),
        String(rounds),
      ]),
    ),
  ]
}

/** @param {Results} results */
function trainerSection({ parts }) {
  return [
    '## A training step',
    'Gradient descent on the boxes themselves: `optimizer.minimize` of TensorFlow.js with `scaloss/tfjs` and with autograd,\n' +
      'jax-js with the whole step in its `jit`, and plain arrays. Each first had to move the boxes in the same way.',
    table(
      ['boxes', 'trainer', 'µs per step', 'speed-up over autograd', 'rounds'],
      rowsLike(parts, 'trainer').map(({ boxes, name, ns, rounds, times: { autograd } }) => [
        count(boxes),
        name,
        spread(ns, boxes / 1e3),
        times(autograd),
        String(rounds),
      ]),
    ),
  ]
}

/** @param {Results} results */
export const targetsTable = ({ targets }) =>
  table(
    ['what', 'target', 'measured', ''],
    targets.map(({ what, target, measured, unit, met }) => [
      what,
      target,
      `${measured}${unit}`,
      met ? 'met' : '**missed**',
    ]),
  )

/** @param {Results} results */
export function machineLine({ machine }) {
  const { cpu, cores, node, scaloss, commit, date, simd, packages } = machine
  const versions = Object.entries(packages).map(([name, version]) => `${name} ${version}`)
  return `${cpu}, ${cores} logical cores, ${simd}, Node ${node}, scaloss ${scaloss} (${commit}), ${versions.join(', ')}; ${date}`
}

/** @param {Results} results */
function startSection({ parts }) {
  const ms = (/** @type {number} */ ns) => (ns / 1e6).toFixed(1)
  return [
    '## Start',
    'A process that loads the package and computes one loss, and how much longer it takes than Node alone:',
    table(
      ['way', 'computes on', 'process, ms', 'of which the package, ms'],
      rowsLike(parts, 'start').map(({ name, code = '', ns, adds }) => [
        name,
        code,
        ms(ns.median),
        adds.nothing === undefined ? '' : ms(adds.nothing),
      ]),
    ),
  ]
}

const SECTIONS = {
  sizes: sizesSection,
  losses: lossesSection,
  heads: headsSection,
  wasm: wasmSection,
  calls: callsSection,
  start: startSection,
  peers: peersSection,
  trainer: trainerSection,
}

/** @param {Results} results */
export function page(results) {
  const { quick, seconds, parts } = results
  return `${[
    '# CPU benchmark',
    `${machineLine(results)}. Written by \`npm run bench\` in ${seconds} s.`,
    ...(quick ? ['**A quick run: its figures mean nothing.**'] : []),
    'All figures are float32. Times are medians, with quartiles in parentheses. All variants of a group take turns in every\n' +
      'round, and ratios are taken within a round. Slow variants take part in fewer rounds.',
    ...(parts.peers ? ['![Nanoseconds per box by number of boxes: scaloss and its alternatives](cpu.svg)'] : []),
    '## Targets',
    'If a target covers several figures, the worst one counts.',
    targetsTable(results),
    ...Object.entries(SECTIONS).flatMap(([part, section]) => (parts[part] ? section(results) : [])),
  ].join('\n\n')}\n`
}
