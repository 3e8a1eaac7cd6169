import { boxLoss } from 'scaloss'
import { drawPairs, gradNorm, SAMPLING_NAMES, SAMPLINGS } from './boxes.mjs'
import { draw, LOSS_STYLES } from './chart.mjs'
import { writeData } from './data.mjs'

// Checks what the paper says about SO and GIoU in words.

/**
 * @import { LossName } from 'scaloss'
 * @import { Context, Figure, Statement } from './run.mjs'
 * @typedef {{ pred: Float32Array, target: Float32Array }} Pairs
 */

const SEED = 4
const SIMILARITIES = 10

const percent = (/** @type {number} */ part) => `${(100 * part).toFixed(1)}\u00a0%`

/** Losses, gradients and IoU of each pair.
 * @param {LossName} name
 * @param {Pairs} pairs */
const each = (name, { pred, target }) => boxLoss(name, pred, target, { reduction: 'none', iou: true })

/** Of the pairs without overlap: the share whose gradient by SO is longer than by GIoU, and that GIoU makes larger.
 * @param {Pairs} pairs */
function apart(pairs) {
  const [so, giou] = [each('so', pairs), each('giou', pairs)]
  let [number, longer, grows] = [0, 0, 0]
  for (let i = 0; i < so.iou.length; i++) {
    if (so.iou[i] > 0) continue
    number++
    if (gradNorm(so.grad, i) > gradNorm(giou.grad, i)) longer++
    // A step of descent changes w·h by −(w·dh + h·dw), with dw = g(x2) − g(x1).
    const [x1, y1, x2, y2] = pairs.pred.subarray(4 * i, 4 * i + 4)
    const [gx1, gy1, gx2, gy2] = giou.grad.subarray(4 * i, 4 * i + 4)
    if ((x2 - x1) * (gy2 - gy1) + (y2 - y1) * (gx2 - gx1) < 0) grows++
  }
  return { apart: number, longer: longer / number, grows: grows / number }
}

/**
 * The mean of IoU + 1 − SO of overlapping pairs by how similar their shapes are: the sides' ratios, smaller over
 * larger, multiplied.
 * @param {Pairs} pairs
 */
function slack({ pred, target }) {
  const [so, iou] = [each('so', { pred, target }), each('iou', { pred, target })]
  const bins = Array.from({ length: SIMILARITIES }, () => ({ pairs: 0, sum: 0 }))
  const side = (/** @type {Float32Array} */ box, /** @type {number} */ at) => box[at + 2] - box[at]
  for (let i = 0; i < iou.loss.length; i++) {
    if (iou.iou[i] === 0) continue
    const ratios = [4 * i, 4 * i + 1].map((at) => side(pred, at) / side(target, at))
    const similarity = ratios.reduce((product, ratio) => product * Math.min(ratio, 1 / ratio), 1)
    const bin = bins[Math.min(Math.floor(SIMILARITIES * similarity), SIMILARITIES - 1)]
    bin.pairs++
    bin.sum += so.loss[i] - iou.loss[i]
  }
  return bins.map(({ pairs, sum }, i) => ({
    similarity: (i + 0.5) / SIMILARITIES,
    pairs,
    slack: pairs ? sum / pairs : null,
  }))
}

/** @param {Pairs} pairs
 * @returns {Statement[]} */
function exact({ pred, target }) {
  const so = each('so', { pred, target }).loss
  const sizes = [2 ** 20, 2 ** -20]
  const same = sizes.every((size) =>
    each('so', { pred: pred.map((v) => size * v), target: target.map((v) => size * v) }).loss.every(
      (v, i) => v === so[i],
    ),
  )
  const match = each('so', { pred, target: pred }).loss.every((loss) => loss === 0)
  const one = (/** @type {number[]} */ a, /** @type {number[]} */ b) =>
    each('so', { pred: Float32Array.from(a), target: Float32Array.from(b) })
  const distances = [10, 1000, 100_000]
  const far = distances.map((d) => 2 - one([0, 0, 1, 1], [d, d, d + 1, d + 1]).loss[0])
  const plain = boxLoss('sca', pred, target)
  const step = (/** @type {number} */ sign) => pred.map((v, i) => v + sign * 1e-4 * (plain.grad[i] * so.length))
  const [up, down] = [1, -1].map((sign) => boxLoss('sca', step(sign), target, { grad: false }).loss)
  const official = boxLoss('sca', Float32Array.of(0, 0, 1, 1), Float32Array.of(0, 0, 1, 1), {
    convention: 'official',
  }).grad
  return [
    {
      statement: 'SO is invariant to the scale of the boxes.',
      finding: `${so.length.toLocaleString('en')} pairs times 2²⁰ and times 2⁻²⁰: ${same ? 'all losses the same, bit for bit' : 'losses differ'}.`,
      verdict: same ? 'reproduced' : 'not',
    },
    {
      statement: 'SO is 2 for a perfect match, its maximum.',
      finding: `L_SO of ${so.length.toLocaleString('en')} boxes with themselves is ${match ? 'exactly 0' : 'not 0'}.`,
      verdict: match ? 'reproduced' : 'not',
    },
    {
      statement: 'SO tends to −2 as boxes move apart.',
      finding: `Unit boxes ${distances.join(', ')} apart in both x and y: SO = ${far.map((v) => v.toFixed(5).replace('-', '−')).join(', ')}. Apart in one direction alone, it tends to −1
plus the other side's overlap.`,
      verdict: far[2] < -1.9999 ? 'reproduced' : 'not',
    },
    {
      statement: 'Eq. 7: the update is B + η∇B.',
      finding: `From a mean L_SCA of ${plain.loss.toFixed(5)}, a step of 1e-4 with the printed sign leads to ${up.toFixed(5)}, with the other to ${down.toFixed(5)}: descent needs B − η∇B.`,
      verdict: up < plain.loss ? 'reproduced' : 'not',
    },
    {
      statement: 'The published code is Eqs. 3 and 4 with α = 0.5.',
      finding: `The authors' code has α = 1 and 1e-7 inside the corner distance. With that (convention 'official') a perfect match of unit boxes keeps a gradient of
${Math.abs(official[0]).toFixed(3)} at every coordinate; by the printed equations it is 0.`,
      verdict: 'partly',
    },
  ]
}

/** @type {(context: Context) => Promise<Figure>} */
export async function figure({ folder, quick, progress }) {
  const boxes = quick ? 20_000 : 1_000_000
  const results = SAMPLING_NAMES.map((name) => {
    progress(`statements in words over ${boxes} pairs, ${SAMPLINGS[name].label}`)
    const pairs = drawPairs(SAMPLINGS[name].pair, boxes, SEED)
    return { sampling: name, ...apart(pairs), slack: slack(pairs) }
  })
  const rows = results.flatMap(({ sampling, slack }) => slack.map((bin) => ({ sampling, ...bin })))
  const filled = results.map(({ slack }) => slack.flatMap((bin) => bin.slack ?? []))
  const ends = filled.map((values) => `${values[0].toFixed(3)} to ${values[values.length - 1].toFixed(3)}`)
  const tighter = filled.map((values) => values.every((value, i) => i === 0 || value < values[i - 1]))
  const slackOf = (/** @type {number[]} */ pred, /** @type {number[]} */ target) => {
    const pair = { pred: Float32Array.from(pred), target: Float32Array.from(target) }
    return each('so', pair).loss[0] - each('iou', pair).loss[0]
  }
  const [equal, wider] = [slackOf([0, 0, 2, 2], [1, 1, 3, 3]), slackOf([0, 0, 2, 2], [0, 0, 4, 2])]
  const shares = results.map(({ sampling, ...of }) => ({ label: SAMPLINGS[sampling].label, ...of }))
  const parameters = {
    boxes,
    seed: SEED,
    dtype: 'float32',
    samplings: SAMPLINGS,
    apart: results.map(({ slack, ...of }) => of),
  }
  return {
    id: 'properties',
    title: 'What the paper says in words',
    statement: 'Without overlap, SO has a larger gradient than GIoU.',
    finding: `Longer for ${shares.map(({ label, longer }) => `${percent(longer)} (${label})`).join(', ')} of the pairs apart: of most, not of all.`,
    verdict: shares.every(({ longer }) => longer === 1) ? 'reproduced' : 'partly',
    images: [
      await draw(
        folder,
        'properties-slack',
        {
          title: { text: 'How far below IoU + 1 is SO?', subtitle: 'mean of IoU + 1 − SO of overlapping pairs' },
          data: { values: rows.map((row) => ({ ...row, sampling: SAMPLINGS[row.sampling].label })) },
          encoding: {
            x: { field: 'similarity', type: 'quantitative', title: 'similarity of shape (1: same sides)' },
            y: { field: 'slack', type: 'quantitative', title: null },
            strokeDash: { field: 'sampling', type: 'nominal', legend: { columns: 3 } },
          },
          mark: { type: 'line', color: LOSS_STYLES.so.colour },
        },
        'Mean of IoU + 1 − SO against the similarity of shape, for three samplings.',
      ),
    ],
    data: writeData(folder, 'properties', parameters, rows),
    notes: ['Similarity of shape: min(w/W, W/w) · min(h/H, H/h).'],
    statements: [
      {
        statement: 'The bound SO ≤ IoU + 1 is tighter for boxes of more similar shape.',
        finding: `The mean of IoU + 1 − SO from the least to the most similar tenth: ${ends.map((text, i) => `${text} (${shares[i].label})`).join(', ')}. Falling
throughout for ${tighter.filter(Boolean).length} of ${tighter.length} samplings. No rule for a pair: two equal boxes half a side apart both ways have ${equal.toFixed(3)}, a box in a wider one of its height ${wider}.`,
        verdict: !tighter.some(Boolean) ? 'not' : tighter.every(Boolean) && equal < wider ? 'reproduced' : 'partly',
      },
      {
        statement: 'Without overlap, GIoU tends to enlarge the box.',
        finding: `A step of descent enlarges the area of ${shares.map(({ label, grows }) => `${percent(grows)} (${label})`).join(', ')} of the predictions apart.`,
        verdict: shares.every(({ grows }) => grows > 0.5) ? 'reproduced' : 'partly',
      },
      ...exact(drawPairs(SAMPLINGS.jitter.pair, Math.min(boxes, 100_000), SEED)),
    ],
  }
}
