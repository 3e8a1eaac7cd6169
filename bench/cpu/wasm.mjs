import { boxLoss } from 'scaloss'
import { simdLevels } from '../support.mjs'
import { checkAgrees } from './check.mjs'
import { allocated, lossAndGrad } from './inputs.mjs'
import { plainLoop } from './peers/loop.mjs'
import { takeTurns } from './turns.mjs'

// Times what computes where the addon cannot be loaded: the backends `wasm` and `js`, beside the addon on one thread,
// and for `sca` a plain loop.

/**
 * @import { LossName } from 'scaloss'
 * @import { Context } from './run.mjs'
 * @import { Variant } from './turns.mjs'
 */

const NAMES = /** @type {LossName[]} */ (['sca', 'giou', 'ciou'])

/** @param {Context} context */
export async function wasm({ wasmSizes, effort, progress }) {
  const { levels } = simdLevels()
  const simd = levels[levels.length - 1]
  const rows = []
  for (const boxes of wasmSizes) {
    progress(`${boxes} boxes`)
    const arrays = allocated(boxes)
    const { pred, target } = arrays
    const variants = NAMES.flatMap((name) => {
      const addon = lossAndGrad(name, arrays)
      const expected = { loss: addon(), grad: arrays.grad.slice() }
      const grad = new Float32Array(arrays.grad.length)
      const variant = (/** @type {string} */ code, /** @type {() => number} */ call) => {
        checkAgrees(`${name}, ${code}`, { loss: call(), grad }, expected)
        return { is: { boxes, name, code, threads: 1 }, call }
      }
      const on = (/** @type {'wasm' | 'js'} */ backend) => () =>
        boxLoss(name, pred, target, { backend, out: { grad } }).loss
      const [ofWasm, ofJs] = [variant('backend wasm', on('wasm')), variant('backend js', on('js'))]
      const loop = name === 'sca' ? variant('plain JS loop', () => plainLoop(pred, target, grad)) : undefined
      const against = { wasm: ofWasm, js: ofJs, ...(loop && { loop }) }
      /** @type {Variant} */
      const ofAddon = { is: { boxes, name, code: 'addon', simd, threads: 1 }, call: addon, against }
      return [ofAddon, ofWasm, ...(loop ? [loop] : []), ofJs]
    })
    rows.push(...(await takeTurns(variants, boxes, effort)))
  }
  return rows
}
