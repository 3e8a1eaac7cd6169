import { boxLoss, createPlan } from 'scaloss'
import { simdLevels } from '../support.mjs'
import { checkAgrees } from './check.mjs'
import { allocated, lossAndGrad } from './inputs.mjs'
import { LOOPS } from './peers/loop.mjs'
import { takeTurns } from './turns.mjs'

// Times what computes where the addon cannot be loaded: the backend `wasm` over ordinary arrays and as a plan, and the
// backend `js`, beside the addon on one thread and a plain loop.

/**
 * @import { Context } from './run.mjs'
 * @import { Variant } from './turns.mjs'
 */

const NAMES = /** @type {const} */ (['sca', 'giou', 'ciou'])

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
      /** @type {Float32Array} */
      const grad = new Float32Array(arrays.grad.length)
      const variant = (/** @type {string} */ code, /** @type {() => number} */ call, written = grad) => {
        checkAgrees(`${name}, ${code}`, { loss: call(), grad: written }, expected)
        return { is: { boxes, name, code, threads: 1 }, call }
      }
      const on = (/** @type {'wasm' | 'js'} */ backend) => () =>
        boxLoss(name, pred, target, { backend, out: { grad } }).loss
      const plan = createPlan(name, { boxes, backend: 'wasm' })
      plan.pred.set(pred)
      plan.target.set(target)
      const loop = variant('plain JS loop', () => LOOPS[name](pred, target, grad))
      /** @type {Variant} */
      const ofWasm = { ...variant('backend wasm', on('wasm')), against: { loop } }
      const ofPlan = variant('backend wasm, plan', () => plan.run().loss, plan.grad)
      const ofJs = variant('backend js', on('js'))
      const against = { wasm: ofWasm, plan: ofPlan, js: ofJs, loop }
      /** @type {Variant} */
      const ofAddon = { is: { boxes, name, code: 'addon', simd, threads: 1 }, call: addon, against }
      return [ofAddon, ofWasm, ofPlan, loop, ofJs]
    })
    rows.push(...(await takeTurns(variants, boxes, effort)))
  }
  return rows
}
