import type { CocoBox } from './types.js'

/** Computes COCO's IoU (pycocotools `bbIou`): the intersection over the union, or over the detection's area where the
 * ground truth is a crowd. It is 0 where the boxes have no common area, which includes empty boxes. It computes from
 * widths and heights like COCO, because an IoU from corners may round to the other side of a threshold. */
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

/** Computes `cocoIou` of every pair: [detections, groundTruth], row-major. */
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

/** Returns at most `limit` detections, the highest scores first and equal scores in the given order. */
export function highestScores<D extends { score: number }>(detections: readonly D[], limit: number): D[] {
  return detections.toSorted((a, b) => b.score - a.score).slice(0, limit)
}

/** The properties of a ground truth that the greedy rule uses. */
export interface Candidate {
  /** Whether any number of detections may match it. */
  crowd: boolean
  /** Whether it is tried only if no other fits. A detection that matches it counts neither as right nor as wrong. */
  ignored: boolean
}

/**
 * Matches by the greedy rule of pycocotools' `evaluateImg`: each detection takes the free ground truth of highest IoU
 * at or above the threshold, and the later one of equals. Unlike there, a ground truth whose id is 0 is matched like
 * any other.
 *
 * @param ious [detections, groundTruth] IoUs, row-major, with detections by descending score.
 * @returns for each detection the index of the ground truth that it took, or −1.
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
      // The comparison also rejects NaN, the IoU of boxes whose area overflows.
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
