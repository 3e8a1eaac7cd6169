import { groupByClassAndImage } from './groups.js'
import type { Annotation, CocoBox, Detection } from './read.js'

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

/** COCO's IoU (pycocotools `bbIou`): over the union, or over the detection's area where the ground truth is a crowd.
 * 0 where the boxes have no common area, empty boxes included. */
export function cocoIou(detection: CocoBox, groundTruth: CocoBox, crowd: boolean): number {
  const [x, y, width, height] = detection
  const [gx, gy, gwidth, gheight] = groundTruth
  const overlapX = Math.min(x + width, gx + gwidth) - Math.max(x, gx)
  const overlapY = Math.min(y + height, gy + gheight) - Math.max(y, gy)
  if (overlapX <= 0 || overlapY <= 0) return 0
  const intersection = overlapX * overlapY
  const area = width * height
  return intersection / (crowd ? area : area + gwidth * gheight - intersection)
}

interface Candidates {
  detections: Detection[]
  groundTruth: Annotation[]
  crowds: Annotation[]
}

/** The greedy rule of pycocotools' `evaluateImg`: by descending score, each detection takes the free ground truth of
 * highest IoU at or above the threshold, the later one of equals. A crowd is tried only where no other fits, and stays
 * free. Unlike there, an annotation whose id is 0 is matched like any other. */
function matchImageClass(group: Candidates, threshold: number, maxDetections: number): DetectionMatch[] {
  const taken = new Set<Annotation>()
  const bestOf = (detection: Detection, candidates: Annotation[]) => {
    let iou = Math.min(threshold, 1 - 1e-10)
    let annotation: Annotation | null = null
    for (const candidate of candidates) {
      if (taken.has(candidate)) continue
      const candidateIou = cocoIou(detection.bbox, candidate.bbox, candidate.crowd)
      if (candidateIou >= iou) {
        iou = candidateIou
        annotation = candidate
      }
    }
    return annotation === null ? null : { annotation, iou }
  }

  return group.detections
    .toSorted((a, b) => b.score - a.score)
    .slice(0, maxDetections)
    .map((detection) => {
      const match = bestOf(detection, group.groundTruth)
      if (match !== null) {
        taken.add(match.annotation)
        return { detection, ...match, ignored: false }
      }
      const crowd = bestOf(detection, group.crowds)
      return crowd === null
        ? { detection, annotation: null, iou: 0, ignored: false }
        : { detection, ...crowd, ignored: true }
    })
}

/** Matches detections to ground truth within each image and class. Boxes are [x, y, width, height] in pixels.
 * One result for each image and class that has any of either, by ascending category id, then image id: concatenated
 * in this order and sorted stably by score they give COCO's precision-recall curve. Throws nothing. */
export function matchDetections(
  annotations: readonly Annotation[],
  detections: readonly Detection[],
  { iouThreshold, maxDetections = 100 }: MatchOptions,
): ImageClassMatches[] {
  return Array.from(groupByClassAndImage(annotations, detections), (group) => {
    const groundTruth = group.groundTruth.filter(({ crowd }) => !crowd)
    const crowds = group.groundTruth.filter(({ crowd }) => crowd)
    return {
      categoryId: group.categoryId,
      imageId: group.imageId,
      detections: matchImageClass({ detections: group.detections, groundTruth, crowds }, iouThreshold, maxDetections),
      dropped: Math.max(0, group.detections.length - maxDetections),
      groundTruth,
      crowds,
    }
  })
}
