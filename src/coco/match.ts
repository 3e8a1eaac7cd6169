import type { DetectionTable } from './detection-table.js'
import { cocoIous, greedyMatch, highestScores } from './greedy.js'
import { type Group, groupByClass } from './groups.js'
import type { Annotation, Detection } from './types.js'

export interface MatchOptions {
  /** Smallest IoU of a match, in (0, 1]. */
  iouThreshold: number
  /** Detections judged per image and class, the highest scores first. COCO and the default: 100. */
  maxDetections?: number
}

/** What became of one detection. */
export interface DetectionMatch {
  detection: Detection
  /** The ground truth it took; null where it found none. */
  annotation: Annotation | null
  /** IoU of the two, 0 without a match. For a crowd: intersection / detection area. */
  iou: number
  /** It lies in a crowd: neither right nor wrong. */
  ignored: boolean
}

/** All of one image and class. */
export interface ImageClassMatches {
  categoryId: number
  imageId: number
  /** By descending score, equal scores in the order given; at most `maxDetections`. */
  detections: DetectionMatch[]
  /** Detections left out because of `maxDetections`. */
  dropped: number
  /** Ground truth that counts, matched or not. */
  groundTruth: Annotation[]
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

/** Matches detections to ground truth within each image and class. Boxes are [x, y, width, height] in pixels.
 * One result for each image and class that has any of either, by ascending category id, then image id: concatenated
 * in this order and sorted stably by score they give COCO's precision-recall curve. Throws nothing. */
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
