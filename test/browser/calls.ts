import type { BackendName } from '../../src/index.js'
import { HEADS, headRows } from '../support/heads.js'
import { KINDS, randomPairs } from '../support/random.js'
import { ALL, axesOf } from '../support/variants.js'

// Calls that a page and Node make, each with its own copy of the package. Their results are text, to be compared.

type Package = typeof import('../../src/index.js')

/** Writes numbers so that equal texts are equal bits. */
const text = (values: number | ArrayLike<number>) =>
  Array.from(typeof values === 'number' ? [values] : values, (x) => (Object.is(x, -0) ? '-0' : `${x}`)).join(' ')

const PAIRS = 101

/** Computes every loss with every option that changes its formula. */
export function everyLoss({ boxLoss, pairwise }: Package, backend: BackendName): Record<string, string> {
  const results: Record<string, string> = {}
  for (const variant of ALL) {
    for (const Boxes of [Float32Array, Float64Array]) {
      const { name, label, options } = variant
      const columns = 2 * axesOf(variant)
      const { pred, target } = randomPairs(Boxes, PAIRS, { kinds: KINDS, axes: axesOf(variant) })
      const all = { ...options, backend, gradTarget: true, iou: true } as const
      const { loss, grad, gradTarget, iou, invalid } = boxLoss(name, pred, target, all)
      const few = target.subarray(0, 5 * columns)
      const matrix = pairwise(name, pred, few, { ...options, backend, detailed: true }).values
      results[`${label}, ${Boxes.name}`] = [loss, grad, gradTarget, iou, invalid, matrix].map(text).join('\n')
    }
  }
  return results
}

/** Computes every coder. */
export function everyHead({ boxCoder, headLoss }: Package, backend: BackendName): Record<string, string> {
  const results: Record<string, string> = {}
  for (const [kind, options] of HEADS) {
    for (const Float of [Float32Array, Float64Array]) {
      const coder = boxCoder(kind, options)
      const { raw, prior, target } = headRows(coder, PAIRS, Float, { odd: 0.1 })
      const all = { backend, gradTarget: true, boxes: true } as const
      const { loss, grad, gradTarget, boxes, invalid } = headLoss('ciou', coder, raw, prior, target, all)
      const name = `${kind} ${JSON.stringify(options)}, ${Float.name}`
      results[name] = [loss, grad, gradTarget, boxes, invalid].map(text).join('\n')
    }
  }
  return results
}

/** Makes every kind of call once. */
export async function everyCall({ boxLossAsync, createPlan, gradCheck, alloc }: Package, backend: BackendName) {
  const { pred, target } = randomPairs(Float32Array, PAIRS)
  const plan = createPlan('giou', { boxes: PAIRS, backend })
  plan.pred.set(pred)
  plan.target.set(target)
  const planned = plan.run()
  const asynchronous = await boxLossAsync('siou', pred, target, { backend, reduction: 'none' })
  const { passed, faults, skipped } = gradCheck('ciou', { boxes: 100, backend })
  return {
    plan: text(planned.loss) + text(planned.grad),
    boxLossAsync: text(asynchronous.loss) + text(asynchronous.grad),
    gradCheck: JSON.stringify({ passed, faults, skipped }),
    alloc: text(alloc(2, 'float64', { backend })),
  }
}
