import { checkAgrees } from './check.mjs'
import { allocated, lossAndGrad } from './inputs.mjs'
import { jittedTrainer, start } from './peers/jax.mjs'
import { plainLoop } from './peers/loop.mjs'
import { autogradTrainer, scalossTrainer, selectBackend } from './peers/tfjs.mjs'
import { takeTurns } from './turns.mjs'

// Times a step of gradient descent on the boxes themselves, so that it contains only the loss and the cost of the
// trainer.

/**
 * @import { Context } from './run.mjs'
 * @import { Variant } from './turns.mjs'
 * @typedef {object} Trainer
 * @property {(rate: number) => number} step
 * @property {() => ArrayLike<number>} boxes [N, 4]
 * @property {() => void} [dispose]
 */

/** Of a step's way, which the rounding of coordinates near 600 limits. */
const WAY_TOLERANCE = 1e-2

/**
 * Over arrays, by hand.
 * @param {{ pred: Float32Array, grad: Float32Array }} arrays
 * @param {() => number} loss Writes `grad`.
 * @returns {Trainer}
 */
function byHand({ pred, grad }, loss) {
  return {
    step: (rate) => {
      const value = loss()
      for (let i = 0; i < pred.length; i++) pred[i] -= rate * grad[i]
      return value
    },
    boxes: () => pred,
  }
}

/** @param {Context} context */
export async function trainer({ peerSizes, peerEffort, progress }) {
  await start()
  const rows = []
  for (const boxes of peerSizes) {
    progress(`${boxes} boxes`)
    const { pred, target } = allocated(boxes)
    const own = allocated(boxes)
    const looped = allocated(boxes)
    /** @type {{ name: string, backend?: string, make: () => Trainer }[]} */
    const kinds = [
      { name: 'scaloss', make: () => byHand(own, lossAndGrad('sca', own)) },
      { name: 'plain JS loop', make: () => byHand(looped, () => plainLoop(looped.pred, target, looped.grad)) },
      { name: 'jax-js jit, wasm', make: () => jittedTrainer(pred, target) },
      ...['wasm', 'cpu'].flatMap((backend) => [
        { name: `scaloss/tfjs, ${backend}`, backend, make: () => scalossTrainer(pred, target) },
        { name: `tfjs autograd, ${backend}`, backend, make: () => autogradTrainer(pred, target) },
      ]),
    ]

    /**
     * @type {(Variant & { is: { boxes: number, name: string, threads: number }, dispose: (() => void) | undefined })[]}
     */
    const variants = []
    /** @type {{ loss: number, grad: ArrayLike<number> } | undefined} */
    let expected
    for (const { name, backend, make } of kinds) {
      const select = backend === undefined ? () => {} : selectBackend(backend)
      await select() // tensors belong to the backend that is in force
      const { step, boxes: read, dispose } = make()
      const loss = step(boxes)
      const moved = read()
      const way = Float32Array.from(pred, (start, i) => start - moved[i])
      expected ??= { loss, grad: way }
      checkAgrees(`a step of ${name}`, { loss, grad: way }, expected, WAY_TOLERANCE)
      // From here on at rate 0: the same work, and boxes that stay.
      variants.push({ is: { boxes, name, threads: 1 }, select, call: () => step(0), dispose, against: {} })
    }
    const at = (/** @type {string} */ name) => {
      const variant = variants.find((variant) => variant.is.name === name)
      if (!variant) throw new Error(`no trainer ${name}`)
      return variant
    }
    for (const backend of ['wasm', 'cpu'])
      at(`scaloss/tfjs, ${backend}`).against = { autograd: at(`tfjs autograd, ${backend}`) }
    at('scaloss').against = { loop: at('plain JS loop'), jax: at('jax-js jit, wasm') }
    rows.push(...(await takeTurns(variants, boxes, peerEffort)))
    for (const { select, dispose } of variants) {
      await select?.()
      dispose?.()
    }
  }
  return rows
}
