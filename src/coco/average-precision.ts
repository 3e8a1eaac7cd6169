import { readOptions } from '../arguments/options.js'
import { checkDetections, checkGroundTruth, checkIouThresholds } from './check.js'
import { DetectionTable } from './detection-table.js'
import { groupByClass } from './groups.js'
import { classMetrics, type Metrics, meanMetrics, thresholdsFor } from './metrics.js'
import { judgeClass } from './outcomes.js'
import type { Annotation, AveragePrecisionOptions, Detection, GroundTruthBox } from './types.js'

export interface ClassMetrics extends Metrics {
  categoryId: number
}

/** The means over the classes, and the classes by ascending id. */
export interface AveragePrecision extends Metrics {
  byClass: ClassMetrics[]
}

const COCO_IOU_THRESHOLDS = [0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95]

/** pycocotools takes its thresholds from numpy's `linspace`, which gives 0.9 one bit short. IoUs are compared with
 * the same number, so that an IoU which rounding left that bit short is a match in both. */
const leastIou = (iouThreshold: number) => (iouThreshold === 0.9 ? 0.8999999999999999 : iouThreshold)

/**
 * Average precision and recall of detections by the definition of COCO's evaluator (pycocotools' `COCOeval`, boxes).
 *
 * @param groundTruth boxes are [x, y, width, height] in pixels, here and in the detections. The order counts only where
 *   a detection overlaps two alike.
 * @param detections at most 100 per image and class are judged, those of the highest scores. The order counts only
 *   between equal scores of one image and class.
 * @returns numbers from 0 to 1, or −1 where there is no ground truth to find. A class is listed when it has any ground
 *   truth or detection, and is part of the means when it has ground truth.
 * @throws {ScaLossError} `ERR_SCALOSS_INVALID_ARGUMENT`: an argument is not as described.
 */
export function averagePrecision(
  groundTruth: readonly GroundTruthBox[],
  detections: readonly Detection[],
  options: AveragePrecisionOptions = {},
): AveragePrecision {
  checkGroundTruth(groundTruth)
  checkDetections(detections)
  const { iouThresholds = COCO_IOU_THRESHOLDS } = readOptions('options', options, ['iouThresholds'])
  checkIouThresholds(iouThresholds)
  return averagePrecisionOf(groundTruth.map(withDefaults), DetectionTable.from(detections), () => {}, iouThresholds)
}

/** `averagePrecision` of what is checked already; `onClass` is told of each class that is done. */
export function averagePrecisionOf(
  groundTruth: readonly Omit<Annotation, 'id'>[],
  detections: DetectionTable,
  onClass: (categoryId: number) => void,
  iouThresholds: readonly number[] = COCO_IOU_THRESHOLDS,
): AveragePrecision {
  const judged = thresholdsFor(iouThresholds)
  const byClass = Array.from(groupByClass(groundTruth, detections), (groups) => {
    const metrics = classMetrics(judgeClass(groups, judged.map(leastIou)), judged, iouThresholds)
    onClass(groups.categoryId)
    return { categoryId: groups.categoryId, ...metrics }
  })
  return { ...meanMetrics(byClass, iouThresholds), byClass }
}

function withDefaults({ imageId, categoryId, bbox, area = bbox[2] * bbox[3], crowd = false }: GroundTruthBox) {
  return { imageId, categoryId, bbox, area, crowd }
}
