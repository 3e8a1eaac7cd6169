import * as tf from '@tensorflow/tfjs-core'
import { beforeAll, describe, expect, it } from 'vitest'
import type { LossName } from '../../src/core/losses.js'
import { boxLoss, scaLoss, type TensorLossOptions } from '../../src/tfjs.js'
import { rejection } from '../support/rejection.js'
import { tensorPairs, useTfBackend, values } from '../support/tfjs.js'

// The errors of the losses for TensorFlow.js.

beforeAll(() => useTfBackend('cpu'))

const ofShape = (...shape: number[]) => tf.ones(shape)
const anything = (value: unknown) => value as tf.Tensor

it('a loss has the name by which tf.layers logs it as a metric', () => {
  expect([scaLoss.name, boxLoss('giou').name]).toEqual(['scaLoss', 'giou'])
})

describe('tensors', () => {
  it.each<[string, () => tf.Tensor, () => tf.Tensor, string]>([
    [
      'arrays',
      () => anything([[0, 0, 1, 1]]),
      () => anything([[0, 0, 1, 1]]),
      'yPred: expected a tensor, got an array of 1',
    ],
    ['no target', () => anything(undefined), () => ofShape(2, 4), 'yTrue: expected a tensor, got undefined'],
    ['5 numbers a box', () => ofShape(2, 5), () => ofShape(2, 5), 'yPred: expected shape [..., 4], got [2, 5]'],
    ['boxes of three axes', () => ofShape(2, 6), () => ofShape(2, 6), 'yPred: expected shape [..., 4], got [2, 6]'],
    ['a scalar', () => tf.scalar(1), () => tf.scalar(1), 'yPred: expected shape [..., 4], got []'],
    ['other boxes', () => ofShape(3, 4), () => ofShape(2, 4), 'yTrue: expected shape [2, 4] (as yPred), got [3, 4]'],
    [
      'as many boxes in another shape',
      () => ofShape(6, 4),
      () => ofShape(2, 3, 4),
      'yTrue: expected shape [2, 3, 4] (as yPred), got [6, 4]',
    ],
    [
      'an int32 prediction, which has no gradient',
      () => ofShape(2, 4),
      () => tf.ones([2, 4], 'int32'),
      'yPred: expected a tensor of float32, got one of int32',
    ],
    [
      'a bool target',
      () => tf.ones([2, 4], 'bool'),
      () => ofShape(2, 4),
      'yTrue: expected a tensor of float32 or int32, got one of bool',
    ],
  ])('%s', (_, yTrue, yPred, message) => {
    expect(rejection(() => scaLoss(yTrue(), yPred())).message).toBe(message)
  })

  it('a loss of three axes wants 6 numbers a box', () => {
    const refused = rejection(() => boxLoss('sca3')(ofShape(2, 4), ofShape(2, 4)))
    expect(refused.message).toBe('yPred: expected shape [..., 6], got [2, 4]')
  })

  it.each(['yPred', 'yTrue'])('%s disposed', (argument) => {
    const [used, disposed] = [ofShape(2, 4), ofShape(2, 4)]
    disposed.dispose()
    const call = () => (argument === 'yPred' ? scaLoss(used, disposed) : scaLoss(disposed, used))
    const message = `${argument}: expected a tensor in use, got one that was disposed`
    expect(call).toThrow(expect.objectContaining({ code: 'ERR_SCALOSS_DISPOSED', message }))
  })

  it('a box that is not valid, where that is asked for', () => {
    const call = () => boxLoss('sca', { onInvalid: 'throw' })(tf.ones([1, 4]), tf.tensor2d([2, 0, 1, 1], [1, 4]))
    expect(call).toThrow(expect.objectContaining({ code: 'ERR_SCALOSS_INVALID_BOX' }))
    expect(call).toThrow(/^yPred: row 0 is not a finite box/)
    const wrongTarget = () => boxLoss('sca', { onInvalid: 'throw' })(tf.tensor2d([2, 0, 1, 1], [1, 4]), tf.ones([1, 4]))
    expect(wrongTarget).toThrow(/^yTrue: row 0 is not a finite box/)
  })

  it('options in the place where boxLoss of the package has them', () => {
    const call = scaLoss as unknown as (...args: unknown[]) => tf.Tensor
    expect(() => call(ofShape(2, 4), ofShape(2, 4), { reduction: 'mean' })).toThrow(
      "a call of scaLoss: expected yTrue and yPred; options go to boxLoss('sca', options), got 3 arguments",
    )
    expect(call(ofShape(2, 4), ofShape(2, 4), undefined).shape).toEqual([2])
  })
})

describe('a backend that cannot be read synchronously', () => {
  const reason = 'only asynchronous reads'
  class Unreadable extends tf.KernelBackend {
    override numDataIds = () => 0
    override write = () => ({})
    override disposeData = () => true
    override readSync = () => {
      throw new Error(reason)
    }
  }

  it('says what to do instead, and keeps the cause', async () => {
    tf.registerBackend('unreadable', () => new Unreadable())
    await useTfBackend('unreadable')
    try {
      const boxes = tf.tensor2d([0, 0, 1, 1], [1, 4])
      const { message } = rejection(() => scaLoss(boxes, boxes))
      expect(message).toMatch(
        /^yPred: expected a tensor that can be read synchronously.*'unreadable'.*use boxLossAsync of 'scaloss\/tfjs'$/,
      )
      expect(() => scaLoss(boxes, boxes)).toThrow(
        expect.objectContaining({ cause: expect.objectContaining({ message: reason }) }),
      )
    } finally {
      await useTfBackend('cpu')
    }
  })
})

describe('options, refused when the loss is made', () => {
  it.each<[Record<string, unknown>, string, string]>([
    [{ alhpa: 1 }, 'options', 'an unknown one: "alhpa"'],
    [{ gradTarget: true }, 'options', 'an unknown one: "gradTarget"'],
    [{ out: {} }, 'options', 'an unknown one: "out"'],
    [{ alpha: '1' }, 'alpha', 'a finite number'],
    [{ mode: 'log' }, 'mode', 'it is for iou'],
    [{ format: 'xxyy' }, 'format', "one of 'xyxy'"],
    [{ backend: 'gpu' }, 'backend', "one of 'auto'"],
    [{ reduction: 'average' }, 'reduction', "'none', 'sum', 'mean'"],
    [{ reduction: 4 }, 'reduction', 'one of tf.Reduction'],
    [{ reduction: 'toString', normalizer: 2 }, 'reduction', 'got "toString"'],
    [{ normalizer: 2 }, 'normalizer', "no normalizer with reduction 'none'"],
    [{ normalizer: 2, reduction: 1 }, 'normalizer', 'none with tf.Reduction.MEAN'],
    [{ normalizer: 0, reduction: 1 }, 'normalizer', 'none with tf.Reduction.MEAN'],
    [{ weight: 1 }, 'weight', 'got 1'],
    [{ weight: ['1'] }, 'weight', 'an array of numbers'],
    [{ weight: new Array(2) }, 'weight', 'an array of numbers'],
    [{ weight: Int32Array.of(1) }, 'weight', 'Int32Array(1)'],
  ])('%o', (options, argument, mention) => {
    const refused = rejection(() => boxLoss('sca', options as TensorLossOptions))
    expect(refused.argument).toBe(argument)
    expect(refused.message).toContain(mention)
  })

  it('a loss that is not there, or not an object for options', () => {
    expect(rejection(() => boxLoss('scaa' as 'sca')).argument).toBe('name')
    expect(rejection(() => boxLoss('sca', [] as TensorLossOptions)).argument).toBe('options')
    expect(rejection(() => boxLoss('mpdiou' as LossName)).argument).toBe('imageWidth')
  })

  it.each<[string, () => TensorLossOptions['weight'], string]>([
    ['too few numbers', () => [1, 2], 'weight: expected length 6 (one a box), got an array of 2'],
    ['no numbers', () => [1, '2'] as never, 'a tensor or an array of numbers, one a box, got "2" at [1]'],
    ['another shape', () => tf.ones([6]), 'weight: expected shape [2, 3] (one a box), got [6]'],
    ['strings', () => tf.tensor2d(['a', 'b', 'c', 'd', 'e', 'f'], [2, 3]), 'got one of string'],
  ])('weights that do not fit the boxes: %s', (_, weight, message) => {
    const loss = () => boxLoss('sca', { weight: weight()! })
    expect(rejection(() => loss()(ofShape(2, 3, 4), ofShape(2, 3, 4))).message).toContain(message)
  })
})

describe('gradients', () => {
  const pair = () => tensorPairs(3)
  const unsupported = expect.objectContaining({ name: 'ScaLossError', code: 'ERR_SCALOSS_UNSUPPORTED' })
  const second = (f: (pred: tf.Tensor) => tf.Tensor) => tf.grad((x) => tf.sum(tf.grad(f)(x)))

  it('a second derivative is refused, alone, mixed with others and by way of the upstream gradient', () => {
    const { yTrue, yPred } = pair()
    const loss = (pred: tf.Tensor) => tf.mean(scaLoss(yTrue, pred))
    expect(() => second(loss)(yPred)).toThrow(unsupported)
    expect(() => second((pred) => loss(tf.mul(pred, 2)))(yPred)).toThrow(unsupported)
    expect(() => second((pred) => tf.add(loss(pred), tf.sum(tf.square(pred))))(yPred)).toThrow(unsupported)
    const byWayOfFactor = (factor: tf.Tensor) => tf.sum(tf.grad((pred) => tf.mul(factor, loss(pred)))(yPred))
    expect(() => tf.grad(byWayOfFactor)(tf.scalar(2))).toThrow(unsupported)
  })

  it('a first derivative may be a constant of another', () => {
    const { yTrue, yPred } = pair()
    const constant = () => tf.grad((pred) => tf.mean(scaLoss(yTrue, pred)))(yPred)
    const grad = tf.grad((x) => tf.sum(tf.mul(x, constant())))(tf.onesLike(yPred))
    expect(values(grad)).toEqual(values(constant()))
  })

  it('swapped arguments: nothing to train', () => {
    const { yTrue, yPred } = pair()
    const variable = tf.variable(yPred)
    const swapped = () => tf.variableGrads(() => tf.mean(scaLoss(variable, yTrue)) as tf.Scalar)
    expect(swapped).toThrow(/Cannot find a connection between any variable and the result/)
  })

  it.each<[TensorLossOptions, number[]]>([
    [{ reduction: 'mean' }, []],
    [{ onInvalid: 'throw' }, [2, 3]],
  ])('an upstream gradient that is not finite, of %o', (options, shape) => {
    const { yTrue, yPred } = pair()
    const loss = boxLoss('sca', options)
    expect(rejection(() => tf.grad((pred) => loss(yTrue, pred))(yPred, tf.fill(shape, Infinity))).message).toBe(
      'gradient: expected a finite gradient that comes from above, got Infinity',
    )
  })
})

it('weights of a shape with fewer dimensions than the boxes have', () => {
  const [boxes, weight] = [ofShape(2, 1, 4), tf.ones<tf.Rank.R1>([2])]
  const { message } = rejection(() => boxLoss('iou', { weight })(boxes, boxes))
  expect(message).toBe('weight: expected shape [2, 1] (one a box), got [2]')
})
