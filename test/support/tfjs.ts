import '@tensorflow/tfjs-backend-cpu'
// The gradients of TensorFlow's own operations come with it.
import '@tensorflow/tfjs-layers'
import { createRequire } from 'node:module'
import { dirname } from 'node:path'
import { setWasmPaths } from '@tensorflow/tfjs-backend-wasm'
import * as tf from '@tensorflow/tfjs-core'
import { expect } from 'vitest'
import { LOSSES, type LossName } from '../../src/core/losses.js'
import { type PairOptions, randomPairs } from './random.js'

const { resolve } = createRequire(__filename)
setWasmPaths(`${dirname(resolve('@tensorflow/tfjs-backend-wasm'))}/`)
// Without it, the first operation recommends tfjs-node on stderr.
tf.env().set('PROD', true)

/** The backends of TensorFlow.js that come without a download. */
export const TF_BACKENDS = ['cpu', 'wasm'] as const

/** One that cannot start is silently replaced by the next: not here. */
export async function useTfBackend(name: string): Promise<void> {
  await tf.setBackend(name)
  expect(tf.getBackend()).toBe(name)
}

/** Pairs of boxes as tensors and as the same numbers in arrays. Shape [n, 4], [n, 6] for the losses of three axes. */
export function tensorPairs(n: number, name: LossName = 'sca', options: PairOptions = {}) {
  const { axes } = LOSSES[name]
  const { pred, target } = randomPairs(Float32Array, n, { ...options, axes }) as Record<'pred' | 'target', Float32Array>
  // Copies: the cpu backend works on the arrays that it is given.
  const asTensor = (array: Float32Array) => tf.tensor2d(array.slice(), [n, 2 * axes])
  return { pred, target, yPred: asTensor(pred), yTrue: asTensor(target) }
}

export const values = (tensor: tf.Tensor) => tensor.dataSync() as Float32Array

/** SCALoss a box as its paper states it (Eq. 2 to 4), for autograd. */
export function plainScaLoss(yTrue: tf.Tensor, yPred: tf.Tensor, alpha = 0.5): tf.Tensor {
  const [x1, y1, x2, y2] = tf.unstack(yPred, -1)
  const [X1, Y1, X2, Y2] = tf.unstack(yTrue, -1)
  const inner = (a1: tf.Tensor, b1: tf.Tensor, a2: tf.Tensor, b2: tf.Tensor) =>
    tf.sub(tf.minimum(a2, b2), tf.maximum(a1, b1))
  const outer = (a1: tf.Tensor, b1: tf.Tensor, a2: tf.Tensor, b2: tf.Tensor) =>
    tf.sub(tf.maximum(a2, b2), tf.minimum(a1, b1))
  const norm = (a: tf.Tensor, b: tf.Tensor) => tf.sqrt(tf.add(tf.square(a), tf.square(b)))
  const [x, y] = [
    [x1, X1, x2, X2],
    [y1, Y1, y2, Y2],
  ] as [Quad, Quad]
  const sides = tf.add(tf.div(inner(...x), outer(...x)), tf.div(inner(...y), outer(...y)))
  const corners = tf.add(norm(tf.sub(x1!, X1!), tf.sub(y1!, Y1!)), norm(tf.sub(x2!, X2!), tf.sub(y2!, Y2!)))
  const cornerDistance = tf.div(corners, norm(outer(...x), outer(...y)))
  return tf.add(tf.sub(2, sides), tf.mul(alpha, cornerDistance))
}

type Quad = [tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor]
