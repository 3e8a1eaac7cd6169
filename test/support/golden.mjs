import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'

// The golden vectors (test/data/README.md) and the one way in which accuracy is measured against them.
// A plain module, because bench/accuracy.mjs runs it without a TypeScript loader.

/**
 * @import { BoxLossOptions, FloatArray, LossName, LossOptions } from '../../src/core/types.js'
 * @typedef {'float32' | 'float64'} DType
 */

/**
 * Box pairs of one kind, row after row. A golden name is `so`, `sca@0.5`, ...; of three axes, a box has 6 numbers.
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
 * @property {Record<string, number[]>} loss [n] by golden name
 * @property {Record<string, number[]>} grad_pred [n, 4] d loss / d x1,y1,x2,y2 of the prediction
 * @property {Record<string, number[]>} grad_target [n, 4]
 */

/**
 * What golden-family.json.gz has of a category: results for some of its pairs.
 * @typedef {object} Excerpt
 * @property {string} name
 * @property {number[]} index [k] The pairs.
 * @property {Record<string, number[]>} loss [k] by label, as all below
 * @property {Record<string, number[]>} grad_pred [k, 4]
 * @property {Record<string, number[]>} grad_target [k, 4]
 * @property {Record<string, number[]>} [scale] [k] The largest of 1, the loss and its terms; in `inverted` only.
 */

/**
 * The pairs of a category that a variant has results for.
 * @typedef {object} Vectors
 * @property {string} name Of the category.
 * @property {number} axes
 * @property {number[]} index [n] The pairs' numbers in the category.
 * @property {number[]} pred [n, 2 axes]
 * @property {number[]} target [n, 2 axes]
 * @property {number[]} loss [n]
 * @property {number[]} grad [n, 4 axes] d loss / d prediction, then d loss / d target
 * @property {number[]} lossScale [n] 0, or what the error of the loss is measured at where terms of it cancel.
 * @property {number[]} gradScale [n] The same of the gradient.
 */

/**
 * A loss with options, and every golden result of it.
 * @typedef {{ label: string, loss: LossName, options: LossOptions, vectors: Vectors[] }} Variant
 */

/**
 * The signature of `boxLoss`, as far as a measurement needs it.
 * @typedef {(name: LossName, pred: FloatArray, target: FloatArray, options: BoxLossOptions) =>
 *   { loss: number | FloatArray, grad?: FloatArray | undefined, gradTarget?: FloatArray | undefined }} Evaluate
 */

/** @param {string} name */
const read = (name) => JSON.parse(gunzipSync(readFileSync(new URL(`../data/${name}`, import.meta.url))).toString())
/** @type {{ losses: string[], losses3d: string[], categories: Category[], boxes3d: Category }} */
const golden = read('golden.json.gz')
/** @type {{ variants: Omit<Variant, 'vectors'>[], categories: Excerpt[] }} */
const family = read('golden-family.json.gz')

/** Every category of pairs in two dimensions, 200 each. */
export const categories = golden.categories

/** @param {string} name */
export function category(name) {
  const found = categories.find((c) => c.name === name)
  if (!found) throw new Error(`no golden category '${name}'; there are ${categories.map((c) => c.name).join(', ')}`)
  return found
}

/**
 * The rows at `index` of an array with `width` numbers a row.
 * @param {number[]} values
 * @param {number[]} index
 * @param {number} width
 */
const rows = (values, index, width) => index.flatMap((i) => values.slice(width * i, width * (i + 1)))

/**
 * Two arrays of rows side by side.
 * @param {number[]} left
 * @param {number[]} right
 * @param {number} width
 */
const beside = (left, right, width) =>
  Array.from({ length: left.length / width }, (_, i) => [...rows(left, [i], width), ...rows(right, [i], width)]).flat()

/**
 * What is added up to a loss of golden.json.gz, as far as the file has it.
 * @param {Category} category
 * @param {string} name
 * @param {number} i
 */
function terms({ loss }, name, i) {
  const value = loss[name][i]
  const [base, alpha = 1] = name.split('@')
  if (/^(sca|so|cd)/.test(base)) {
    const axes = base.endsWith('3') ? '3' : ''
    return [value, loss[`so${axes}`][i], Number(alpha) * loss[`cd${axes}`][i]]
  }
  return base.startsWith('center') ? [value] : [value, loss.iou[i], value - loss.iou[i]]
}

/**
 * @param {string} name
 * @returns {Omit<Variant, 'vectors'>}
 */
function parseName(name) {
  const [loss, alpha] = name.split('@')
  return { label: name, loss: /** @type {LossName} */ (loss), options: alpha ? { alpha: Number(alpha) } : {} }
}

/**
 * @param {Category} category
 * @param {string} name Of the loss.
 * @param {number[]} index The pairs to take.
 * @param {string} called
 * @returns {Vectors}
 */
function vectors(category, name, index = category.loss[name].map((_, i) => i), called = category.name) {
  const width = category.pred.length / category.n
  const grad = beside(category.grad_pred[name], category.grad_target[name], width)
  return {
    name: called,
    axes: width / 2,
    index,
    pred: rows(category.pred, index, width),
    target: rows(category.target, index, width),
    loss: rows(category.loss[name], index, 1),
    grad: rows(grad, index, 2 * width),
    lossScale: index.map((i) =>
      called.startsWith('inverted') ? Math.max(1, ...terms(category, name, i).map(Math.abs)) : 0,
    ),
    gradScale: index.map(() => 0),
  }
}

/** @param {(kind: string) => boolean} wanted */
const pairs3d = (wanted) => golden.boxes3d.kind.flatMap((kind, i) => (wanted(golden.boxes3d.kinds[kind]) ? [i] : []))

/**
 * For a perfect match and for two boxes without area, the gradient of torchvision's formulas consists only of the part
 * that comes from their epsilon, because the rest cancels. For a match the same is true of the loss, which is near
 * 1e-12. Returns the size of what cancels, or 0 for other pairs.
 * @param {number[]} pred
 * @param {number[]} target
 */
function epsilonRemainder(pred, target) {
  const same = pred.every((value, k) => value === target[k])
  const areas = [pred, target].map(([x1, y1, x2, y2]) => (x2 - x1) * (y2 - y1))
  const enclosing = [0, 1].map((k) => Math.max(pred[k + 2], target[k + 2]) - Math.min(pred[k], target[k]))
  const side = Math.min(...enclosing)
  return side > 0 && (same || areas.every((area) => area === 0)) ? 1 / side : 0
}

/**
 * The same of golden-family.json.gz.
 * @param {Excerpt} excerpt
 * @param {Omit<Variant, 'vectors'>} variant
 * @returns {Vectors}
 */
function familyVectors({ name, index, loss, grad_pred, grad_target, scale }, { label, options }) {
  const [pred, target] = [rows(category(name).pred, index, 4), rows(category(name).target, index, 4)]
  const remainder = index.map((_, k) =>
    options.convention === 'torchvision' ? epsilonRemainder(rows(pred, [k], 4), rows(target, [k], 4)) : 0,
  )
  return {
    name,
    axes: 2,
    index,
    pred,
    target,
    loss: loss[label],
    grad: beside(grad_pred[label], grad_target[label], 4),
    lossScale: remainder.map((left, k) => scale?.[label][k] ?? (left && 1)),
    gradScale: remainder,
  }
}

/** @type {Variant[]} */
export const variants = [
  ...golden.losses.map((name) => ({ ...parseName(name), vectors: categories.map((c) => vectors(c, name)) })),
  ...golden.losses3d.map((name) => ({
    ...parseName(name),
    vectors: [
      vectors(
        golden.boxes3d,
        name,
        pairs3d((kind) => kind !== 'inverted'),
        'boxes3d',
      ),
      vectors(
        golden.boxes3d,
        name,
        pairs3d((kind) => kind === 'inverted'),
        'inverted3d',
      ),
    ],
  })),
  ...family.variants.map((variant) => ({
    ...variant,
    vectors: family.categories.map((excerpt) => familyVectors(excerpt, variant)),
  })),
]

/** @param {string} label */
export function variant(label) {
  const found = variants.find((v) => v.label === label)
  if (!found) throw new Error(`no golden variant '${label}'; there are ${variants.map((v) => v.label).join(', ')}`)
  return found
}

/** Rest on conventions (`degenerate`) or on rescaling (`scale_extreme`), so they are reported apart from the goal. */
export const APART = new Set(['degenerate', 'scale_extreme'])

/** The worst error, in ulp, that a judged category may show. */
export const GOAL = { loss: 6, grad: 12 }

/**
 * Wider bounds, each with its reason: by loss, by label, or by label and category (`'iou@log aspect'`).
 * @type {Record<string, { loss?: number, grad?: number }>}
 */
const WIDER = {
  // Cubes of terms above 1, which only inverted boxes have, against each other.
  'ciou@power=3 inverted': { loss: 8 },
  // exp of a distance of many constants: what is rounded away of the distance is a share of the result.
  'nwd aspect': { grad: 32 },
  'nwd huge': { grad: 1024 },
  // Beside epsilon nothing is left of boxes of 1e-21 but the aspect term: a small difference of two products.
  'ciou@torchvision scale_extreme': { grad: 64 },
}

/**
 * What the results of a variant are held to, in a category if one is named.
 * @param {{ loss: string, label: string }} variant
 * @param {string} [category]
 */
export const goal = ({ loss, label }, category) => ({
  ...GOAL,
  ...WIDER[loss],
  ...WIDER[label],
  ...WIDER[`${label} ${category}`],
})

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
function spacing(value, dtype) {
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
 * |actual - reference| in spacings of the type at `scale`. A scale of 0 leaves no room: anything but 0 is infinitely
 * wrong.
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
 * Where terms of opposite sign cancel, in spacings at `scale`, the largest of 1, the loss and its terms: a sum of two
 * terms, each rounded once, is already off by half a spacing of either.
 * @param {number} actual
 * @param {number} reference
 * @param {number} scale 0 where nothing cancels.
 * @param {DType} dtype
 */
const lossUlp = (actual, reference, scale, dtype) => ulpAt(actual, reference, scale || reference, dtype)

/**
 * Gradient error of one pair: the largest component error in spacings at the largest component of the reference,
 * prediction and target together. Small components are differences of nearly equal terms: their own ulp says nothing.
 * @param {ArrayLike<number>} actual All components: prediction, then target.
 * @param {ArrayLike<number>} reference
 * @param {number} scale What takes the place of the largest component if it is larger.
 * @param {DType} dtype
 */
function gradUlp(actual, reference, scale, dtype) {
  let largest = scale
  for (let i = 0; i < reference.length; i++) largest = Math.max(largest, Math.abs(reference[i]))
  let worst = 0
  for (let i = 0; i < reference.length; i++) worst = Math.max(worst, ulpAt(actual[i], reference[i], largest, dtype))
  return worst
}

/**
 * Losses and gradients of a variant's pairs.
 * @param {Evaluate} evaluate
 * @param {{ dtype: DType, variant: Variant, vectors: Vectors }} what
 */
export function run(evaluate, { dtype, variant: { loss: name, options }, vectors }) {
  const [pred, target] = [typed(vectors.pred, dtype), typed(vectors.target, dtype)]
  const { loss, grad, gradTarget } = evaluate(name, pred, target, { ...options, reduction: 'none', gradTarget: true })
  if (typeof loss === 'number' || !grad || !gradTarget) throw new Error(`${name}: evaluate left out a result`)
  return { loss, grad, gradTarget }
}

/**
 * The worst loss error and the worst gradient error of an implementation over one category, each with its pair.
 * @param {Evaluate} evaluate
 * @param {{ dtype: DType, variant: Variant, vectors: Vectors }} what
 */
export function measure(evaluate, { dtype, variant, vectors }) {
  const { loss, grad, gradTarget } = run(evaluate, { dtype, variant, vectors })
  const width = 2 * vectors.axes
  const worst = { loss: { ulp: 0, index: 0 }, grad: { ulp: 0, index: 0 } }
  for (const [i, index] of vectors.index.entries()) {
    const row = [width * i, width * (i + 1)]
    const actual = [...grad.subarray(...row), ...gradTarget.subarray(...row)]
    const ulp = {
      loss: lossUlp(loss[i], vectors.loss[i], vectors.lossScale[i], dtype),
      grad: gradUlp(actual, vectors.grad.slice(2 * row[0], 2 * row[1]), vectors.gradScale[i], dtype),
    }
    if (ulp.loss > worst.loss.ulp) worst.loss = { ulp: ulp.loss, index }
    if (ulp.grad > worst.grad.ulp) worst.grad = { ulp: ulp.grad, index }
  }
  return worst
}
