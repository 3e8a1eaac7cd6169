// The ES module entry, as of index.mts.
export type * from './tfjs.js'
export {
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
} from './tfjs.js'
