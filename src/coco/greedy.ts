import type { CocoBox } from './types.js'

/** COCO's IoU (pycocotools `bbIou`): over the union, or over the detection's area where the ground truth is a crowd.
 * 0 where the boxes have no common area, empty boxes included. Its own arithmetic, from widths and heights: an IoU from
 * corners may round to the other side of a threshold. */
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

/** [detections, groundTruth] of `cocoIou`, row-major. */
export function cocoIous(
  detections: readonly { bbox: CocoBox }[],
  groundTruth: readonly { bbox: CocoBox; crowd: boolean }[],
): Float64Array {
  const ious = new Float64Array(detections.length * groundTruth.length)
  let index = 0
  for (const { bbox } of detections) {
    for (const truth of groundTruth) ious[index++] = cocoIou(bbox, truth.bbox, truth.crowd)
  }
  return ious
}

/** The highest scores first, equal scores in the order given, at most `limit`. */
export function highestScores<D extends { score: number }>(detections: readonly D[], limit: number): D[] {
  return detections.toSorted((a, b) => b.score - a.score).slice(0, limit)
}

/** What the greedy rule asks of a ground truth. */
export interface Candidate {
  /** It may be taken by any number of detections. */
  crowd: boolean
  /** It is tried only where no other fits; what takes it counts neither as right nor as wrong. */
  ignored: boolean
}

/**
 * The greedy rule of pycocotools' `evaluateImg`: each detection takes the free ground truth of highest IoU at or above
 * the threshold, the later one of equals. Unlike there, a ground truth whose id is 0 is matched like any other.
 *
 * @param ious [detections, groundTruth] row-major, detections by descending score.
 * @returns for each detection the index of the ground truth it took, or −1.
 */
export function greedyMatch(
  ious: Float64Array,
  detections: number,
  groundTruth: readonly Candidate[],
  iouThreshold: number,
): number[] {
  const columns = groundTruth.length
  const taken: boolean[] = groundTruth.map(() => false)
  const bestOf = (row: number, ignored: boolean): number => {
    // Rounding may put the IoU of equal boxes below 1.
    let best = Math.min(iouThreshold, 1 - 1e-10)
    let found = -1
    for (let column = 0; column < columns; ++column) {
      const iou = ious[row * columns + column]
      // No NaN either: that of boxes whose area overflows.
      if (!(iou >= best) || taken[column] || groundTruth[column].ignored !== ignored) continue
      best = iou
      found = column
    }
    return found
  }

  const matches: number[] = []
  for (let row = 0; row < detections; ++row) {
    const counted = bestOf(row, false)
    const match = counted >= 0 ? counted : bestOf(row, true)
    if (match >= 0 && !groundTruth[match].crowd) taken[match] = true
    matches.push(match)
  }
  return matches
}
