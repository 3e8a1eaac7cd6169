/**
 * Reads COCO detections and scores them.
 * @module scaloss/coco
 */

export { type AveragePrecision, averagePrecision, type ClassMetrics } from './coco/average-precision.js'
export type { MetricName, Metrics } from './coco/metrics.js'
export { readDetections, readGroundTruth } from './coco/read.js'
export type {
  Annotation,
  AveragePrecisionOptions,
  Category,
  CocoBox,
  Detection,
  GroundTruth,
  GroundTruthBox,
} from './coco/types.js'
