// The ES module entry of scaloss/coco, as index.mts is that of scaloss.
export type * from './coco.js'
export { averagePrecision, readDetections, readGroundTruth } from './coco.js'
