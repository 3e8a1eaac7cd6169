import { constants } from 'node:buffer'
import { describe, expect, it } from 'vitest'
import { LOSS_NAMES, LOSSES } from '../../src/core/losses.js'
import { alloc, backends, boxLoss, createPlan, type PlanOptions } from '../../src/index.js'
import { randomPairs } from '../support/random.js'
import { rejection } from '../support/rejection.js'
import { demanded } from '../support/variants.js'

// Calls that are prepared once, and memory for repeated calls.
const BACKENDS = (['cuda', 'cpu', 'wasm', 'js'] as const).filter((backend) => backends()[backend].available)
const CONFIGURATIONS = BACKENDS.flatMap((backend) =>
  (['float32', 'float64'] as const).map((dtype) => ({ backend, dtype })),
)

describe.each(CONFIGURATIONS)('a plan, $backend, $dtype', ({ backend, dtype }) => {
  const Float = dtype === 'float32' ? Float32Array : Float64Array
  const pairs = (n: number, seed: number, axes: 2 | 3 = 2) => randomPairs(Float, n, { seed, axes })

  it.each(LOSS_NAMES)('%s: what boxLoss gives for its arrays, run after run', (name) => {
    const { axes } = LOSSES[name]
    const plan = createPlan(name, { ...demanded(name), boxes: 37, backend, dtype, gradTarget: true, iou: true })
    for (const seed of [1, 2]) {
      const { pred, target } = pairs(37, seed, axes)
      plan.pred.set(pred as never)
      plan.target.set(target as never)
      const result = plan.run()
      const expected = boxLoss(name, pred, target, { ...demanded(name), backend, gradTarget: true, iou: true })
      expect(result).toEqual(expected)
      expect(result.grad).toBe(plan.grad)
      expect(result.iou).toBe(plan.iou)
    }
    expect(plan.run()).toBe(plan.run())
  })

  it('with weights and upstream gradients of its own, all 1 at first', () => {
    const { pred, target } = pairs(20, 3)
    const plan = createPlan('diou', { boxes: 20, backend, dtype, reduction: 'none', weight: true, gradOutput: true })
    plan.pred.set(pred as never)
    plan.target.set(target as never)
    expect(plan.run()).toEqual(boxLoss('diou', pred, target, { backend, reduction: 'none' }))
    const weight = new Float(20).map((_, i) => i % 3)
    const gradOutput = new Float(20).map((_, i) => 1 - i)
    plan.weight.set(weight as never)
    plan.gradOutput.set(gradOutput as never)
    const expected = boxLoss('diou', pred, target, { backend, reduction: 'none', weight, gradOutput })
    expect(plan.run()).toEqual(expected)
  })

  it('of fewer boxes, with other scales for one run', () => {
    const { pred, target } = pairs(30, 4)
    const scales = { reduction: 'sum', normalizer: 3, lossWeight: 2, gradOutput: -0.5 } as const
    const plan = createPlan('sca', { boxes: 30, backend, dtype, ...scales, alpha: 0.25 })
    plan.pred.set(pred as never)
    plan.target.set(target as never)
    const options = { backend, ...scales, alpha: 0.25 }
    const all = boxLoss('sca', pred, target, options)
    for (const [run, changes] of [
      [{ boxes: 11 }, {}],
      [{ normalizer: 5 }, { normalizer: 5 }],
      [{ boxes: 7, normalizer: 0 }, { normalizer: 0 }],
      [
        { lossWeight: -1, gradOutput: 3, boxes: 30 },
        { lossWeight: -1, gradOutput: 3 },
      ],
    ] as const) {
      const n = 'boxes' in run ? run.boxes : 30
      plan.grad.fill(12345)
      const { loss, grad } = plan.run(run)
      const expected = boxLoss('sca', pred.slice(0, 4 * n), target.slice(0, 4 * n), { ...options, ...changes })
      expect(loss).toBe(expected.loss)
      expect(grad.slice(0, 4 * n)).toEqual(expected.grad)
      expect(grad.slice(4 * n).every((g) => g === 12345)).toBe(true)
      expect(plan.run()).toEqual(all)
    }
    expect(plan.run({ boxes: 0 })).toMatchObject({ loss: 0, invalid: 0 })
    expect(plan.run()).toEqual(all)
    for (const option of ['boxes', 'normalizer', 'lossWeight', 'gradOutput']) {
      expect(plan.run({ [option]: undefined })).toEqual(all)
    }
  })

  it('counts invalid rows, and throws for them where it should', () => {
    const plan = createPlan('so', { boxes: 3, backend, dtype, onInvalid: 'throw' })
    plan.pred.set([0, 0, 1, 1, 0, 0, 2, 2, 3, 3, 1, 1])
    expect(() => plan.run()).toThrow(/^pred: row 2 is not a finite box/)
    expect(plan.run({ boxes: 2 }).invalid).toBe(0)
    const weighted = createPlan('so', { boxes: 3, backend, dtype, onInvalid: 'throw', weight: true })
    weighted.weight[2] = Number.NaN
    expect(rejection(() => weighted.run()).argument).toBe('weight')
    expect(weighted.run({ boxes: 2 }).invalid).toBe(0)
    const counting = createPlan('so', { boxes: 3, backend, dtype })
    counting.pred.set(plan.pred as never)
    expect(counting.run().invalid).toBe(1)
  })

  it('computes nothing that it is not asked for', () => {
    const plan = createPlan('sca', { boxes: 2, backend, dtype, grad: false })
    expect(plan.run()).toEqual({ loss: 0, grad: undefined, gradTarget: undefined, iou: undefined, invalid: 0, backend })
    expect([plan.grad, plan.gradTarget, plan.iou, plan.weight, plan.gradOutput]).toEqual(Array(5).fill(undefined))
  })

  it('cannot run after dispose, but leaves its arrays', () => {
    const plan = createPlan('sca', { boxes: 2, backend, dtype })
    plan.dispose()
    plan.dispose()
    expect(plan.disposed).toBe(true)
    expect(() => plan.run()).toThrow(expect.objectContaining({ code: 'ERR_SCALOSS_DISPOSED' }))
    plan.pred.fill(1)
    expect(plan.pred[7]).toBe(1)
    {
      using other = createPlan('sca', { boxes: 2, backend, dtype })
      expect(other.run().loss).toBe(0)
    }
  })

  it('is filled: other arrays in the place of its own are refused, not ignored', () => {
    const plan = createPlan('sca', { boxes: 1, backend, dtype })
    const other = plan.pred.slice()
    const replace = (member: string) => () => Object.assign(plan, { [member]: other })
    for (const member of ['pred', 'target', 'weight', 'grad', 'boxes']) expect(replace(member)).toThrow(TypeError)
  })

  it('keeps its memory: it cannot be taken away', () => {
    const plan = createPlan('sca', { boxes: 100, backend, dtype })
    plan.pred.fill(1)
    try {
      structuredClone(plan.pred, { transfer: [plan.pred.buffer as ArrayBuffer] })
    } catch (error) {
      expect((error as Error).name).toBe('DataCloneError')
    }
    if (plan.pred.length > 0) expect(plan.run().invalid).toBe(0)
    else expect(rejection(() => plan.run()).argument).toBe('plan.pred')
  })
})

describe('createPlan refuses', () => {
  const anything = (options: object) => options as PlanOptions
  it.each<[string, PlanOptions]>([
    ['boxes', anything({})],
    ['boxes', { boxes: 0 }],
    ['boxes', { boxes: 1.5 }],
    ['device', { boxes: 1, device: -1 }],
    ['dtype', anything({ boxes: 1, dtype: 'float16' })],
    ['backend', anything({ boxes: 1, backend: 'gpu' })],
    ['weight', anything({ boxes: 1, weight: new Float32Array(1) })],
    ['gradOutput', anything({ boxes: 1, gradOutput: true })],
    ['gradOutput', anything({ boxes: 1, gradOutput: 'x' })],
    ['grad', anything({ boxes: 1, grad: 1 })],
    ['iou', anything({ boxes: 1, iou: 'yes' })],
    ['reduction', anything({ boxes: 1, reduction: 'average' })],
    ['options', anything({ boxes: 1, out: {} })],
    ['alpha', anything({ boxes: 1, alpha: Number.NaN })],
  ])('%s: %o', (argument, options) => {
    expect(rejection(() => createPlan('sca', { backend: 'cpu', ...options })).argument).toBe(argument)
  })

  it('an upstream gradient by what was given for it, before there is memory', () => {
    const refused = (options: object) =>
      rejection(() => createPlan('sca', anything({ boxes: 2 ** 39, ...options }))).message
    expect(refused({ gradOutput: true })).toBe("gradOutput: expected a number with reduction 'mean', got true")
    expect(refused({ gradOutput: false, reduction: 'none' })).toBe(
      'gradOutput: expected a number, or true for an array of the plan, got false',
    )
    expect(refused({ threads: 0 })).toMatch(/^threads: /)
  })

  it('runs that it cannot have', () => {
    const plan = createPlan('sca', { boxes: 4, backend: 'cpu' })
    const run = (options: object) => rejection(() => plan.run(options)).argument
    expect(run({ boxes: 5 })).toBe('boxes')
    expect(run({ boxes: -1 })).toBe('boxes')
    expect(run({ box: 1 })).toBe('options')
    expect(run({ lossWeight: Number.NaN })).toBe('lossWeight')
    expect(run({ lossWeight: 1e39 })).toBe('lossWeight')
    expect(run({ gradOutput: true })).toBe('gradOutput')
    expect(run({ normalizer: '1' })).toBe('normalizer')
    const none = createPlan('sca', { boxes: 4, backend: 'cpu', reduction: 'none', gradOutput: true })
    expect(rejection(() => none.run({ normalizer: 1 })).argument).toBe('normalizer')
    expect(rejection(() => none.run({ gradOutput: 2 })).argument).toBe('gradOutput')
  })
})

describe('alloc', () => {
  it.each(BACKENDS)('%s: zeros to fill and to use like any array', (backend) => {
    const { pred, target } = randomPairs(Float32Array, 50, { seed: 9 })
    const [a, b, grad] = [
      alloc(50, 'float32', { backend }),
      alloc(50, 'float32', { backend }),
      alloc(50, 'float32', { backend }),
    ]
    expect(a).toEqual(new Float32Array(200))
    a.set(pred)
    b.set(target)
    const expected = boxLoss('giou', pred, target, { backend })
    expect(boxLoss('giou', a, b, { backend, out: { grad } })).toEqual(expected)
    expect(alloc(3, 'float64', { backend, columns: 1 })).toEqual(new Float64Array(3))
    expect(alloc(0, 'float32', { backend })).toHaveLength(0)
  })

  it.each(BACKENDS)('%s: more than there is', (backend) => {
    const message = (call: () => unknown) => {
      expect(call).toThrow(expect.objectContaining({ name: 'ScaLossError', code: 'ERR_SCALOSS_OUT_OF_MEMORY' }))
      return expect(call)
    }
    message(() => alloc(2 ** 39, 'float64', { backend })).toThrow(
      'alloc: [549755813888, 4] numbers of float64 need 16384.0 GiB, more than there is: take fewer boxes at a time',
    )
    message(() => alloc(2 ** 30, 'float32', { backend, columns: 2 ** 30 })).toThrow('alloc: [1073741824, 1073741824] ')
    message(() => createPlan('sca', { boxes: 2 ** 38, backend })).toThrow(
      'createPlan: arrays of 274877906944 boxes need ',
    )
  })

  // Memory that nobody writes to is none: the system only promises it.
  const boxes = constants.MAX_LENGTH / 16 + 1
  it.skipIf(boxes > 2 ** 30).each(BACKENDS)('%s: more than a buffer of Node can hold', (backend) => {
    try {
      expect(alloc(boxes, 'float32', { backend })).toHaveLength(4 * boxes)
    } catch (error) {
      expect(error).toMatchObject({ code: 'ERR_SCALOSS_OUT_OF_MEMORY' })
    }
  })

  it('refuses what is no number of boxes', () => {
    const refused = (...args: unknown[]) =>
      rejection(() => (alloc as (...args: unknown[]) => unknown)(...args)).argument
    expect(refused(-1)).toBe('boxes')
    expect(refused('4')).toBe('boxes')
    expect(refused(2 ** 40, 'float32', { columns: 1 })).toBe('boxes')
    expect(refused(1, 'float16')).toBe('dtype')
    expect(refused(1, 'float32', { columns: 0 })).toBe('columns')
    expect(refused(1, 'float32', { pinned: true })).toBe('options')
    expect(refused(1, 'float32', { backend: 'gpu' })).toBe('backend')
  })
})
