import { boxCoder, boxLoss, headLoss } from 'scaloss'
import { checkAgrees } from './check.mjs'
import { allocated } from './inputs.mjs'
import { deltasLoop, dflLoop } from './peers/head-loops.mjs'
import { takeTurns } from './turns.mjs'

// Times headLoss beside boxLoss over the decoded boxes, and beside plain loops.

/**
 * @import { CoderKind, CoderOptions } from 'scaloss'
 * @import { Context } from './run.mjs'
 * @import { Variant } from './turns.mjs'
 */

/** @type {[CoderKind, CoderOptions][]} */
const CODERS = [
  ['deltas', { maxLogSize: Number.POSITIVE_INFINITY }],
  ['yolov3', {}],
  ['yolov5', {}],
  ['yolox', {}],
  ['ltrb', {}],
  ['detr', { imageWidth: 1000, imageHeight: 1000 }],
  ['dfl', {}],
]
const LOOPS = /** @type {Partial<Record<CoderKind, typeof dflLoop>>} */ ({ deltas: deltasLoop, dfl: dflLoop })

/** @param {Context} context */
export async function heads({ headSizes, effort, progress }) {
  const rows = []
  for (const boxes of headSizes) {
    progress(`${boxes} rows`)
    const { target } = allocated(boxes)
    for (const [kind, options] of CODERS) {
      const coder = boxCoder(kind, options)
      const { raw, prior } = drawn(coder.columns, coder.priorColumns, kind, target)
      const [grad, boxGrad] = [new Float32Array(raw.length), new Float32Array(4 * boxes)]
      const decoded = coder.decode(raw, prior, { backend: 'cpu' })
      const all = /** @type {const} */ ({ backend: 'cpu', threads: 1 })
      const own = () => headLoss('giou', coder, raw, prior, target, { ...all, out: { grad } }).loss
      const box = {
        is: { boxes, name: kind, code: 'boxLoss', threads: 1 },
        call: () => boxLoss('giou', decoded, target, { ...all, out: { grad: boxGrad } }).loss,
      }
      /** @type {Record<string, Variant>} */
      const against = { box }
      const loop = LOOPS[kind]
      if (loop) {
        const expected = { loss: own(), grad: grad.slice() }
        const arrays = { raw, prior, target, grad: grad.slice(), boxes: decoded.slice(), boxGrad: boxGrad.slice() }
        const result = { loss: loop(arrays), grad: arrays.grad }
        // Among many rows some edges nearly coincide, and rounding decides which of them is the outer one.
        if (boxes <= 1000) checkAgrees(`${kind}, plain JS loop`, result, expected)
        against.loop = { is: { boxes, name: kind, code: 'plain JS loop', threads: 1 }, call: () => loop(arrays) }
      }
      const head = { is: { boxes, name: kind, code: 'headLoss', threads: 1 }, call: own, against }
      rows.push(...(await takeTurns([head, ...Object.values(against)], boxes, effort)))
    }
  }
  return rows
}

/**
 * Raw numbers from -1 to 1, and priors near the targets.
 * @param {number} columns
 * @param {number} priorColumns
 * @param {CoderKind} kind
 * @param {Float32Array} target
 */
function drawn(columns, priorColumns, kind, target) {
  const rows = target.length / 4
  let state = 1
  const random = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
  const raw = Float32Array.from({ length: columns * rows }, () => 2 * random() - 1)
  const prior = new Float32Array(priorColumns * rows)
  for (let i = 0; i < rows; ++i) {
    const [x1, y1, x2, y2] = target.subarray(4 * i, 4 * i + 4)
    const [cx, cy, w, h] = [(x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1]
    const numbers = {
      deltas: [x1 + 0.1 * w, y1, x2, y2 + 0.1 * h],
      yolov3: [cx, cy, 8, w, h],
      yolov5: [cx, cy, 8, w, h],
      yolox: [cx, cy, 8],
      ltrb: [cx, cy, 8],
      dfl: [cx, cy, 8],
      detr: [cx / 1000, cy / 1000, w / 1000, h / 1000],
    }[kind]
    prior.set(numbers, priorColumns * i)
  }
  return { raw, prior }
}
