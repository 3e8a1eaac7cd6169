import { percent, short, spread, table, unique } from '../gpu/format.mjs'
import { BYTES_A_BOX, count, gigabytes, rowLike, rowsLike } from './rows.mjs'

// cpu.md: the results as tables. docs/performance.md says what follows from them.

/** @import { Results, Row } from './run.mjs' */

/** @param {number | undefined} value */
const times = (value) => (value === undefined ? '' : `${short(value)} x`)

/** Of the faster STREAM kernel: with plain stores in the caches, with streaming ones beyond. @param {Row} row */
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
    `Loss and gradient, arrays of \`alloc\`. GB/s: ${BYTES_A_BOX} bytes a box, pred and target read, grad written. Share: of the faster of ` +
      'the two STREAM kernels on the same arrays and as many threads.',
    table(['boxes', 'what', 'ns a box', 'GB/s', 'share of STREAM', 'of one thread', 'of the loop'], body),
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
    '## All losses, ns a box',
    `Loss and gradient, ${widest}, one thread:`,
    bySize({ ...fused, simd: widest }, ({ ns }) => spread(ns)),
    'Share of STREAM add on the same arrays:',
    bySize({ ...fused, simd: widest }, shareOf),
    ...(rowsLike(parts, 'losses', { simd: 'avx2' }).length > 0 && widest !== 'avx2'
      ? ['Loss and gradient, avx2, one thread:', bySize({ ...fused, simd: 'avx2' }, ({ ns }) => spread(ns))]
      : []),
    'Two threads: times as fast as one.',
    bySize({ pass: 'loss and gradient', threads: 2 }, (row) => times(row.times.oneThread)),
    'The loss alone, one thread:',
    bySize({ pass: 'loss alone' }, ({ ns }) => spread(ns)),
    `\`pairwise\`, ${pairs.map(({ boxes }) => count(boxes))[0]} by as many boxes, one thread:`,
    table(
      ['loss', 'ns a pair'],
      pairs.map(({ name, ns }) => [`\`${name}\``, spread(ns)]),
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
    '`sca`, mean, loss and gradient, one thread. Beyond: what an async call takes longer than the same call with `out`.',
    table(
      ['call', 'boxes', 'µs', 'beyond, µs'],
      rows.map(({ name, boxes, ns, adds }) => [
        name,
        count(boxes),
        spread(ns, 1e-3),
        adds.out === undefined ? '' : short(adds.out / 1e3),
      ]),
    ),
    'Where the time of a call with `out` goes. In JavaScript: a call of no boxes, which ends there. Arithmetic: the slope of a plan from ' +
      '256 to 4,096 boxes. The addon: the rest.',
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
    '## What one would use instead',
    '`sca`, one thread: mean loss and its gradient, read into arrays. All gave the result of scaloss first. The libraries get a tensor a ' +
      'coordinate, which is the fastest for them. Times: how many times as long as scaloss.',
    table(
      ['boxes', 'what', 'ns a box', 'times', 'rounds'],
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
    '## A step of a trainer',
    'Gradient descent over the boxes themselves: `optimizer.minimize` of TensorFlow.js with `scaloss/tfjs` and with autograd, jax-js with ' +
      'the step in the jit, and arrays. All moved the boxes the same way first.',
    table(
      ['boxes', 'trainer', 'µs a step', 'autograd takes', 'rounds'],
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

const SECTIONS = {
  sizes: sizesSection,
  losses: lossesSection,
  calls: callsSection,
  peers: peersSection,
  trainer: trainerSection,
}

/** @param {Results} results */
export function page(results) {
  const { quick, seconds, parts } = results
  return `${[
    '# The CPU, measured',
    `${machineLine(results)}. Written by \`npm run bench\` in ${seconds} s.`,
    ...(quick ? ['**A quick run: its figures mean nothing.**'] : []),
    'float32. Medians, in parentheses quartiles. All variants of a group take turns in every round, ratios are taken within rounds; the slow ' +
      'ones take part in fewer.',
    ...(parts.peers
      ? ['![Nanoseconds a box by number of boxes: scaloss, and what one would use instead](cpu.svg)']
      : []),
    '## Targets',
    'Where several figures count, the worst of them.',
    targetsTable(results),
    ...Object.entries(SECTIONS).flatMap(([part, section]) => (parts[part] ? section(results) : [])),
  ].join('\n\n')}\n`
}
