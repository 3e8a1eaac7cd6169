import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'

// The golden vectors (test/data/README.md) and the one way in which accuracy is measured against them.
// A plain module, because bench/accuracy.mjs runs it without a TypeScript loader.

/**
 * @import { BoxLossOptions, FloatArray, LossName } from '../../src/types.js'
 * @typedef {'float32' | 'float64'} DType
 */

/**
 * Box pairs of one kind with every loss and gradient, row after row.
 * @typedef {object} Category
 * @property {string} name
 * @property {string} note What the pairs have in common.
 * @property {number} n Number of pairs.
 * @property {string[]} kinds Subdivisions of the category.
 * @property {number[]} kind [n] Index of each pair into `kinds`.
 * @property {number[]} pred [n, 4] x1,y1,x2,y2
 * @property {number[]} target [n, 4]
 * @property {number[]} [pred_cxcywh] [n, 4] The same boxes as centre and size; in `cxcywh` only.
 * @property {number[]} [target_cxcywh] [n, 4]
 * @property {Record<string, number[]>} loss [n] by golden name (`so`, `sca@0.5`, ...)
 * @property {Record<string, number[]>} grad_pred [n, 4] d loss / d x1,y1,x2,y2 of the prediction
 * @property {Record<string, number[]>} grad_target [n, 4]
 */

/**
 * The signature of `boxLoss`, as far as a measurement needs it.
 * @typedef {(name: LossName, pred: FloatArray, target: FloatArray, options: BoxLossOptions) =>
 *   { loss: number | FloatArray, grad?: FloatArray | undefined, gradTarget?: FloatArray | undefined }} Evaluate
 */

/** @type {{ losses: string[], categories: Category[] }} */
const file = JSON.parse(gunzipSync(readFileSync(new URL('../data/golden.json.gz', import.meta.url))).toString())

/** Every category, 200 pairs each. */
export const categories = file.categories

/** Rest on conventions (`degenerate`) or on rescaling (`scale_extreme`), so they are reported apart from the goal. */
export const APART = new Set(['degenerate', 'scale_extreme'])

/**
 * The worst error, in ulp, that a judged category may show.
 * @param {string} loss
 */
export const goal = (loss) => ({ loss: 6, grad: loss === 'ciou' ? 32 : 12 })

/** @param {string} name */
export function category(name) {
  const found = categories.find((c) => c.name === name)
  if (!found) throw new Error(`no golden category '${name}'; there are ${categories.map((c) => c.name).join(', ')}`)
  return found
}

/**
 * The name under which the file keeps a loss: `so`, but `sca@0.5`.
 * @param {string} loss
 * @param {number} [alpha]
 */
export function goldenName(loss, alpha = 0.5) {
  const name = file.losses.find((l) => l === loss || l === `${loss}@${alpha.toFixed(1)}`)
  if (!name) throw new Error(`no golden loss for '${loss}' at alpha ${alpha}; there are ${file.losses.join(', ')}`)
  return name
}

/**
 * Golden numbers in the storage type under test; exact, because every coordinate is a float32 number.
 * @param {readonly number[]} values
 * @param {DType} dtype
 * @returns {FloatArray}
 */
export const typed = (values, dtype) => (dtype === 'float32' ? Float32Array.from(values) : Float64Array.from(values))

const scratch = new DataView(new ArrayBuffer(8))

/**
 * Distance from |value| to the next number of the type: 2^(exponent - mantissa bits), the smallest subnormal at 0.
 * @param {number} value
 * @param {DType} dtype
 */
export function spacing(value, dtype) {
  scratch.setFloat64(0, value)
  const exponent = ((scratch.getUint16(0) >>> 4) & 0x7ff) - 1023
  return dtype === 'float32' ? 2 ** (Math.max(exponent, -126) - 23) : 2 ** (Math.max(exponent, -1022) - 52)
}

/**
 * The reference a result can be held to: float32 has no other right answer than the rounded one where the reference
 * overflows or sinks into the subnormals. Elsewhere the unrounded reference measures half an ulp more finely.
 * @param {number} reference
 * @param {DType} dtype
 */
function reachable(reference, dtype) {
  const rounded = Math.fround(reference)
  const inRange = Number.isFinite(rounded) && Math.abs(rounded) >= 2 ** -126
  return dtype === 'float64' || inRange ? reference : rounded
}

/**
 * |actual - reference| in spacings of the type at `scale`. A scale of 0 leaves no room: anything but 0 is infinitely wrong.
 * @param {number} actual
 * @param {number} reference
 * @param {number} scale
 * @param {DType} dtype
 */
function ulpAt(actual, reference, scale, dtype) {
  const expected = reachable(reference, dtype)
  if (actual === expected) return 0
  const error = Math.abs(actual - expected)
  return scale === 0 || !Number.isFinite(error) ? Infinity : error / spacing(scale, dtype)
}

/**
 * Loss error: |actual - reference| in spacings at the reference. A reference of 0 (a perfect match) demands exactly 0.
 * @param {number} actual
 * @param {number} reference
 * @param {DType} dtype
 */
export const lossUlp = (actual, reference, dtype) => ulpAt(actual, reference, reference, dtype)

/**
 * Loss error of an inverted box, where terms of opposite sign cancel: the absolute error, in spacings at the largest of 1,
 * the loss and its terms. (A sum of two terms, each rounded once, is already off by half a spacing of either.)
 * @param {number} actual
 * @param {number} reference
 * @param {number[]} terms
 * @param {DType} dtype
 */
export const absoluteLossUlp = (actual, reference, terms, dtype) =>
  ulpAt(actual, reference, Math.max(1, ...[reference, ...terms].map(Math.abs)), dtype)

/**
 * Gradient error of one pair: the largest component error in spacings at the largest component of the reference,
 * prediction and target together. Small components are differences of nearly equal terms: their own ulp says nothing.
 * @param {ArrayLike<number>} actual The 8 components: prediction, then target.
 * @param {ArrayLike<number>} reference
 * @param {DType} dtype
 */
export function gradUlp(actual, reference, dtype) {
  let largest = 0
  for (let i = 0; i < reference.length; i++) largest = Math.max(largest, Math.abs(reference[i]))
  let worst = 0
  for (let i = 0; i < reference.length; i++) worst = Math.max(worst, ulpAt(actual[i], reference[i], largest, dtype))
  return worst
}

/**
 * The worst loss error and the worst gradient error of an implementation over one category, each with the pair at fault.
 * @param {Evaluate} evaluate
 * @param {{ dtype: DType, loss: LossName, alpha?: number, category: Category }} what
 */
export function measure(evaluate, { dtype, loss, alpha = 0.5, category }) {
  const name = goldenName(loss, alpha)
  const result = evaluate(loss, typed(category.pred, dtype), typed(category.target, dtype), {
    ...(name === loss ? {} : { alpha }),
    reduction: 'none',
    gradTarget: true,
  })
  const { loss: losses, grad, gradTarget } = result
  if (typeof losses === 'number' || !grad || !gradTarget) throw new Error(`${loss}: evaluate left out a result`)

  /** @param {number} i */
  const lossError = (i) => {
    const reference = category.loss[name][i]
    if (category.name !== 'inverted') return lossUlp(losses[i], reference, dtype)
    return absoluteLossUlp(losses[i], reference, [category.loss.so[i], alpha * category.loss.cd[i]], dtype)
  }
  const worst = { loss: { ulp: 0, index: 0 }, grad: { ulp: 0, index: 0 } }
  for (let i = 0; i < category.n; i++) {
    const row = [4 * i, 4 * i + 4]
    const actual = [...grad.subarray(...row), ...gradTarget.subarray(...row)]
    const reference = [...category.grad_pred[name].slice(...row), ...category.grad_target[name].slice(...row)]
    const ulp = {
      loss: lossError(i),
      grad: gradUlp(actual, reference, dtype),
    }
    if (ulp.loss > worst.loss.ulp) worst.loss = { ulp: ulp.loss, index: i }
    if (ulp.grad > worst.grad.ulp) worst.grad = { ulp: ulp.grad, index: i }
  }
  return worst
}
