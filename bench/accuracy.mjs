import { parseArgs } from 'node:util'
import { backends, boxLoss } from 'scaloss'
import { loadNative } from '../dist/native.js'
import { APART, categories, goal, measure, typed } from '../test/support/golden.mjs'

// The worst error of every backend over the golden vectors (test/data/README.md), and whether all
// compiled ones give the same bits. Exits with 1 where the goal is missed. --json prints the same as data.

/**
 * @import { BackendName, LossName } from 'scaloss'
 * @import { DType } from '../test/support/golden.mjs'
 * @typedef {{ label: string, loss: LossName, alpha: number }} Loss
 */

/** @type {Loss[]} */
const LOSSES = [
  { label: 'so', loss: 'so', alpha: 0.5 },
  { label: 'cd', loss: 'cd', alpha: 0.5 },
  { label: 'sca@0.5', loss: 'sca', alpha: 0.5 },
  { label: 'sca@1.0', loss: 'sca', alpha: 1 },
]
const DTYPES = /** @type {const} */ (['float32', 'float64'])

const { values: flags } = parseArgs({ options: { json: { type: 'boolean', default: false } } })
const found = backends()
const available = /** @type {const} */ (['cpu', 'cuda', 'js']).filter((name) => found[name].available)

/**
 * @param {BackendName} backend
 * @param {DType} dtype
 */
function accuracy(backend, dtype) {
  return categories.map((category) => {
    // The js backend states the paper's formulas as they are written. In float64 nothing is rounded away afterwards, and what
    // cancels near a match shows: its error there is an absolute one, which no count of ulp describes.
    const judged = !APART.has(category.name) && !(backend === 'js' && dtype === 'float64')
    const losses = LOSSES.map(({ label, loss, alpha }) => {
      const worst = measure((name, pred, target, options) => boxLoss(name, pred, target, { ...options, backend }), {
        dtype,
        loss,
        alpha,
        category,
      })
      const met = worst.loss.ulp <= goal(loss).loss && worst.grad.ulp <= goal(loss).grad
      return { loss: label, worst, met }
    })
    return { category: category.name, judged, losses }
  })
}

/**
 * Every loss and gradient of the golden pairs as raw bytes.
 * @param {BackendName} backend
 * @param {DType} dtype
 */
function bits(backend, dtype) {
  const parts = []
  for (const { pred, target } of categories)
    for (const { loss, alpha } of LOSSES) {
      const options = /** @type {const} */ ({ reduction: 'none', gradTarget: true, alpha, backend })
      const result = boxLoss(loss, typed(pred, dtype), typed(target, dtype), options)
      for (const array of [result.loss, result.grad, result.gradTarget])
        parts.push(Buffer.from(array.buffer, array.byteOffset, array.byteLength))
    }
  return Buffer.concat(parts)
}

/**
 * Which compiled variants there are (each SIMD level of this CPU, and CUDA), and which differ in a bit from the first.
 * @param {DType} dtype
 */
function comparison(dtype) {
  /** @type {{ name: string, bytes: Buffer }[]} */
  const variants = []
  if (found.cpu.available) {
    const native = loadNative()
    const active = found.cpu.simd
    for (const level of found.cpu.simdLevels) {
      native.setSimd(level)
      variants.push({ name: level, bytes: bits('cpu', dtype) })
    }
    native.setSimd(active)
  }
  if (found.cuda.available) variants.push({ name: 'cuda', bytes: bits('cuda', dtype) })
  const differing = variants.filter(({ bytes }) => !bytes.equals(variants[0].bytes))
  return { dtype, variants: variants.map(({ name }) => name), differing: differing.map(({ name }) => name) }
}

/** @param {number} ulp */
const show = (ulp) => (ulp < 1000 ? ulp.toFixed(1) : ulp < Infinity ? ulp.toExponential(0) : 'inf').padStart(5)

const tables = available.flatMap((backend) =>
  DTYPES.map((dtype) => ({ backend, dtype, rows: accuracy(backend, dtype) })),
)
const sameBits = DTYPES.map(comparison)
const misses = tables.flatMap(({ backend, dtype, rows }) =>
  rows.flatMap(({ category, judged, losses }) =>
    losses.filter(({ met }) => judged && !met).map(({ loss }) => `${backend} ${dtype} ${category} ${loss}`),
  ),
)
const passed = misses.length === 0 && sameBits.every(({ dtype, differing }) => dtype !== 'float32' || !differing.length)

if (flags.json) {
  const finite = (/** @type {string} */ _, /** @type {unknown} */ value) => (value === Infinity ? 'Infinity' : value)
  console.log(JSON.stringify({ goal: goal('sca'), passed, misses, sameBits, tables }, finite, 2))
} else {
  console.log('Worst error in ulp over 200 pairs a category: loss / gradient. (Categories in brackets are not judged.)')
  for (const { backend, dtype, rows } of tables) {
    console.log(`\n${`${backend}, ${dtype}`.padEnd(18)}${LOSSES.map(({ label }) => label.padStart(16)).join('')}`)
    for (const { category, judged, losses } of rows) {
      const cells = losses.map(({ worst }) => `${show(worst.loss.ulp)} / ${show(worst.grad.ulp)}`.padStart(16))
      console.log((judged ? category : `(${category})`).padEnd(18) + cells.join(''))
    }
  }
  console.log()
  for (const { dtype, variants, differing } of sameBits)
    console.log(
      differing.length
        ? `${dtype}: ${differing.join(', ')} differ from ${variants[0]} in some bits`
        : `${dtype}: ${variants.length > 1 ? `the same bits from ${variants.join(', ')}` : 'nothing to compare bits with'}`,
    )
  for (const [name, backend] of Object.entries(found))
    if (!backend.available) console.log(`${name}: not available here (${backend.reason})`)
  console.log(`\nGoal: loss <= ${goal('sca').loss} ulp, gradient <= ${goal('sca').grad} ulp, one float32 result.`)
  console.log(passed ? 'Met.' : `Missed${misses.map((miss) => `\n  ${miss}`).join('')}`)
}
process.exitCode = passed ? 0 : 1
