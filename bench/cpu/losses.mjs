import { boxLoss, pairwise } from 'scaloss'
import { LOSSES } from '../../dist/core/losses.js'
import { makeBoxes, simdLevels } from '../support.mjs'
import { allocated, lossAndGrad } from './inputs.mjs'
import { loadStream, streamVariants } from './stream.mjs'
import { takeTurns } from './turns.mjs'

// Times every loss at every size: loss and gradient on one and two threads at the widest SIMD level, on one thread with
// AVX2, and the loss alone. Also times pairwise(), in nanoseconds per pair.

/**
 * @import { LossName, LossOptions } from 'scaloss'
 * @import { Context } from './run.mjs'
 * @import { Variant } from './turns.mjs'
 * @typedef {{ label: string, name: LossName, options?: LossOptions }} Loss
 */

const PAIRWISE = /** @type {LossName[]} */ (['iou', 'giou', 'ciou', 'sca'])

/** @type {Loss[]} */
const ALL = [
  ...Object.keys(LOSSES).map((label) => ({
    label,
    name: /** @type {LossName} */ (label),
    ...(label === 'mpdiou' && { options: { imageWidth: 640, imageHeight: 480 } }),
  })),
  // The conventions run the code of the plain losses, other options code that any loss and option shares.
  { label: 'ciou, torchvision', name: 'ciou', options: { convention: 'torchvision' } },
  { label: 'iou, mode log', name: 'iou', options: { mode: 'log' } },
  { label: 'ciou, power 3', name: 'ciou', options: { power: 3 } },
]

/** @param {Context} context */
export async function losses({ sizes, pairwiseSide, effort, progress }) {
  const stream = loadStream()
  const { levels, select, restore } = simdLevels()
  const widest = levels[levels.length - 1]
  const rows = []

  for (const boxes of sizes) {
    progress(`${boxes} boxes`)
    const inputs = [2, 3].map((axes) => {
      const arrays = allocated(boxes, axes)
      return { arrays, yardstick: streamVariants(stream, arrays, boxes, { axes }) }
    })
    /** `sca` by SIMD level. @type {Record<string, Variant>} */
    const sca = {}
    const variants = ALL.flatMap(({ label, name, options }) => {
      const { arrays, yardstick } = inputs[LOSSES[name].axes - 2]
      const { pred, target } = arrays
      const { one, two, plain } = yardstick
      const is = { boxes, name: label, pass: 'loss and gradient', simd: widest, threads: 1 }
      const at = (/** @type {string} */ simd) => {
        /** @type {Variant} */
        const variant = { is: { ...is, simd }, select: () => select(simd), call: lossAndGrad(name, arrays, options) }
        sca[simd] ??= variant
        return Object.assign(variant, { against: { stream: one, streamPlain: plain, sca: sca[simd] } })
      }
      const alone = at(widest)
      const both = {
        is: { ...is, threads: 2 },
        select: () => select(widest),
        call: lossAndGrad(name, arrays, { ...options, threads: 2 }),
        against: { oneThread: alone, ...(two && { stream: two }) },
      }
      const forward = {
        is: { ...is, pass: 'loss alone' },
        select: () => select(widest),
        call: () => boxLoss(name, pred, target, { ...options, threads: 1, backend: 'cpu', grad: false }),
      }
      return [alone, both, forward, ...(levels.includes('avx2') && widest !== 'avx2' ? [at('avx2')] : [])]
    })
    const yardsticks = inputs.flatMap(({ yardstick }) => Object.values(yardstick))
    rows.push(...(await takeTurns([...variants, ...yardsticks], boxes, effort)))
  }

  progress('pairwise')
  const { pred, target } = makeBoxes(pairwiseSide)
  const out = new Float32Array(pairwiseSide ** 2)
  const pairs = PAIRWISE.map((name) => ({
    is: { boxes: pairwiseSide, name, pass: 'pairwise', simd: widest, threads: 1 },
    select: () => select(widest),
    call: () => pairwise(name, pred, target, { backend: 'cpu', threads: 1, out }),
  }))
  rows.push(...(await takeTurns(pairs, pairwiseSide ** 2, effort)))
  restore()
  return rows
}
