import { readOptions } from '../arguments/options.js'
import { checkDetections, checkGroundTruth, checkIouThresholds } from './check.js'
import { DetectionTable } from './detection-table.js'
import { groupByClass } from './groups.js'
import { classMetrics, type Metrics, meanMetrics, thresholdsFor } from './metrics.js'
import { judgeClass } from './outcomes.js'
import type { Annotation, AveragePrecisionOptions, Detection, GroundTruthBox } from './types.js'

/** The metrics of one class. */
export interface ClassMetrics extends Metrics {
  /** The id of the class. */
  categoryId: number
}

/** The result of `averagePrecision`: the means over the classes, and the metrics of each class. */
export interface AveragePrecision extends Metrics {
  /** The metrics of each class, by ascending id. */
  byClass: ClassMetrics[]
}

const COCO_IOU_THRESHOLDS = [0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95]

/** pycocotools takes its thresholds from numpy's `linspace`, which gives 0.9 one bit too small. IoUs are compared with
 * the same number, so that an IoU which rounding made one bit too small is a match here as well as there. */
const leastIou = (iouThreshold: number) => (iouThreshold === 0.9 ? 0.8999999999999999 : iouThreshold)

/**
 * Computes average precision and recall of detections by the definition of COCO's evaluator (pycocotools' `COCOeval`
 * for boxes).
 *
 * @param groundTruth the objects to find. Boxes are [x, y, width, height] in pixels, here and in the detections. The
 *   order matters only where a detection overlaps two objects equally.
 * @param detections the detections to score. At most 100 per image and class are judged, those of the highest scores.
 *   The order matters only between equal scores in the same image and class.
 * @returns numbers from 0 to 1, or −1 where there is no ground truth to find. A class is listed if it has any ground
 *   truth or detection, and counts in the means if it has ground truth.
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

/** Computes `averagePrecision` of arguments that are already checked. `onClass` is called after each class. */
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
