import type { DetectionTable } from './detection-table.js'
import { cocoIous, greedyMatch, highestScores } from './greedy.js'
import { type Group, groupByClass } from './groups.js'
import type { Annotation, Detection } from './types.js'

export interface MatchOptions {
  /** The smallest IoU of a match, above 0 and up to 1. */
  iouThreshold: number
  /** The number of detections judged per image and class, the highest scores first. Default 100, as in COCO. */
  maxDetections?: number
}

/** The result of matching one detection. */
export interface DetectionMatch {
  detection: Detection
  /** The ground truth that it matched, or null. */
  annotation: Annotation | null
  /** The IoU of the two, or 0 without a match. For a crowd it is intersection / detection area. */
  iou: number
  /** Whether it lies in a crowd, and so counts neither as right nor as wrong. */
  ignored: boolean
}

/** The matches in one image and class. */
export interface ImageClassMatches {
  categoryId: number
  imageId: number
  /** The judged detections by descending score, at most `maxDetections`. Equal scores keep the given order. */
  detections: DetectionMatch[]
  /** The number of detections left out because of `maxDetections`. */
  dropped: number
  /** The ground truth that counts, matched or not. */
  groundTruth: Annotation[]
  /** The crowds, which do not count as ground truth to find. */
  crowds: Annotation[]
}

function matchImageClass(
  { groundTruth, detections }: Group<Annotation>,
  iouThreshold: number,
  maxDetections: number,
): DetectionMatch[] {
  const judged = highestScores(detections, maxDetections)
  const ious = cocoIous(judged, groundTruth)
  const candidates = groundTruth.map(({ crowd }) => ({ crowd, ignored: crowd }))
  return greedyMatch(ious, judged.length, candidates, iouThreshold).map((match, row) => {
    const detection = judged[row]
    if (match < 0) return { detection, annotation: null, iou: 0, ignored: false }
    const annotation = groundTruth[match]
    return { detection, annotation, iou: ious[row * groundTruth.length + match], ignored: annotation.crowd }
  })
}

/** Matches detections to ground truth within each image and class. Boxes are [x, y, width, height] in pixels. Yields
 * one result for each image and class that has any ground truth or detection, by ascending category id, then image id.
 * Concatenated in this order and sorted stably by score, the results give COCO's precision-recall curve. */
export function* matchDetections(
  annotations: readonly Annotation[],
  detections: DetectionTable,
  { iouThreshold, maxDetections = 100 }: MatchOptions,
): Generator<ImageClassMatches, void, void> {
  for (const { groups } of groupByClass(annotations, detections)) {
    for (const group of groups) {
      yield {
        categoryId: group.categoryId,
        imageId: group.imageId,
        detections: matchImageClass(group, iouThreshold, maxDetections),
        dropped: Math.max(0, group.detections.length - maxDetections),
        groundTruth: group.groundTruth.filter(({ crowd }) => !crowd),
        crowds: group.groundTruth.filter(({ crowd }) => crowd),
      }
    }
  }
}
