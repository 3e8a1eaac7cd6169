import { parseArgs } from 'node:util'
import { backends, boxLoss } from 'scaloss'
import { loadNative } from '../dist/native.js'
import { APART, GOAL, goal, measure, run, variants } from '../test/support/golden.mjs'

// The worst error of every backend over the golden vectors (test/data/README.md), and whether all compiled ones give the same
// bits. Exits with 1 where the goal is missed. --full adds every category, --markdown prints tables for a document, --json data.

/**
 * @import { BackendName } from 'scaloss'
 * @import { DType, Evaluate } from '../test/support/golden.mjs'
 * @typedef {{ loss: number, grad: number }} Errors In ulp.
 * @typedef {{ category: string, judged: boolean, met: boolean } & Errors} Measured
 * @typedef {{ label: string, axes: number, goal: Errors, categories: Measured[] }} Row
 * @typedef {{ backend: BackendName, dtype: DType, judged: boolean, rows: Row[] }} Table
 */

const DTYPES = /** @type {const} */ (['float32', 'float64'])
/** Losses side by side in a table of --full. */
const ACROSS = 7

const { values: flags } = parseArgs({
  options: {
    full: { type: 'boolean', default: false },
    markdown: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
})
const found = backends()
const available = /** @type {const} */ (['cpu', 'cuda', 'js']).filter((name) => found[name].available)

/**
 * @param {BackendName} backend
 * @returns {Evaluate}
 */
const on = (backend) => (name, pred, target, options) => boxLoss(name, pred, target, { ...options, backend })

/**
 * @param {BackendName} backend
 * @param {DType} dtype
 * @returns {Table}
 */
function accuracy(backend, dtype) {
  // The js backend states the formulas as they are written. In float64 nothing is rounded away afterwards, and what cancels
  // near a match shows: its error there is an absolute one, which no count of ulp describes.
  const judged = !(backend === 'js' && dtype === 'float64')
  const rows = variants.map((variant) => {
    const categories = variant.vectors.map((vectors) => {
      const bound = goal(variant, vectors.name)
      const worst = measure(on(backend), { dtype, variant, vectors })
      const [loss, grad] = [worst.loss.ulp, worst.grad.ulp]
      const met = loss <= bound.loss && grad <= bound.grad
      return { category: vectors.name, judged: judged && !APART.has(vectors.name), met, loss, grad }
    })
    return { label: variant.label, axes: variant.vectors[0].axes, goal: goal(variant), categories }
  })
  return { backend, dtype, judged, rows }
}

/**
 * Losses and gradients of all golden pairs as raw bytes, and whose they are.
 * @param {BackendName} backend
 * @param {DType} dtype
 */
const bits = (backend, dtype) =>
  variants.map((variant) =>
    Buffer.concat(
      variant.vectors
        .flatMap((vectors) => Object.values(run(on(backend), { dtype, variant, vectors })))
        .map((array) => Buffer.from(array.buffer, array.byteOffset, array.byteLength)),
    ),
  )

/**
 * The compiled code there is (each SIMD level of this CPU, and CUDA), and what differs in a bit from the first.
 * @param {DType} dtype
 */
function comparison(dtype) {
  /** @type {{ name: string, bytes: Buffer[] }[]} */
  const compiled = []
  if (found.cpu.available) {
    const native = loadNative()
    const active = found.cpu.simd
    for (const level of found.cpu.simdLevels) {
      native.setSimd(level)
      compiled.push({ name: level, bytes: bits('cpu', dtype) })
    }
    native.setSimd(active)
  }
  if (found.cuda.available) compiled.push({ name: 'cuda', bytes: bits('cuda', dtype) })
  const differing = compiled
    .map(({ name, bytes }) => ({
      name,
      losses: variants.filter((_, i) => !bytes[i].equals(compiled[0].bytes[i])).map(({ label }) => label),
    }))
    .filter(({ losses }) => losses.length)
  return { dtype, compiled: compiled.map(({ name }) => name), differing }
}

/** @param {number} ulp */
const show = (ulp) => (ulp < 1000 ? ulp.toFixed(1) : ulp < Infinity ? ulp.toExponential(0) : 'inf')

/** @param {Errors} errors */
const cell = ({ loss, grad }) => `${show(loss)} / ${show(grad)}`

/**
 * The worst of the categories that count.
 * @param {Row} row
 */
const worst = ({ categories }) => {
  const counted = categories.filter(({ category }) => !APART.has(category))
  return { loss: Math.max(...counted.map(({ loss }) => loss)), grad: Math.max(...counted.map(({ grad }) => grad)) }
}

/**
 * @param {string[]} head
 * @param {string[][]} body
 */
function print(head, body) {
  if (flags.markdown) {
    console.log(`| ${head.join(' | ')} |\n| --- |${' ---: |'.repeat(head.length - 1)}`)
    for (const row of body) console.log(`| ${row.join(' | ')} |`)
    return
  }
  const widths = head.map((text, i) => Math.max(text.length, ...body.map((row) => row[i].length)))
  for (const row of [head, ...body])
    console.log(row.map((text, i) => (i ? text.padStart(widths[i] + 2) : text.padEnd(widths[i]))).join(''))
}

/** @param {Table[]} tables */
function printSummary(tables) {
  const head = tables.map(({ backend, dtype, judged }) => (judged ? `${backend}, ${dtype}` : `(${backend}, ${dtype})`))
  const body = variants.map(({ label }, i) => [label, ...tables.map(({ rows }) => cell(worst(rows[i])))])
  print(['', ...head], body)
}

/** @param {Table} table */
function printFull({ backend, dtype, judged, rows }) {
  console.log(
    `\n${flags.markdown ? '### ' : ''}${judged ? `${backend}, ${dtype}` : `${backend}, ${dtype} (not judged)`}`,
  )
  // Losses of three axes have categories of their own.
  for (const group of [2, 3].map((axes) => rows.filter((row) => row.axes === axes)))
    for (let first = 0; first < group.length; first += ACROSS) {
      const some = group.slice(first, first + ACROSS)
      const body = some[0].categories.map(({ category }, i) => [
        APART.has(category) ? `(${category})` : category,
        ...some.map(({ categories }) => cell(categories[i])),
      ])
      console.log()
      print(['', ...some.map(({ label }) => label)], body)
    }
}

const tables = available.flatMap((backend) => DTYPES.map((dtype) => accuracy(backend, dtype)))
const sameBits = DTYPES.map(comparison)
const misses = tables.flatMap(({ backend, dtype, rows }) =>
  rows.flatMap(({ label, categories }) =>
    categories
      .filter(({ judged, met }) => judged && !met)
      .map((measured) => `${backend} ${dtype} ${measured.category} ${label}: ${cell(measured)}`),
  ),
)
const passed = misses.length === 0 && sameBits.every(({ dtype, differing }) => dtype !== 'float32' || !differing.length)

if (flags.json) {
  const finite = (/** @type {string} */ _, /** @type {unknown} */ value) => (value === Infinity ? 'Infinity' : value)
  console.log(JSON.stringify({ goal: GOAL, passed, misses, sameBits, tables }, finite, 2))
} else {
  console.log('Worst error in ulp over the golden pairs: loss / gradient. What stands in brackets is not judged.')
  console.log(`Without the categories ${[...APART].join(' and ')}, which rest on conventions and on rescaling:\n`)
  printSummary(tables)
  if (flags.full) for (const table of tables) printFull(table)
  console.log()
  const item = flags.markdown ? '- ' : ''
  for (const { dtype, compiled, differing } of sameBits) {
    for (const { name, losses } of differing)
      console.log(`${item}${dtype}: ${name} differs from ${compiled[0]} in some bits of ${losses.join(', ')}`)
    if (!differing.length)
      console.log(
        `${item}${dtype}: ${compiled.length > 1 ? `the same bits from ${compiled.join(', ')}` : 'nothing to compare bits with'}`,
      )
  }
  for (const [name, backend] of Object.entries(found))
    if (!backend.available) console.log(`${item}${name}: not available here (${backend.reason})`)
  const wider = variants.filter((variant) => goal(variant).loss > GOAL.loss || goal(variant).grad > GOAL.grad)
  console.log(`\nGoal: loss <= ${GOAL.loss} ulp, gradient <= ${GOAL.grad} ulp, one float32 result.`)
  for (const variant of wider)
    console.log(`${item}${variant.label}: loss <= ${goal(variant).loss}, gradient <= ${goal(variant).grad}`)
  console.log(passed ? 'Met.' : `Missed${misses.map((miss) => `\n  ${miss}`).join('')}`)
}
process.exitCode = passed ? 0 : 1
