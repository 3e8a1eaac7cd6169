import { fileURLToPath } from 'node:url'
import { init, numpy as np, vjp } from '@jax-js/jax'
import { boxLoss } from 'scaloss'

// A model in jax-js whose box loss is scaloss. `vjp` runs the model and keeps its backward pass. One native call gives
// the loss and the gradient of the boxes, and the backward pass takes that gradient to the parameters. jax-js counts
// references: a function consumes its arguments, and `.ref` keeps one.

await init('wasm')

/**
 * Loss of a model's boxes, [N, 4], and the gradient for each of its parameters, which are consumed.
 * @param {import('scaloss').LossName} name
 * @param {(...parameters: np.Array[]) => np.Array} model
 * @param {np.Array[]} parameters
 * @param {Float32Array} target
 * @returns {{ loss: number, gradients: np.Array[] }}
 */
export function lossAndGradients(name, model, parameters, target) {
  const [boxes, pull] = vjp(model, parameters)
  const shape = boxes.shape
  const pred = /** @type {Float32Array} */ (boxes.dataSync())
  const { loss, grad } = boxLoss(name, pred, target)
  const gradients = pull(np.array(grad).reshape(shape))
  pull.dispose()
  return { loss, gradients }
}

function train() {
  const [images, steps] = [64, 400]
  let state = 1
  const random = () => {
    state = (state * 48271) % 0x7fffffff
    return state / 0x7fffffff
  }
  // Boxes that are a linear function of three features each, which the model has to find.
  const features = Float32Array.from({ length: 3 * images }, random)
  const target = new Float32Array(4 * images)
  for (let i = 0; i < images; i++) {
    const [x, y, size] = features.subarray(3 * i)
    target.set([60 * x, 60 * y, 60 * x + 20 + 40 * size, 60 * y + 20 + 40 * size], 4 * i)
  }
  const inputs = np.array(features).reshape([images, 3])
  const model = (/** @type {np.Array[]} */ ...[weights, bias]) => np.matmul(inputs.ref, weights).add(bias)

  let parameters = [np.zeros([3, 4]), np.array([20, 20, 80, 80])]
  for (let step = 0; step <= steps; step++) {
    const own = parameters.map((parameter) => parameter.ref)
    const { loss, gradients } = lossAndGradients('sca', model, own, target)
    if (step % 50 === 0) console.log(`step ${String(step).padStart(3)}  loss ${loss.toFixed(4)}`)
    const rate = 250 * (1 - step / steps)
    parameters = parameters.map((parameter, i) => parameter.sub(gradients[i].mul(rate)))
  }
  for (const array of [...parameters, inputs]) array.dispose()
}

if (process.argv[1] === fileURLToPath(import.meta.url)) train()
