import { boxLoss } from 'scaloss'
import { drawPairs, SAMPLING_NAMES, SAMPLINGS } from './boxes.mjs'
import { writeData } from './data.mjs'

// Checks the bounds of SO on every pair: of valid boxes, of boxes on a coarse grid (where edges and whole boxes
// coincide), and of inverted and flat boxes, for which the paper's "for all A, B in R4" fails.

/**
 * @import { Box, DrawPair, Random } from './boxes.mjs'
 * @import { Context, Figure } from './run.mjs'
 * @typedef {{ name: string, text: string, valid: boolean, pair: DrawPair }} Set
 */

const SEED = 3
const LISTED = 3

const GRID = 8
/** @type {(random: Random) => number} */
const gridPoint = (random) => Math.floor((GRID + 1) * random())
/** Two different grid points in order. @type {(random: Random) => [number, number]} */
function gridSide(random) {
  const a = Math.floor(GRID * random())
  return [a, a + 1 + Math.floor((GRID - a) * random())]
}
/** @type {(random: Random) => Box} */
function gridBox(random) {
  const [[x1, x2], [y1, y2]] = [gridSide(random), gridSide(random)]
  return [x1, y1, x2, y2]
}
/** A grid box without height, or without width. @type {(random: Random) => Box} */
function flatBox(random) {
  const [[from, to], at] = [gridSide(random), gridPoint(random)]
  return random() < 0.5 ? [from, at, to, at] : [at, from, at, to]
}
/** @type {(random: Random) => Box} */
const unsorted = (random) => [random(), random(), random(), random()]

/** @type {Set[]} */
const SETS = [
  ...SAMPLING_NAMES.map((name) => ({
    name: SAMPLINGS[name].label,
    text: 'as in figure 1',
    valid: true,
    pair: SAMPLINGS[name].pair,
  })),
  {
    name: 'grid',
    text: `corners on whole numbers from 0 to ${GRID}: boxes that touch, share edges, are equal`,
    valid: true,
    pair: (random) => [gridBox(random), gridBox(random)],
  },
  {
    name: 'one flat box',
    text: 'a prediction without width or height on that grid',
    valid: true,
    pair: (random) => [flatBox(random), gridBox(random)],
  },
  {
    name: 'two flat boxes',
    text: 'both without width or height',
    valid: false,
    pair: (random) => [flatBox(random), flatBox(random)],
  },
  {
    name: 'inverted',
    text: 'the four numbers of each box in any order, so x2 < x1 or y2 < y1 in most',
    valid: false,
    pair: (random) => [unsorted(random), unsorted(random)],
  },
]

/**
 * A bound and by how much a pair breaks it, in losses: SO = 2 − L_SO, IoU = 1 − L_IoU, GIoU = 1 − L_GIoU.
 * @type {{ bound: string, excess: (so: number, iou: number, giou: number) => number }[]}
 */
const BOUNDS = [
  { bound: 'SO ≤ IoU + 1', excess: (so, iou) => iou - so },
  { bound: 'SO ≤ GIoU + 1', excess: (so, _, giou) => giou - so },
  { bound: 'SO ≤ 2', excess: (so) => -so },
  { bound: 'SO ≥ −2', excess: (so) => so - 4 },
  { bound: '0 ≤ IoU ≤ 1', excess: (_, iou) => Math.max(-iou, iou - 1) },
  { bound: '−1 ≤ GIoU ≤ 1', excess: (_so, _iou, giou) => Math.max(-giou, giou - 2) },
]
/** Losses within 4 ulp each (docs/accuracy.md) differ by no more than this where the numbers behind them are equal. */
const ROUNDING = 8 * 2 ** -23

/**
 * @param {Set} set
 * @param {number} boxes
 */
function check({ name, valid, pair }, boxes) {
  const { pred, target } = drawPairs(pair, boxes, SEED)
  const losses = /** @type {const} */ (['so', 'iou', 'giou']).map(
    (loss) => boxLoss(loss, pred, target, { reduction: 'none', grad: false }).loss,
  )
  const { invalid } = boxLoss('so', pred, target, { grad: false })
  return BOUNDS.map(({ bound, excess }) => {
    let violations = 0
    let largest = 0
    /** @type {{ pred: number[], target: number[], so: number, iou: number, giou: number }[]} */
    const examples = []
    for (let i = 0; i < boxes; i++) {
      const [so, iou, giou] = losses.map((loss) => loss[i])
      const over = excess(so, iou, giou)
      // Not "over > …": a NaN is a violation too.
      if (over <= ROUNDING * Math.max(1, Math.abs(so), Math.abs(iou), Math.abs(giou))) continue
      violations++
      largest = Math.max(largest, over)
      const box = (/** @type {Float32Array} */ boxes) => [...boxes.subarray(4 * i, 4 * i + 4)]
      if (examples.length < LISTED)
        examples.push({ pred: box(pred), target: box(target), so: 2 - so, iou: 1 - iou, giou: 1 - giou })
    }
    return { set: name, valid, bound, pairs: boxes, invalid, violations, largest, examples }
  })
}

/** @type {(context: Context) => Promise<Figure>} */
export async function figure({ folder, quick, progress }) {
  const boxes = quick ? 20_000 : 1_000_000
  const results = SETS.flatMap((set) => {
    progress(`bounds of SO over ${boxes} pairs, ${set.name}`)
    return check(set, boxes)
  })
  const broken = (/** @type {boolean} */ valid) =>
    results.filter((result) => result.valid === valid).reduce((sum, { violations }) => sum + violations, 0)
  const of = (/** @type {string} */ set) => results.filter((result) => result.set === set)
  const share = (/** @type {{ violations: number, pairs: number }} */ { violations, pairs }) =>
    violations === 0 ? '0' : `${violations.toLocaleString('en')} (${((100 * violations) / pairs).toFixed(1)}\u00a0%)`
  const count = results.filter((result) => result.valid).length / BOUNDS.length
  const pairs = (boxes * count).toLocaleString('en')
  const text = (/** @type {number[]} */ box) => box.map((v) => Number(v.toFixed(3))).join(', ')

  const rows = results.flatMap(({ examples, ...row }) => row)
  const listed = results.flatMap(({ set, bound, examples }) => examples.map((example) => ({ set, bound, ...example })))
  const sets = SETS.map(({ name, text, valid }) => ({ name, text, valid }))
  return {
    id: 'fig4-bounds',
    title: 'The bounds of SO, on every pair',
    statement:
      'For all A, B in R4: SO is a lower bound of IoU + 1 and of GIoU + 1, 0 ≤ IoU ≤ 1, −1 ≤ GIoU ≤ 1 and −2 ≤ SO ≤ 2.',
    finding: `Of ${pairs} valid pairs in ${count} samplings, ${broken(true)} break a bound. "For all" is too much: of pairs of flat boxes ${of('two flat boxes').map(share)[0]} have
SO > IoU + 1, and of inverted boxes ${of('inverted')
      .filter(({ violations }) => violations > 0)
      .map((result) => `${share(result)} break ${result.bound}`)
      .join(', ')}.`,
    verdict: broken(true) > 0 ? 'not' : broken(false) > 0 ? 'partly' : 'reproduced',
    images: [],
    data: [
      ...writeData(
        folder,
        'fig4-bounds',
        { boxes, seed: SEED, dtype: 'float32', rounding: ROUNDING, sets, listed },
        rows,
      ),
    ],
    notes: [
      'Why it holds for boxes with an area: with the side ratios a and b, (1 − a)(1 − b) ≥ 0 and, for u = U/C, (u − a)(u − b) ≥ 0.',
      `What float32 rounds is no violation: a bound counts as broken by more than ${ROUNDING.toExponential(1)} of the larger loss.`,
      ...SETS.map(({ name, text }) => `${name}: ${text}`),
    ],
    tables: [
      {
        caption: 'Pairs that break a bound',
        head: ['pairs', ...BOUNDS.map(({ bound }) => bound)],
        rows: SETS.map(({ name }) => [name, ...of(name).map(share)]),
      },
      {
        caption: 'Some of them (corners x1, y1, x2, y2)',
        head: ['pairs', 'breaks', 'prediction', 'target', 'SO', 'IoU', 'GIoU'],
        rows: listed.map(({ set, bound, pred, target, so, iou, giou }) => [
          ...[set, bound, text(pred), text(target)],
          ...[so, iou, giou].map((value) => value.toFixed(3)),
        ]),
      },
    ],
  }
}
