import * as tf from '@tensorflow/tfjs-core'
import * as layers from '@tensorflow/tfjs-layers'
import { beforeAll, describe, expect, it, vi } from 'vitest'
import * as arrays from '../../src/calls/box-loss.js'
import { boxLoss, ciouLoss, iouLoss, scaLoss, type TensorLoss } from '../../src/tfjs.js'
import { TF_BACKENDS, tensorPairs, useTfBackend, values } from '../support/tfjs.js'

// Trainings as a user writes them: by hand with an optimizer, and with tf.layers.

describe.each(TF_BACKENDS)('%s', (backend) => {
  beforeAll(() => useTfBackend(backend))

  const meanIou = (yTrue: tf.Tensor, yPred: tf.Tensor) => 1 - values(tf.mean(iouLoss(yTrue, yPred)))[0]!

  it.each<[string, TensorLoss]>([
    ['scaLoss', scaLoss],
    ['ciouLoss', ciouLoss],
    ["boxLoss('sca', { alpha, reduction })", boxLoss('sca', { alpha: 0.2, reduction: 'mean' })],
  ])('optimizer.minimize moves boxes onto their targets: %s', (_, loss) => {
    const { yTrue, yPred } = tensorPairs(40)
    const boxes = tf.variable(yPred)
    const optimizer = tf.train.adam(0.5)
    const step = () => optimizer.minimize(() => tf.mean(loss(yTrue, boxes)) as tf.Scalar)
    step()
    const before = tf.memory().numTensors
    for (let t = 0; t < 400; ++t) step()
    expect(tf.memory().numTensors).toBe(before)
    expect(meanIou(yTrue, yPred)).toBeLessThan(0.6)
    expect(meanIou(yTrue, boxes)).toBeGreaterThan(0.97)
  })

  /** Boxes that are linear in the features, and int32, as pixels are. */
  function task(boxes: number) {
    const features = tf.randomUniform([64, 3], 0, 1, 'float32', 7)
    const corner = tf.mul(100, tf.slice(features, [0, 0], [64, 2]))
    const size = tf.add(20, tf.mul(60, tf.slice(features, [0, 1], [64, 2])))
    const box = tf.cast(tf.concat([corner, tf.add(corner, size)], 1), 'int32')
    return { features, yTrue: boxes === 1 ? box : tf.stack([box, tf.add(box, tf.scalar(10, 'int32'))], 1) }
  }

  /** From features to [4] or [boxes, 4] that are valid from the start. */
  function detector(boxes: number) {
    const model = layers.sequential()
    const kernelInitializer = layers.initializers.glorotUniform({ seed: 3 })
    model.add(layers.layers.dense({ inputShape: [3], units: 4 * boxes, kernelInitializer }))
    if (boxes > 1) model.add(layers.layers.reshape({ targetShape: [boxes, 4] }))
    const [kernel] = model.getWeights()
    const bias = Array.from({ length: boxes }, () => [20, 20, 80, 80]).flat()
    model.setWeights([kernel!, tf.tensor1d(bias)])
    return model
  }

  it.each([1, 2])('model.compile, fit and evaluate, with %i boxes an image', async (boxes) => {
    const { features, yTrue } = task(boxes)
    const model = detector(boxes)
    model.compile({ optimizer: tf.train.adam(1), loss: scaLoss, metrics: [iouLoss] })
    const untrained = meanIou(yTrue, model.predict(features) as tf.Tensor)
    const train = (epochs: number) =>
      model.fit(features, yTrue, {
        epochs,
        batchSize: 24,
        validationData: [features, yTrue],
        shuffle: false,
        verbose: 0,
      })
    await train(1)
    const before = tf.memory().numTensors
    const { history } = await train(100)
    expect(tf.memory().numTensors).toBe(before)

    const yPred = model.predict(features) as tf.Tensor
    expect(untrained).toBeLessThan(0.6)
    expect(meanIou(yTrue, yPred)).toBeGreaterThan(0.85)
    const [loss, metric] = (model.evaluate(features, yTrue, { batchSize: 64 }) as tf.Scalar[]).map((s) => values(s)[0])
    expect(loss).toBeCloseTo(values(tf.mean(scaLoss(yTrue, yPred)))[0]!, 5)
    expect(metric).toBeCloseTo(1 - meanIou(yTrue, yPred), 5)
    expect(Object.keys(history).sort()).toEqual(['iouLoss', 'loss', 'val_iouLoss', 'val_loss'])
    expect(history.val_loss!.at(-1)).toBeCloseTo(loss!, 4)
  })

  it('evaluate computes no gradient', () => {
    const { features, yTrue } = task(1)
    const model = detector(1)
    model.compile({ optimizer: 'sgd', loss: scaLoss })
    const calls = vi.spyOn(arrays, 'boxLoss')
    model.evaluate(features, yTrue)
    const asked = calls.mock.calls.map(([, , , options]) => options?.grad)
    calls.mockRestore()
    expect(asked.length).toBeGreaterThan(0)
    expect(asked).not.toContain(true)
  })
})
