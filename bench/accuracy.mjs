import { writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { backends, boxLoss } from 'scaloss'
import { loadNative } from '../dist/native/addon.js'
import { APART, GOAL, goal, measure, run, variants } from '../test/support/golden.mjs'

// Measures the worst error of every backend over the golden vectors (test/data/README.md), and checks whether all
// compiled code gives the same bits. Exits with 1 if a goal is missed. --full adds every category, --json prints data,
// and --markdown prints the page that --write writes to docs/accuracy.md.

/**
 * @import { BackendName } from 'scaloss'
 * @import { DType, Evaluate } from '../test/support/golden.mjs'
 * @typedef {{ loss: number, grad: number }} Errors In ulp.
 * @typedef {{ category: string, judged: boolean, met: boolean } & Errors} Measured
 * @typedef {{ label: string, axes: number, modified: boolean, goal: Errors, categories: Measured[] }} Row
 * @typedef {{ backend: BackendName, dtype: DType, judged: boolean, rows: Row[] }} Table
 */

const DTYPES = /** @type {const} */ (['float32', 'float64'])
/** Options that make another formula of a loss. */
const MODIFIERS = ['mode', 'power', 'inner', 'focal', 'detachAlpha']
/** Losses side by side in a table of --full. */
const ACROSS = 7

const { values: flags } = parseArgs({
  options: {
    full: { type: 'boolean', default: false },
    markdown: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
  },
})
const markdown = flags.markdown || flags.write
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
  // The js backend states the formulas as they are written. In float64 nothing is rounded away afterwards, and what
  // cancels near a match shows: its error there is an absolute one, which no count of ulp describes.
  const judged = !(backend === 'js' && dtype === 'float64')
  const rows = variants.map((variant) => {
    const categories = variant.vectors.map((vectors) => {
      const bound = goal(variant, vectors.name)
      const worst = measure(on(backend), { dtype, variant, vectors })
      const [loss, grad] = [worst.loss.ulp, worst.grad.ulp]
      const met = loss <= bound.loss && grad <= bound.grad
      return { category: vectors.name, judged: judged && !APART.has(vectors.name), met, loss, grad }
    })
    const modified = MODIFIERS.some((option) => option in variant.options)
    return { label: variant.label, axes: variant.vectors[0].axes, modified, goal: goal(variant), categories }
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
 * The compiled code there is (each SIMD level of this CPU, WebAssembly, and CUDA), and what differs in a bit from the
 * first.
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
  for (const name of /** @type {const} */ (['wasm', 'cuda'])) {
    if (found[name].available) compiled.push({ name, bytes: bits(name, dtype) })
  }
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
 * @param {Row[]} rows
 */
function worst(rows) {
  const counted = rows.flatMap(({ categories }) => categories).filter(({ category }) => !APART.has(category))
  return { loss: Math.max(...counted.map(({ loss }) => loss)), grad: Math.max(...counted.map(({ grad }) => grad)) }
}

/**
 * The worst of the formulas as published, conventions included, and of those that options modify.
 * @param {Table} table
 */
const summary = ({ rows }) => ({
  published: worst(rows.filter(({ modified }) => !modified)),
  modified: worst(rows.filter(({ modified }) => modified)),
})

/**
 * @param {string[]} head
 * @param {string[][]} body
 * @returns {string[]}
 */
function table(head, body) {
  if (markdown)
    return [head, ['---', ...head.slice(1).map(() => '---:')], ...body].map((row) => `| ${row.join(' | ')} |`)
  const widths = head.map((text, i) => Math.max(text.length, ...body.map((row) => row[i].length)))
  return [head, ...body].map((row) =>
    row.map((text, i) => (i ? text.padStart(widths[i] + 2) : text.padEnd(widths[i]))).join(''),
  )
}

/** @param {Table[]} tables */
function overview(tables) {
  const head = tables.map(({ backend, dtype, judged }) => (judged ? `${backend}, ${dtype}` : `(${backend}, ${dtype})`))
  return table(
    ['', ...head],
    variants.map(({ label }, i) => [label, ...tables.map(({ rows }) => cell(worst([rows[i]])))]),
  )
}

/** @param {Table} table */
function everything({ backend, dtype, judged, rows }) {
  const title = `${markdown ? '### ' : ''}${backend}, ${dtype}${judged ? '' : ' (not judged)'}`
  // Losses of three axes have categories of their own.
  const groups = [2, 3].map((axes) => rows.filter((row) => row.axes === axes))
  const parts = groups.flatMap((group) =>
    Array.from({ length: Math.ceil(group.length / ACROSS) }, (_, i) => group.slice(i * ACROSS, (i + 1) * ACROSS)),
  )
  return [
    '',
    title,
    ...parts.flatMap((part) => {
      const body = part[0].categories.map(({ category }, i) => [
        APART.has(category) ? `(${category})` : category,
        ...part.map(({ categories }) => cell(categories[i])),
      ])
      return ['', ...table(['', ...part.map(({ label }) => label)], body)]
    }),
  ]
}

const INTRODUCTION = `# Accuracy

\`npm run accuracy -- --write\` measures the losses and writes this page. It fails if a goal is missed.

Errors are in ulp, the spacing of the numbers of a type. The error of a loss is in ulp of the reference value. The
error of a gradient is in ulp of the largest component of its pair.

The references are pairs of boxes of fifteen kinds. 3000 pairs have eleven losses with 60 decimal digits. For 450 of
these pairs, the other losses and the options have 80 digits. Two programs wrote them, and neither shares code with the
package. [test/data/README.md](../test/data/README.md) says how results are compared.

Each row of the table is a loss. After the @ comes its alpha, its convention or its options. Each cell is the worst
error of the loss / of the gradient.
`

const OTHER_FORMATS = `## Other formats

All figures above are for boxes given as corners. Boxes given as \`xywh\` or \`cxcywh\` are first converted to corners in
their dtype, as in frameworks that convert boxes before the loss. This rounds each corner by up to half an ulp of the
coordinate. For the rounded corners all figures hold, and every SIMD level and backend rounds alike.

The rounding matters where boxes, or the differences between them, are small compared with their distance from 0:

- Two boxes whose corners round to the same numbers have loss 0.
- Near a coordinate of 640, float32 numbers are 6e-5 apart. A box there with sides of 1e-5 becomes one without area.

If that matters to you, pass \`Float64Array\`, or coordinates relative to something nearby, such as the cell or the
anchor. These losses do not change when both boxes are moved together.
`

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

/** The page, or its plain form. */
function text() {
  const item = markdown ? '- ' : ''
  const wider = variants.flatMap((variant) =>
    variant.vectors
      .map(({ name }) => ({ of: `${variant.label}, ${name}`, ...goal(variant, name) }))
      .filter(({ loss, grad }) => loss > GOAL.loss || grad > GOAL.grad),
  )
  return [
    ...(markdown ? [INTRODUCTION] : []),
    'Worst error in ulp over the golden pairs: loss / gradient. The column in brackets has no goal: the js backend computes',
    'the formulas as they are written, and in float64 that loses digits near a match.',
    `The categories ${[...APART].join(' and ')} are left out. They depend on conventions and on rescaling.`,
    '',
    ...overview(tables),
    '',
    ...tables
      .filter(({ judged }) => judged)
      .map((of) => {
        const { published, modified } = summary(of)
        return `${item}${of.backend}, ${of.dtype}: ${cell(published)} for the published formulas; ${cell(modified)} with ${MODIFIERS.join(', ')}`
      }),
    ...(flags.full ? tables.flatMap(everything) : []),
    '',
    ...sameBits.flatMap(({ dtype, compiled, differing }) =>
      differing.length
        ? differing.map(
            ({ name, losses }) =>
              `${item}${dtype}: ${name} differs from ${compiled[0]} in some bits of ${losses.join(', ')}`,
          )
        : `${item}${dtype}: ${compiled.length > 1 ? `the same bits from ${compiled.join(', ')}` : 'nothing to compare bits with'}`,
    ),
    ...Object.entries(found).flatMap(([name, backend]) =>
      backend.available ? [] : `${item}${name}: not available here (${backend.reason})`,
    ),
    '',
    `Goal: loss <= ${GOAL.loss} ulp, gradient <= ${GOAL.grad} ulp, the same float32 bits from all compiled code.`,
    ...(wider.length ? ['Wider goals, with the reasons in `goal` of test/support/golden.mjs:'] : []),
    ...wider.map(({ of, loss, grad }) => `${item}${of}: loss <= ${loss}, gradient <= ${grad}`),
    ...(markdown ? [''] : []),
    passed ? 'Met.' : `Missed${misses.map((miss) => `\n  ${miss}`).join('')}`,
    '',
    ...(markdown ? [OTHER_FORMATS] : []),
  ].join('\n')
}

if (flags.json) {
  const finite = (/** @type {string} */ _, /** @type {unknown} */ value) => (value === Infinity ? 'Infinity' : value)
  const results = tables.map((table) => ({ ...table, summary: summary(table) }))
  console.log(JSON.stringify({ goal: GOAL, passed, misses, sameBits, tables: results }, finite, 2))
} else {
  const output = text()
  process.stdout.write(output)
  if (flags.write) writeFileSync(new URL('../docs/accuracy.md', import.meta.url), output)
}
process.exitCode = passed ? 0 : 1
