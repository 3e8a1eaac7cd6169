/**
 * The losses for TensorFlow.js.
 * @module scaloss/tfjs
 */

export { type AsyncTensorLoss, boxLossAsync, type KnownLoss } from './tfjs/async.js'
export {
  type AnyReduction,
  boxLoss,
  type TensorLoss,
  type TensorLossOptions,
  type Weight,
} from './tfjs/losses.js'
export * from './tfjs/named-losses.js'
