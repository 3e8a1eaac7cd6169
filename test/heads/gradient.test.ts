import { describe, expect, it } from 'vitest'
import { LOSS_NAMES, LOSSES, type LossName } from '../../src/core/losses.js'
import { checkGradient } from '../../src/grad-check/grad-check.js'
import { drawProblem } from '../../src/grad-check/problem.js'
import { boxCoder, gradCheck, headLoss } from '../../src/index.js'
import { NAMED } from '../support/heads.js'
import { DTYPES } from '../support/wasm.js'

// Gradients for raw numbers against central differences of the reference's loss.
const NAMES = LOSS_NAMES.filter((name) => LOSSES[name].axes === 2)
const anything = (value: unknown) => value as never

describe.each(NAMED)('$label', ({ coder }) => {
  // A row of logits takes as many differences as a dozen rows of four numbers.
  const boxes = coder.kind === 'dfl' ? 2 : 12

  it.each(NAMES)('%s', (name) => {
    for (const dtype of DTYPES) {
      const report = gradCheck(name, anything({ coder, boxes, dtype, backend: 'cpu' }))
      expect(report.faults, dtype).toEqual([])
      expect([report.worst.pred.length, report.worst.target.length]).toEqual([coder.columns, 4])
    }
  })
})

it.each(DTYPES)('%s: options of the loss, formats and backends', (dtype) => {
  const coder = boxCoder('yolov5')
  for (const options of [
    { mode: 'log', format: 'cxcywh' },
    { inner: 0.75, format: 'xywh', backend: 'wasm' },
    { focal: 0.5, format: 'yxyx', backend: 'js' },
    { convention: 'torchvision', gradTarget: false },
  ]) {
    expect(
      gradCheck('giou', anything({ ...options, coder, dtype, boxes: 50 })).faults,
      JSON.stringify(options),
    ).toEqual([])
  }
})

it.each<[string, number, number, LossName]>([
  ['a slope that is left out', 1, 0, 'ciou'],
  ['a slope that is a hundredth too large', 2, 1.01, 'sca'],
])('finds %s', (_, component, factor, name) => {
  const coder = boxCoder('yolov3')
  const problem = drawProblem(name, { coder, boxes: 40 })
  const report = checkGradient(
    problem,
    { backend: 'cpu', dtype: 'float32', gradTarget: true },
    (which, raw, target, options) => {
      const prior = Float32Array.from(problem.head!.prior)
      const result = headLoss(which, coder, raw, prior as never, target, {
        ...options,
        reduction: 'none',
      } as never) as never as {
        loss: Float32Array
        grad: Float32Array
        gradTarget: Float32Array
      }
      return { ...result, grad: result.grad.map((g, i) => (i % 4 === component ? factor * g : g)) }
    },
  )
  expect(report.passed).toBe(false)
  expect(report.faults[0]).toMatch(/^pred: element/)
  expect(report.worst.component).toBe(component)
})

it('refuses what is no coder, and losses of three axes', () => {
  expect(() => gradCheck('iou', anything({ coder: {} }))).toThrow('coder: expected a coder of boxCoder()')
  expect(() => gradCheck('sca3', { coder: boxCoder('yolox') })).toThrow(
    'name: expected a loss of two axes, with a coder',
  )
})
