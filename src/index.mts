// The ES module entry: names of the CommonJS module, so that both share one instance and one ScaLossError. Written out,
// because `export *` would also pass on the markers that Node adds to a CommonJS module.
export type * from './index.js'
export {
  alloc,
  backends,
  boxLoss,
  boxLossAsync,
  cdLoss,
  ciouLoss,
  createPlan,
  cuda,
  diouLoss,
  giouLoss,
  gradCheck,
  iouLoss,
  pairwise,
  ScaLossError,
  scaLoss,
  soLoss,
} from './index.js'
