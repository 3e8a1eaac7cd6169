import { mul, reshape, type Tensor, tensor } from '@tensorflow/tfjs-core'
import { boxLossAsync as boxLossOfArrays } from '../calls/box-loss-async.js'
import type { NoOptions, OptionsArgument } from '../core/checked-options.js'
import { LOSSES, type LossName } from '../core/losses.js'
import { checkedOptions, differentiable, ofTensors, type TensorLossOptions } from './losses.js'
import { checkPair, checkShape, checkTensor, readAsync, readWeight } from './tensors.js'

/**
 * The loss of predictions whose values were read already. It can be used wherever TensorFlow.js takes a synchronous
 * function, such as in `optimizer.minimize`, and must be given the same predictions, computed anew from the variables.
 *
 * @returns the loss, as `TensorLoss` does, with the gradient for `yPred`.
 * @throws {ScaLossError} the predictions have another shape, or a second derivative is requested.
 */
export type KnownLoss = (yPred: Tensor) => Tensor

/**
 * A loss for backends that cannot be read synchronously. It takes the tensors of `TensorLoss`, awaits their values, and
 * computes loss and gradient off the main thread if it can.
 *
 * @returns a promise of the loss of these predictions. It is rejected with the errors of `TensorLoss`.
 */
export type AsyncTensorLoss = (yTrue: Tensor, yPred: Tensor) => Promise<KnownLoss>

/**
 * Makes a loss for TensorFlow.js' backends that cannot be read synchronously, such as WebGPU in a worker. A training
 * step computes the predictions twice: once to read them, and once for the chain of gradients.
 *
 * @param name the loss. docs/losses.md has the formula, the source and the options of each.
 * @returns an asynchronous function of `(yTrue, yPred)`.
 * @throws {ScaLossError} an option is not as described, or the backend that it names cannot run.
 */
export function boxLossAsync<L extends LossName, const O extends TensorLossOptions = NoOptions>(
  name: L,
  ...options: OptionsArgument<O, TensorLossOptions, L>
): AsyncTensorLoss
export function boxLossAsync(name: LossName, options: TensorLossOptions = {}): AsyncTensorLoss {
  const { weight, ofCall, lossOf, columns, device } = checkedOptions(name, options)
  return async (yTrue, yPred) => {
    checkPair(yTrue, yPred, 2 * LOSSES[name].axes, columns)
    const { shape } = yPred
    const boxes = shape.slice(0, -1)
    const [pred, target, weights] = await Promise.all([
      readAsync(yPred),
      readAsync(yTrue),
      weight && readWeight(weight, boxes, readAsync),
    ])
    const call = ofCall(weights)
    const perBox = call.reduction === 'none'
    // Heads have no other thread yet.
    const lossAndGrad = async (all: typeof call) =>
      columns === undefined
        ? boxLossOfArrays(name, pred, target, { ...all, device, grad: true })
        : lossOf(name, pred, target, all)
    const { loss, grad } = await lossAndGrad(call).catch((error) => {
      throw ofTensors(error)
    })
    return (again) => {
      checkTensor('yPred', again, ['float32'])
      checkShape('yPred', again, shape, 'as the predictions that were read')
      const value = () => tensor(loss, perBox ? boxes : [], 'float32')
      const backward = (dy: Tensor) => mul(perBox ? reshape(dy, [...boxes, 1]) : dy, tensor(grad!, shape, 'float32'))
      return differentiable(again, value, backward)
    }
  }
}
