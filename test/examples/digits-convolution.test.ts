import * as tf from '@tensorflow/tfjs-core'
import { describe, expect, it } from 'vitest'
import { startTensorFlow } from '../../examples/digits/backend.mjs'
import { values } from '../support/tfjs.js'

// Compares the two gradients that the example gives to the wasm backend with those of the cpu backend of TensorFlow.js.
// Takes about 1 s.

type Case = {
  image: [number, number, number]
  filter: [number, number, number]
  stride: number
  pad: 'same' | 'valid' | number
}

const CASES: Case[] = [
  { image: [8, 8, 1], filter: [3, 3, 4], stride: 1, pad: 'same' },
  { image: [8, 8, 3], filter: [3, 3, 5], stride: 2, pad: 'same' },
  { image: [7, 9, 2], filter: [3, 3, 3], stride: 2, pad: 'same' },
  { image: [7, 9, 2], filter: [2, 5, 3], stride: 1, pad: 'valid' },
  { image: [9, 6, 2], filter: [4, 1, 3], stride: 3, pad: 'valid' },
  { image: [6, 5, 2], filter: [3, 3, 2], stride: 2, pad: 2 },
  { image: [5, 5, 4], filter: [1, 1, 6], stride: 1, pad: 'same' },
]

/** The gradients of Σ weights · conv2d(x, filter), where the weights are what comes from the layers after it. */
function gradients({ image: [height, width, channels], filter: [fh, fw, out], stride, pad }: Case) {
  const x = tf.randomNormal<tf.Rank.R4>([2, height, width, channels], 0, 1, 'float32', 1)
  const filter = tf.randomNormal<tf.Rank.R4>([fh, fw, channels, out], 0, 1, 'float32', 2)
  const { shape } = tf.conv2d(x, filter, stride, pad)
  const weights = tf.randomNormal(shape, 0, 1, 'float32', 3)
  const sum = (x: tf.Tensor, filter: tf.Tensor) =>
    tf.sum(tf.mul(weights, tf.conv2d(x as tf.Tensor4D, filter as tf.Tensor4D, stride, pad)))
  return tf
    .grads(sum)([x, filter])
    .map((gradient) => ({ shape: gradient.shape, values: [...values(gradient)] }))
}

describe('gradients of a convolution on wasm', () => {
  it.each(CASES)('image $image, filter $filter, stride $stride, pad $pad', async (given) => {
    await tf.setBackend('cpu')
    const expected = gradients(given)
    await startTensorFlow('wasm')
    gradients(given)
    const before = tf.memory().numTensors
    const actual = tf.tidy(() => gradients(given))
    expect(tf.memory().numTensors).toBe(before)
    actual.forEach(({ shape, values }, i) => {
      expect(shape).toEqual(expected[i]!.shape)
      values.forEach((value, at) => {
        expect(value).toBeCloseTo(expected[i]!.values[at]!, 4)
      })
    })
  })
})
