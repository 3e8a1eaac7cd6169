import * as tf from '@tensorflow/tfjs-core'
import { beforeAll, describe, expect, it, vi } from 'vitest'
import * as arrays from '../../src/calls/box-loss.js'
import { LOSS_NAMES, LOSSES, type LossName } from '../../src/core/losses.js'
import type { BoxLossOptions } from '../../src/core/types.js'
import type { TensorLoss, TensorLossOptions } from '../../src/tfjs.js'
import * as tfjs from '../../src/tfjs.js'
import { toFormat } from '../support/random.js'
import { plainScaLoss, TF_BACKENDS, tensorPairs, useTfBackend, values } from '../support/tfjs.js'
import { demanded, functionOf } from '../support/variants.js'

// The losses and their gradients in TensorFlow.js equal those of the package, bit for bit.

const { boxLoss, scaLoss } = tfjs

/** Σ over the boxes of dy · loss, differentiated for the prediction. */
const gradOf = (loss: TensorLoss, yTrue: tf.Tensor, yPred: tf.Tensor, dy?: tf.Tensor) =>
  tf.grad((pred) => loss(yTrue, pred))(yPred, dy)

/** What the package gives for the same call. */
const expected = (name: LossName, pred: Float32Array, target: Float32Array, options: BoxLossOptions<Float32Array>) => {
  const { loss, grad } = arrays.boxLoss(name, pred, target, options)
  return { loss: typeof loss === 'number' ? Float32Array.of(loss) : loss, grad }
}

it('has a function for every loss but mpdiou, which requires the size of the image', () => {
  const names = LOSS_NAMES.filter((name) => LOSSES[name].required.length === 0).map(functionOf)
  expect(Object.keys(tfjs).sort()).toEqual(['boxLoss', 'boxLossAsync', ...names].sort())
  // tf.layers calls metrics by these.
  for (const name of names) expect((tfjs as Record<string, unknown>)[name]).toHaveProperty('name', name)
})

describe.each(TF_BACKENDS)('%s', (backend) => {
  beforeAll(() => useTfBackend(backend))

  const gradOutput = Float32Array.of(1, -2, 0, 0.25, 3, 1e-3, 7)
  const dy = () => tf.tensor1d(gradOutput)

  it.each(LOSS_NAMES)('%s: a loss and a gradient a box, those of the package', (name) => {
    const { pred, target, yPred, yTrue } = tensorPairs(7, name)
    const own = (tfjs as unknown as Record<string, TensorLoss>)[functionOf(name)]
    const loss = own ?? boxLoss(name, demanded(name))
    const should = expected(name, pred, target, { ...demanded(name), reduction: 'none', gradOutput })
    const result = loss(yTrue, yPred)
    const grad = gradOf(loss, yTrue, yPred, dy())
    expect(result.shape).toEqual([7])
    expect(values(result)).toEqual(should.loss)
    expect(grad.shape).toEqual(yPred.shape)
    expect(values(grad)).toEqual(should.grad)
  })

  it.each<[LossName, TensorLossOptions & Pick<BoxLossOptions<Float32Array>, 'reduction' | 'weight'>]>([
    ['sca', { alpha: 0.2, lossWeight: 5 }],
    ['sca', { convention: 'official', backend: 'js' }],
    ['iou', { mode: 'log', onInvalid: 'ignore' }],
    ['ciou', { weight: Float32Array.of(1, 0, 2, 0.5, 1, 1, 1) }],
    ['giou', { reduction: 'sum', lossWeight: 0.5 }],
    ['giou', { reduction: 'sum', normalizer: 3 }],
    ['diou', { reduction: 'mean', weight: Float32Array.of(1, 0, 2, 0.5, 1, 1, 1) }],
    ['diou', { reduction: 'mean', normalizer: 0 }],
  ])('%s %o: the options mean what they do in the package', (name, options) => {
    const { pred, target, yPred, yTrue } = tensorPairs(7, name, { kinds: ['overlap', 'inverted', 'disjoint'] })
    const loss = boxLoss(name, options)
    const perBox = (options.reduction ?? 'none') === 'none'
    const upstream = perBox ? dy() : tf.scalar(-0.5)
    const call = { reduction: 'none', gradOutput: perBox ? gradOutput : -0.5, ...options } as const
    const should = expected(name, pred, target, call)
    const result = loss(yTrue, yPred)
    expect(result.shape).toEqual(perBox ? [7] : [])
    expect(values(result)).toEqual(should.loss)
    expect(values(gradOf(loss, yTrue, yPred, upstream))).toEqual(should.grad)
  })

  it.each(['xywh', 'cxcywh', 'yxyx'] as const)('format %s: the gradient comes back in it', (format) => {
    const corners = tensorPairs(7)
    const [pred, target] = [corners.pred, corners.target].map((boxes) => toFormat(boxes, format) as Float32Array)
    const should = expected('sca', pred!, target!, { format, reduction: 'none' })
    const grad = gradOf(boxLoss('sca', { format }), tf.tensor2d(target!, [7, 4]), tf.tensor2d(pred!, [7, 4]))
    expect(values(grad)).toEqual(should.grad)
  })

  it.each([
    { shape: [6, 4], name: 'sca' as const },
    { shape: [2, 3, 4], name: 'sca' as const },
    { shape: [1, 2, 3, 4], name: 'ciou' as const },
    { shape: [4], name: 'sca' as const },
    { shape: [0, 4], name: 'sca' as const },
    { shape: [2, 0, 4], name: 'sca' as const },
    { shape: [2, 3, 6], name: 'sca3' as const },
  ])('$shape boxes for $name: losses without the last dimension', ({ shape, name }) => {
    const boxes = shape.slice(0, -1)
    const { pred, target, yPred, yTrue } = tensorPairs(
      boxes.reduce((product, size) => product * size, 1),
      name,
    )
    const should = expected(name, pred, target, { reduction: 'none' })
    const loss = boxLoss(name)
    const [t, p] = [tf.reshape(yTrue, shape), tf.reshape(yPred, shape)]
    const grad = gradOf(loss, t, p)
    expect(loss(t, p).shape).toEqual(boxes)
    expect(values(loss(t, p))).toEqual(should.loss)
    expect(grad.shape).toEqual(shape)
    expect(values(grad)).toEqual(should.grad)
  })

  it('takes int32 targets', () => {
    const { yPred, target } = tensorPairs(5, 'sca', { step: 1 })
    const whole = tf.tensor2d(Int32Array.from(target), [5, 4], 'int32')
    const float = tf.tensor2d(target, [5, 4])
    expect(values(scaLoss(whole, yPred))).toEqual(values(scaLoss(float, yPred)))
    expect(values(gradOf(scaLoss, whole, yPred))).toEqual(values(gradOf(scaLoss, float, yPred)))
  })

  it.each([
    { kind: 'numbers', weight: () => [1, 0, 2, 0, 1, 0.5] },
    { kind: 'a float64 array', weight: () => Float64Array.of(1, 0, 2, 0, 1, 0.5) },
    { kind: 'a tensor', weight: () => tf.tensor2d([1, 0, 2, 0, 1, 0.5], [2, 3]) },
  ])('weights as $kind: 0 is exactly 0, for a NaN box too', ({ weight }) => {
    const { pred, target } = tensorPairs(6)
    pred[4] = Number.NaN
    const should = expected('sca', pred, target, { weight: Float32Array.of(1, 0, 2, 0, 1, 0.5), reduction: 'none' })
    const [yTrue, yPred] = [tf.tensor3d(target, [2, 3, 4]), tf.tensor3d(pred, [2, 3, 4])]
    const loss = boxLoss('sca', { weight: weight() })
    expect(values(loss(yTrue, yPred))).toEqual(should.loss)
    expect(values(gradOf(loss, yTrue, yPred))).toEqual(should.grad)
  })

  it('a bool mask is a weight', () => {
    const { yPred, yTrue } = tensorPairs(3)
    const masked = boxLoss('sca', { weight: tf.tensor1d([true, false, true]) })(yTrue, yPred)
    expect(values(masked)).toEqual(values(boxLoss('sca', { weight: [1, 0, 1] })(yTrue, yPred)))
  })

  it.each([
    { reduction: tf.Reduction.NONE, weight: [1, 0, 2, 0.5, 1] },
    { reduction: tf.Reduction.SUM, weight: [1, 0, 2, 0.5, 1] },
    { reduction: tf.Reduction.MEAN, weight: [1, 0, 2, 0.5, 1] },
    { reduction: tf.Reduction.SUM_BY_NONZERO_WEIGHTS, weight: [1, 0, 2, 0.5, 1] },
    { reduction: tf.Reduction.SUM_BY_NONZERO_WEIGHTS, weight: [-1, 3, 0, 1, 2] },
    { reduction: tf.Reduction.MEAN },
    { reduction: tf.Reduction.SUM_BY_NONZERO_WEIGHTS },
  ])('tf.Reduction $reduction, weight $weight: as tf.losses reduce', ({ reduction, weight }) => {
    const { yPred, yTrue } = tensorPairs(5)
    const loss = boxLoss('sca', weight ? { reduction, weight } : { reduction })
    const viaTf: TensorLoss = (t, p) => tf.losses.computeWeightedLoss(scaLoss(t, p), weight ?? 1, reduction)
    const upstream = tf.onesLike(loss(yTrue, yPred))
    for (const of of [
      (loss: TensorLoss) => loss(yTrue, yPred),
      (loss: TensorLoss) => gradOf(loss, yTrue, yPred, upstream),
    ])
      for (const [i, value] of values(of(viaTf)).entries()) expect(values(of(loss))[i]).toBeCloseTo(value, 6)
  })

  it.each([tf.Reduction.MEAN, tf.Reduction.SUM_BY_NONZERO_WEIGHTS])(
    'tf.Reduction %i without a positive box: 0, where tf.losses give NaN',
    (reduction) => {
      const { yPred, yTrue } = tensorPairs(5)
      const weight = [0, 0, 0, 0, 0]
      const loss = boxLoss('sca', { reduction, weight })
      expect(values(tf.losses.computeWeightedLoss(scaLoss(yTrue, yPred), weight, reduction))).toEqual(
        Float32Array.of(Number.NaN),
      )
      expect(values(loss(yTrue, yPred))).toEqual(Float32Array.of(0))
      expect(values(tf.abs(gradOf(loss, yTrue, yPred)))).toEqual(new Float32Array(20))
    },
  )

  it('agrees with autograd of the plain formula away from ties', () => {
    const { yPred, yTrue } = tensorPairs(300, 'sca', { kinds: ['overlap', 'disjoint', 'nested', 'mixed'] })
    const largest = (tensor: tf.Tensor) => values(tf.max(tf.abs(tensor)))[0]!
    const [loss, plain] = [scaLoss, plainScaLoss].map((f) => f(yTrue, yPred)) as [tf.Tensor, tf.Tensor]
    const [grad, autograd] = [scaLoss, plainScaLoss].map((f) => gradOf(f, yTrue, yPred)) as [tf.Tensor, tf.Tensor]
    expect(largest(tf.sub(loss, plain))).toBeLessThan(1e-5)
    expect(largest(tf.sub(grad, autograd))).toBeLessThan(1e-5 * largest(autograd))
  })

  it('is 0 with gradient 0 at a match, where autograd is NaN', () => {
    const { yTrue } = tensorPairs(3)
    const yPred = tf.clone(yTrue)
    expect(values(scaLoss(yTrue, yPred))).toEqual(new Float32Array(3))
    expect(values(gradOf(plainScaLoss, yTrue, yPred)).every(Number.isNaN)).toBe(true)
    expect(values(tf.abs(gradOf(scaLoss, yTrue, yPred)))).toEqual(new Float32Array(12))
  })

  it('is one term of a larger graph', () => {
    const { yPred, yTrue } = tensorPairs(4)
    const loss = (pred: tf.Tensor) => {
      const boxes = tf.add(tf.mul(pred, 2), 1)
      return tf.add(tf.mul(3, tf.mean(scaLoss(yTrue, boxes))), tf.mean(tf.square(boxes)))
    }
    const boxes = tf.add(tf.mul(yPred, 2), 1)
    const parts = tf.add(tf.mul(gradOf(scaLoss, yTrue, boxes), (3 / 4) * 2), tf.mul(boxes, (2 / 16) * 2))
    const grad = values(tf.grad(loss)(yPred))
    expect(grad.every((value) => value !== 0)).toBe(true)
    for (const [i, value] of values(parts).entries()) expect(Math.abs(grad[i]! - value)).toBeLessThan(1e-4)
  })

  it('holds the target constant', () => {
    const { yPred, yTrue } = tensorPairs(4)
    expect(() => tf.grads((t, p) => scaLoss(t!, p!))([yTrue, yPred])).toThrow(/Cannot compute gradient/)
    const [forTarget] = tf.grads((t, p) => tf.add(scaLoss(t!, p!), tf.sum(t!, -1)))([yTrue, yPred])
    expect(values(forTarget!)).toEqual(new Float32Array(16).fill(1))
  })

  it('computes no gradient that nothing asks for, and one pass for one that is', () => {
    const { yPred, yTrue } = tensorPairs(4)
    const calls = vi.spyOn(arrays, 'boxLoss')
    const asked = () => calls.mock.calls.map(([, , , options]) => options?.grad)
    scaLoss(yTrue, yPred)
    expect(asked()).toEqual([false])
    gradOf(scaLoss, yTrue, yPred)
    expect(asked()).toEqual([false, false, true])
    calls.mockRestore()
  })

  it('leaks no tensor', () => {
    const weight = tf.tensor1d([1, 0, 2, 1])
    const { yPred, yTrue } = tensorPairs(4)
    const whole = tf.cast(yTrue, 'int32')
    const before = tf.memory().numTensors
    for (const target of [yTrue, whole])
      for (const reduction of ['none', 'mean', tf.Reduction.MEAN] as const) {
        const loss = boxLoss('sca', { weight, reduction })
        loss(target, yPred).dispose()
        gradOf(loss, target, yPred).dispose()
        const { value, grad } = tf.valueAndGrad((pred) => tf.mean(loss(target, pred)))(yPred)
        tf.dispose([value, grad])
      }
    expect(tf.memory().numTensors).toBe(before)
  })
})
