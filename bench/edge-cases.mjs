import { writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { boxLoss } from 'scaloss'
import { LOSSES } from '../dist/core/losses.js'

// The result of every loss where formulas have kinks or no value, as the package computes it. Prints a page, and with
// --write writes it to docs/edge-cases.md. test/package/docs.test.ts compares that file with what this script prints.

/**
 * @import { FloatArray, LossName, LossOptions } from 'scaloss'
 * @typedef {[x1: number, y1: number, x2: number, y2: number]} Box
 * @typedef {{ label: string, name: LossName, options: LossOptions }} Row
 * @typedef {{ head: string, title: string, pred: Box, target: Box, text: string }} Case
 */

const IMAGE = { imageWidth: 640, imageHeight: 480 }
/** @type {[LossName, LossOptions][]} */
const VARIANTS = [
  ['iou', { mode: 'log' }],
  ['iou', { mode: 'square' }],
  ['sca', { convention: 'official' }],
  ['so', { convention: 'official' }],
  ['cd', { convention: 'official' }],
  ['giou', { convention: 'torchvision' }],
  ['diou', { convention: 'torchvision' }],
  ['ciou', { convention: 'torchvision' }],
]
/** @type {Row[]} */
const rows = [
  .../** @type {LossName[]} */ (Object.keys(LOSSES)).map((name) => ({
    label: `\`${name}\``,
    name,
    options: name === 'mpdiou' ? IMAGE : {},
  })),
  ...VARIANTS.map(([name, options]) => ({ label: `\`${name}\`, ${Object.values(options)}`, name, options })),
]

/** @type {Box} */
const TARGET = [200, 200, 300, 300]
/** @type {Box} */
const SHIFTED = [150, 150, 250, 250]
/** @type {Box} */
const FLAT = [200, 250, 300, 250]
/** @type {Box} */
const POINT = [250, 250, 250, 250]
const HUGE = 1e18
const scaled = (/** @type {Box} */ [x1, y1, x2, y2], k = HUGE) => /** @type {Box} */ ([k * x1, k * y1, k * x2, k * y2])

/** @type {Case[]} */
const meeting = [
  {
    head: 'match',
    title: 'A perfect match',
    pred: TARGET,
    target: TARGET,
    text: `Loss and gradient are exactly 0: the formulas are computed from differences, and all differences are 0.

The conventions keep what their epsilon leaves. With \`official\`, \`cd\` sees corners 1e-7 apart, so every coordinate
gets a gradient of 0.7071·alpha over the diagonal. With \`torchvision\`, a loss of 1e-7 over the area is left.

_Elsewhere:_ CIoU is NaN in mmdetection. The gradient of the root of a square at 0 is NaN in torch 2.13, JAX and tfjs
4.22.`,
  },
  {
    head: 'touching at an edge',
    title: 'Touching at an edge',
    pred: [100, 200, 200, 300],
    target: TARGET,
    text: `I = max(wmin,0)·hmin with wmin = 0. So there is no overlap, and max(t,0) has gradient 0 at 0. \`iou\` therefore gives no
direction in any mode; \`log\` is at its floor, −ln 1e-6. The terms that other losses add do give one. The shared edges
y1 and y2 are ties of min and max: each box gets half of the gradient.

_Elsewhere:_ at a tie of min and max, the two gradients are ½ and ½ in torch 2.13 and JAX, 1 and 0 in tfjs 4.22. A
clamp at 0 has gradient 1 in torch and tfjs, ½ in JAX.`,
  },
  {
    head: 'at a corner',
    title: 'Touching at a corner',
    pred: [100, 100, 200, 200],
    target: TARGET,
    text: `This is the case above on both axes. Both side overlaps are 0, so \`so\` is 2. Both pairs of corners are half of the
enclosing diagonal apart, so \`cd\` is 1.`,
  },
  {
    head: 'flat prediction',
    title: 'A flat prediction',
    pred: FLAT,
    target: TARGET,
    text: `The area is 0, so IoU is 0, and max(hmin,0) passes no gradient to \`iou\`. The centres coincide, so \`diou\` and \`center\`
have no gradient either. \`so\`, \`cd\`, \`giou\`, \`eiou\` and others pull y1 and y2 apart. \`ciou\` does too: atan(w/0) is
π/2, with the finite derivatives h/(w²+h²) and −w/(w²+h²).

_Elsewhere:_ predictions of height 0 give NaN gradients in torchvision and detectron2. NaN from CIoU for flat boxes is
reported in Zzh-tju/DIoU-pytorch-detectron#19 and #3.`,
  },
  {
    head: 'flat target',
    title: 'A flat target',
    pred: TARGET,
    target: FLAT,
    text: `This is the same pair with the roles exchanged, so the loss is the same. The gradient for the prediction may be 0. In
\`so\`, hmin/hmax = 0/h whatever h is; in \`eiou\`, (h−H)²/hmax² = h²/h².`,
  },
  {
    head: 'the same point',
    title: 'Both the same point',
    pred: POINT,
    target: POINT,
    text: `0/0 is defined, with gradient 0: wmin/wmax is 1, a distance over a diagonal of 0 is 0, and IoU is 0. So losses that
compare sides or corners call this a match. The IoU family calls it a miss: the loss is 1, or the floor of \`log\`.
Without an epsilon, two equal flat boxes give the same results. \`official\` divides by its epsilon here, so its
gradient is in the millions.

_Elsewhere:_ torchvision's \`generalized_box_iou_loss\` also returns 1 (pytorch/vision#7746). SIoU is NaN where centres
coincide in meituan/YOLOv6#226.`,
  },
]

/** @type {Case[]} */
const beyond = [
  {
    head: 'inverted prediction',
    title: 'An inverted prediction',
    pred: [300, 300, 200, 200],
    target: TARGET,
    text: `The prediction is the target with its corners exchanged. The formulas stay as written. wmin and hmin are negative, so
I = 0. The area w·h is positive, because both sides are negative. U is twice C here, so \`giou\` is 1 + (C − U)/C = 0.
\`center\` and \`center2\` see equal centres. So a loss of 0 does not prove a match: \`invalid\` counts such boxes, and
\`onInvalid\` leaves them out or refuses them.

_Elsewhere:_ negative losses from boxes in a wrong format: open-mmlab/mmdetection#4454 and #4486.`,
  },
  {
    head: 'NaN',
    title: 'A coordinate that is NaN',
    pred: [Number.NaN, 200, 300, 300],
    target: TARGET,
    text: `All results of the row are NaN, even of a loss that does not use that coordinate, and the row counts as invalid. With
weight 0 they are exactly 0.`,
  },
  {
    head: 'Infinity',
    title: 'An infinite coordinate',
    pred: [200, 200, Number.POSITIVE_INFINITY, 300],
    target: TARGET,
    text: `This is treated like NaN. Infinity over Infinity has no value, and results should not depend on which terms it
reaches.`,
  },
  {
    head: 'overlapping',
    title: 'Overlapping, for comparison',
    pred: SHIFTED,
    target: TARGET,
    text: `The boxes overlap by 50 of 100 pixels on each axis.`,
  },
  {
    head: 'the same × 1e18',
    title: 'The same pair times 1e18',
    pred: scaled(SHIFTED),
    target: scaled(TARGET),
    text: `Squares and areas of such sides do not fit into float32. So the sides are first divided by a power of two, which is
exact. A loss that is a ratio stays as it was. \`smooth_l1\` and \`l1\` have the unit of the coordinates. \`mpdiou\` divides
by the diagonal of the image and \`nwd\` by a constant, and neither has grown.

_Elsewhere:_ at 1e20, every library that was tried gives NaN.`,
  },
]

/**
 * Loss, and gradient for the prediction.
 * @template {FloatArray} A
 * @param {Row} row
 * @param {A} pred
 * @param {A} target
 */
function evaluate({ name, options }, pred, target) {
  const { loss, grad } = boxLoss(name, pred, target, { ...options, reduction: 'sum', backend: 'cpu' })
  if (!grad) throw new Error(`${name}: no gradient`)
  const word = grad.every((g) => g === 0) ? '0' : grad.some(Number.isNaN) ? 'NaN' : 'finite'
  return { loss, word: word === 'finite' && !grad.every(Number.isFinite) ? 'infinite' : word }
}

/** @param {number} value */
function show(value) {
  const rounded = Number(value.toPrecision(4))
  return Math.abs(rounded) < 1e6 || !Number.isFinite(rounded)
    ? String(rounded)
    : rounded.toExponential().replace('+', '')
}

/**
 * @param {Row} row
 * @param {Case} of
 */
function cell(row, { pred, target }) {
  // With three axes, z is as x.
  const numbers = (/** @type {Box} */ [x1, y1, x2, y2]) =>
    LOSSES[row.name].axes === 3 ? [x1, y1, x1, x2, y2, x2] : [x1, y1, x2, y2]
  const single = evaluate(row, Float32Array.from(numbers(pred)), Float32Array.from(numbers(target)))
  const double = evaluate(row, Float64Array.from(numbers(pred)), Float64Array.from(numbers(target)))
  const rounding = 1e-5 * Math.max(1, Math.abs(double.loss))
  const same = single.word === double.word && !(Math.abs(single.loss - double.loss) > rounding)
  const text = `${show(single.loss)} / ${single.word}`
  return same ? text : `${text} (float64: ${show(double.loss)} / ${double.word})`
}

/** @param {Case[]} cases */
const table = (cases) => [
  `| loss | ${cases.map(({ head }) => head).join(' | ')} |`,
  `| --- |${' --- |'.repeat(cases.length)}`,
  ...rows.map((row) => `| ${row.label} | ${cases.map((of) => cell(row, of)).join(' | ')} |`),
]

const box = (/** @type {Box} */ numbers) => `(${numbers.map(show).join(', ')})`
/** @param {Case[]} cases */
const reasons = (cases) =>
  cases.flatMap(({ title, pred, target, text }) => ['', `### ${title}: ${box(pred)} against ${box(target)}`, '', text])

const page = [
  '# Edge cases',
  '',
  '`npm run edge-cases -- --write` makes this page by running the package, and a test compares the two.',
  '',
  'Each cell has the loss / the gradient for the prediction. The gradient is `0` (exactly, in all components), `finite`',
  'or `NaN`. The results are float32 from the `cpu` backend. float64 gives the same except for rounding; where it does not,',
  'the cell has both. `mpdiou` has an image of 640 × 480. With three axes, z is the same as x.',
  '',
  '[losses.md](losses.md) has the formulas, and the rules under _Kinks and singular points_.',
  '',
  '## Valid boxes',
  '',
  ...table(meeting),
  ...reasons(meeting),
  '',
  '## Other boxes, and very large ones',
  '',
  ...table(beyond),
  ...reasons(beyond),
  '',
].join('\n')

const { values: flags } = parseArgs({ options: { write: { type: 'boolean', default: false } } })
process.stdout.write(page)
if (flags.write) writeFileSync(new URL('../docs/edge-cases.md', import.meta.url), page)
