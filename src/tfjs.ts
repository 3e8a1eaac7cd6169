/**
 * The losses for TensorFlow.js.
 * @module scaloss/tfjs
 */

export {
  type AnyReduction,
  boxLoss,
  cd3Loss,
  cdLoss,
  center2Loss,
  centerLoss,
  ciouLoss,
  diouLoss,
  eiouLoss,
  giouLoss,
  iouCdLoss,
  iouLoss,
  l1Loss,
  nwdLoss,
  sca3Loss,
  scaLoss,
  siouLoss,
  smoothL1Loss,
  so3Loss,
  soLoss,
  type TensorLoss,
  type TensorLossOptions,
  type Weight,
} from './tfjs/losses.js'
