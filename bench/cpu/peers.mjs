import { simdLevels } from '../support.mjs'
import { checkAgrees, rowsOf } from './check.mjs'
import { allocated, lossAndGrad } from './inputs.mjs'
import { jitted, start } from './peers/jax.mjs'
import { plainLoop } from './peers/loop.mjs'
import { autograd, selectBackend } from './peers/tfjs.mjs'
import { takeTurns } from './turns.mjs'

// The alternatives to the package, on the same boxes: the loss and its gradient, in arrays.

/**
 * @import { Context } from './run.mjs'
 * @import { Variant } from './turns.mjs'
 */

/** @param {Context} context */
export async function peers({ peerSizes, peerEffort, progress }) {
  await start()
  const { levels } = simdLevels()
  const rows = []
  for (const boxes of peerSizes) {
    progress(`${boxes} boxes`)
    const arrays = allocated(boxes)
    const { pred, target, grad } = arrays
    const own = lossAndGrad('sca', arrays)
    const expected = { loss: own(), grad: grad.slice() }
    const loopGrad = new Float32Array(grad.length)
    const loop = () => plainLoop(pred, target, loopGrad)
    checkAgrees('plain JS loop', { loss: loop(), grad: loopGrad }, expected)

    const libraries = [
      { name: 'jax-js jit, wasm', select: () => {}, make: jitted },
      { name: 'tfjs autograd, wasm', select: selectBackend('wasm'), make: autograd },
      { name: 'tfjs autograd, cpu', select: selectBackend('cpu'), make: autograd },
    ]
    const others = []
    for (const { name, select, make } of libraries) {
      await select() // tensors belong to the backend that is in force
      const { call, dispose } = make(pred, target)
      const { loss, grad } = call()
      checkAgrees(name, { loss, grad: rowsOf(grad) }, expected)
      others.push({ is: { boxes, name, threads: 1 }, select, call, dispose })
    }
    const plain = { is: { boxes, name: 'plain JS loop', threads: 1 }, call: loop }
    const against = { loop: plain, jax: others[0], wasm: others[1], cpu: others[2] }
    const simd = levels[levels.length - 1]
    const scaloss = { is: { boxes, name: 'scaloss', simd, threads: 1 }, call: own, against }
    rows.push(...(await takeTurns([/** @type {Variant} */ (scaloss), plain, ...others], boxes, peerEffort)))
    for (const { select, dispose } of others) {
      await select()
      dispose()
    }
  }
  return rows
}
