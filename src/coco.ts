/**
 * Reading and scoring of detections.
 * @module scaloss/coco
 */

export {
  type AveragePrecision,
  type AveragePrecisionOptions,
  averagePrecision,
  type ClassMetrics,
  type GroundTruthBox,
} from './coco/average-precision.js'
export type { MetricName, Metrics } from './coco/metrics.js'
export {
  type Annotation,
  type Category,
  type CocoBox,
  type Detection,
  type GroundTruth,
  readDetections,
  readGroundTruth,
} from './coco/read.js'
