import '@tensorflow/tfjs-backend-cpu'
import '@tensorflow/tfjs-backend-webgl'
import '@tensorflow/tfjs-backend-webgpu'
import '@tensorflow/tfjs-layers'
import { setWasmPaths } from '@tensorflow/tfjs-backend-wasm'
import * as tf from '@tensorflow/tfjs-core'
import { LOSS_NAMES, LOSSES } from '../../src/core/losses.js'
import { boxLoss, boxLossAsync, ciouLoss } from '../../src/tfjs.js'
import { KINDS, randomPairs } from '../support/random.js'
import { demanded } from '../support/variants.js'

// What the tests ask a page or a worker with TensorFlow.js.

const PAIRS = 21

/** Draws pairs of boxes as tensors. */
function pairs(axes: 2 | 3, kinds = KINDS) {
  const { pred, target } = randomPairs(Float32Array, PAIRS, { axes, kinds })
  // The product is computed on the device, so that the losses have to read from there.
  const tensor = (boxes: typeof pred) => tf.mul(tf.tensor2d(boxes as Float32Array, [PAIRS, 2 * axes]), 1)
  return { yTrue: tensor(target), yPred: tensor(pred) }
}

async function use(backend: string) {
  if (!(await tf.setBackend(backend)) || tf.getBackend() !== backend) throw new Error(`no backend ${backend}`)
}

const tfAnswers = {
  /** Every loss and its gradient, on a backend of TensorFlow.js. */
  async losses(backend: string) {
    await use(backend)
    const results: Record<string, number[][]> = {}
    for (const name of LOSS_NAMES) {
      const { yTrue, yPred } = pairs(LOSSES[name].axes)
      const loss = boxLoss(name as 'sca', demanded(name))
      const grad = tf.grad((pred) => loss(yTrue, pred))(yPred, tf.linspace(-2, 3, PAIRS))
      results[name] = [Array.from(loss(yTrue, yPred).dataSync()), Array.from(grad.dataSync())]
    }
    return results
  },

  /** Trains boxes with `boxLossAsync`, and returns the loss before and after. */
  async train(backend: string, steps: number) {
    await use(backend)
    const { yTrue, yPred } = pairs(2, ['overlap', 'disjoint', 'nested', 'near'])
    const boxes = tf.variable(yPred)
    const optimizer = tf.train.adam(1)
    const loss = boxLossAsync('ciou', { reduction: 'sum' })
    const losses: number[] = []
    for (let step = 0; step <= steps; ++step) {
      const known = await loss(yTrue, boxes)
      const cost = optimizer.minimize(() => known(boxes) as tf.Scalar, true)!
      losses.push((await cost.data())[0]!)
      cost.dispose()
    }
    return { first: losses[0]!, last: losses.at(-1)! }
  },

  /** Trains on webgpu without what TensorFlow.js reads tensors synchronously with there. */
  async trainWithoutSyncReads(steps: number) {
    Reflect.deleteProperty(globalThis, 'OffscreenCanvas')
    await use('webgpu')
    const { yTrue, yPred } = pairs(2)
    let error = 'none'
    try {
      ciouLoss(yTrue, yPred)
    } catch (thrown) {
      error = `${thrown}`
    }
    return { error, ...(await tfAnswers.train('webgpu', steps)) }
  },
}
export type TfAnswers = typeof tfAnswers

// Otherwise TensorFlow.js computes with few numbers on the CPU.
tf.env().set('WEBGL_CPU_FORWARD', false)
tf.env().set('WEBGPU_CPU_FORWARD', false)
setWasmPaths('/files/node_modules/@tensorflow/tfjs-backend-wasm/dist/')
Object.assign(globalThis, { tfAnswers })
