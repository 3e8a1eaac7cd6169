import { boxLoss, boxLossAsync, createPlan } from 'scaloss'
import { allocated, lossAndGrad } from './inputs.mjs'
import { loadStream } from './stream.mjs'
import { takeTurns } from './turns.mjs'

// The cost of a call in addition to its arithmetic, for each way to call. In nanoseconds per call.

/**
 * @import { Context } from './run.mjs'
 * @import { Variant } from './turns.mjs'
 */

const OUT = [0, 1, 16, 256, 1e4, 1e5]
const FRESH = [16, 256, 1e4]
const PLAN = [1, 16, 256, 4096]
const ASYNC = [256, 1e4, 1e5]

/** @param {Context} context */
export async function calls({ effort, progress }) {
  progress('plan, out, fresh results, async')
  const { nothing } = loadStream()
  const options = /** @type {const} */ ({ backend: 'cpu', threads: 1 })
  const is = (/** @type {string} */ name, /** @type {number} */ boxes) => ({ name, boxes })

  /** @type {Variant[]} */
  const withOut = OUT.map((boxes) => ({ is: is('out', boxes), call: lossAndGrad('sca', allocated(boxes)) }))
  /** @type {Variant[]} */
  const fresh = FRESH.map((boxes) => {
    const { pred, target } = allocated(boxes)
    return { is: is('fresh results', boxes), call: () => boxLoss('sca', pred, target, options) }
  })
  const plans = PLAN.map((boxes) => {
    const plan = createPlan('sca', { boxes, ...options })
    const { pred, target } = allocated(boxes)
    plan.pred.set(pred)
    plan.target.set(target)
    return { plan, variant: { is: is('plan', boxes), call: () => plan.run() } }
  })
  /** @type {Variant[]} */
  const later = ASYNC.map((boxes) => {
    const { pred, target, grad } = allocated(boxes)
    const all = { ...options, out: { grad } }
    return {
      is: is('async', boxes),
      call: () => boxLossAsync('sca', pred, target, all),
      awaited: true,
      beyond: { out: withOut[OUT.indexOf(boxes)] },
    }
  })
  /** @type {Variant} */
  const empty = { is: is('an empty function of an addon', 0), call: nothing }
  const variants = [empty, ...withOut, ...fresh, ...plans.map(({ variant }) => variant), ...later]
  const rows = await takeTurns(variants, 1, effort)
  for (const { plan } of plans) plan.dispose()
  return rows
}
