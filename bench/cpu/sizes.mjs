import { simdLevels } from '../support.mjs'
import { checkAgrees } from './check.mjs'
import { allocated, lossAndGrad } from './inputs.mjs'
import { plainLoop } from './peers/loop.mjs'
import { loadStream, streamVariants } from './stream.mjs'
import { takeTurns } from './turns.mjs'

// Times `sca` from 16 to 10 million boxes: SIMD levels, one and two threads, other arrays, a plain loop, and the
// bandwidth of the memory.

/**
 * @import { Context } from './run.mjs'
 * @import { Variant } from './turns.mjs'
 */

/** Not every level: the narrow ones are there for comparison, and slow. */
const LARGEST_OF_NARROW_LEVELS = 1e5

/** @param {Context} context */
export async function sizes({ sizes, effort, progress }) {
  const stream = loadStream()
  const { levels, select, restore } = simdLevels()
  const widest = levels[levels.length - 1]
  const rows = []
  for (const boxes of sizes) {
    progress(`${boxes} boxes`)
    const arrays = allocated(boxes)
    const ordinary = {
      pred: arrays.pred.slice(),
      target: arrays.target.slice(),
      grad: new Float32Array(arrays.grad.length),
    }
    const yardstick = streamVariants(stream, arrays, boxes)
    const { one, plain, two } = yardstick
    /** @type {Variant} */
    const loop = {
      is: { boxes, name: 'plain JS loop', threads: 1 },
      call: () => plainLoop(ordinary.pred, ordinary.target, ordinary.grad),
    }

    // The same result first, or the times would compare nothing.
    const expected = { loss: plainLoop(arrays.pred, arrays.target, ordinary.grad), grad: ordinary.grad.slice() }

    /** @type {Variant[]} */
    const variants = levels
      .filter((level) => level === widest || level === 'avx2' || boxes <= LARGEST_OF_NARROW_LEVELS)
      .flatMap((simd) => {
        const at = (/** @type {number} */ threads) => {
          const call = lossAndGrad('sca', arrays, { threads })
          select(simd)
          checkAgrees(`${simd} on ${threads} threads`, { loss: call(), grad: arrays.grad }, expected)
          return { is: { boxes, name: 'scaloss', simd, threads }, select: () => select(simd), call }
        }
        const alone = { ...at(1), against: { stream: one, streamPlain: plain, loop } }
        const both = { ...at(2), against: { oneThread: alone, ...(two && { stream: two }) } }
        return [alone, both]
      })
    const inOrdinary = {
      is: { boxes, name: 'scaloss, ordinary arrays', simd: widest, threads: 1 },
      select: () => select(widest),
      call: lossAndGrad('sca', ordinary),
      against: { stream: one, streamPlain: plain },
    }
    rows.push(...(await takeTurns([...variants, inOrdinary, loop, ...Object.values(yardstick)], boxes, effort)))
  }
  restore()
  return rows
}
