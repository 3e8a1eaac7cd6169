import * as tf from '@tensorflow/tfjs-core'
import { beforeAll, describe, expect, it } from 'vitest'
import { LOSS_NAMES, type LossName } from '../../src/core/losses.js'
import { boxLoss, boxLossAsync, iouLoss, type TensorLossOptions } from '../../src/tfjs.js'
import { TF_BACKENDS, tensorPairs, useTfBackend, values } from '../support/tfjs.js'
import { demanded } from '../support/variants.js'

// The asynchronous losses give what the synchronous ones give, and train without a synchronous read.

/** The numbers of the tensors are 1 or a power of two, so that products with them are exact. */
const dy = () => tf.tensor1d([1, -2, 0, 0.25, 4, 2 ** -9, 8])

async function compare(name: LossName, options: TensorLossOptions) {
  const { yTrue, yPred } = tensorPairs(7, name, { kinds: ['overlap', 'disjoint', 'inverted'] })
  const sync = boxLoss(name as 'sca', options)
  const known = await boxLossAsync(name as 'sca', options)(yTrue, yPred)
  const upstream = options.reduction === undefined ? dy() : tf.scalar(-0.5)
  expect(known(yPred).shape).toEqual(sync(yTrue, yPred).shape)
  expect(values(known(yPred))).toEqual(values(sync(yTrue, yPred)))
  // A product may be −0 where the package has 0.
  const gradOf = (loss: (yPred: tf.Tensor) => tf.Tensor) => values(tf.grad(loss)(yPred, upstream)).map((x) => x + 0)
  expect(gradOf(known)).toEqual(gradOf((pred) => sync(yTrue, pred)))
}

describe.each(TF_BACKENDS)('%s', (backend) => {
  beforeAll(() => useTfBackend(backend))

  it.each(LOSS_NAMES)('%s: the synchronous loss and gradient', (name) => compare(name, demanded(name)))

  it.each<TensorLossOptions>([
    { alpha: 2 },
    { reduction: 'sum', format: 'cxcywh' },
    { reduction: tf.Reduction.MEAN, weight: [1, 0, 2, 0.5, 1, 1, 1] },
    { onInvalid: 'ignore', backend: 'wasm' },
  ])('%o: the same', (options) => compare('sca', options))

  it('reads a tensor of weights', async () => {
    const { yTrue, yPred } = tensorPairs(7)
    const options = { weight: tf.tensor1d([true, false, true, true, false, true, true]), reduction: 'sum' } as const
    const known = await boxLossAsync('ciou', options)(yTrue, yPred)
    expect(values(known(yPred))).toEqual(values(boxLoss('ciou', options)(yTrue, yPred)))
  })

  it('trains, leaks no tensor and reads nothing synchronously', async () => {
    const { yTrue, yPred } = tensorPairs(40)
    const boxes = tf.variable(yPred)
    const optimizer = tf.train.adam(0.5)
    const loss = boxLossAsync('ciou', { reduction: 'mean' })
    const step = async () => {
      const known = await loss(yTrue, boxes)
      optimizer.minimize(() => known(boxes) as tf.Scalar)
    }
    const meanIou = () => 1 - tf.tidy(() => values(tf.mean(iouLoss(yTrue, boxes))))[0]!
    await step()
    const [before, untrained] = [tf.memory().numTensors, meanIou()]
    const { dataSync } = tf.Tensor.prototype
    tf.Tensor.prototype.dataSync = () => {
      throw new Error('a synchronous read')
    }
    try {
      for (let t = 0; t < 300; ++t) await step()
    } finally {
      tf.Tensor.prototype.dataSync = dataSync
    }
    expect(tf.memory().numTensors).toBe(before)
    expect(untrained).toBeLessThan(0.6)
    expect(meanIou()).toBeGreaterThan(0.9)
  })
})

describe('errors', () => {
  beforeAll(() => useTfBackend('cpu'))
  const pair = () => tensorPairs(2)

  it('wrong options are refused at once, wrong tensors by the promise', async () => {
    expect(() => boxLossAsync('sca', { alhpa: 1 } as TensorLossOptions)).toThrow(/unknown one: "alhpa"/)
    const { yTrue, yPred } = pair()
    await expect(boxLossAsync('sca')(yTrue, tf.ones([2, 5]))).rejects.toThrow('yPred: expected shape [..., 4]')
    await expect(boxLossAsync('sca', { weight: [1] })(yTrue, yPred)).rejects.toThrow('weight: expected length 2')
    const inverted = tf.tensor2d([2, 0, 1, 1], [1, 4])
    await expect(boxLossAsync('sca', { onInvalid: 'throw' })(inverted, tf.ones([1, 4]))).rejects.toThrow(
      /^yTrue: row 0 is not a finite box/,
    )
  })

  it('predictions of another shape, or none', async () => {
    const { yTrue, yPred } = pair()
    const known = await boxLossAsync('sca')(yTrue, yPred)
    expect(() => known(tf.ones([3, 4]))).toThrow(
      'yPred: expected shape [2, 4] (as the predictions that were read), got [3, 4]',
    )
    expect(() => known([] as never)).toThrow('yPred: expected a tensor')
  })

  it('a second derivative', async () => {
    const { yTrue, yPred } = pair()
    const known = await boxLossAsync('sca', { reduction: 'mean' })(yTrue, yPred)
    const second = tf.grad((x) => tf.sum(tf.grad(known)(x)))
    expect(() => second(yPred)).toThrow(expect.objectContaining({ code: 'ERR_SCALOSS_UNSUPPORTED' }))
  })
})
