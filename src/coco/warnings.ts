import type { DetectionTable } from './detection-table.js'
import type { Annotation, CocoBox } from './types.js'

/** The smallest number of boxes to judge by. With fewer, a coincidence may look like a mistake. */
const ENOUGH = 20

/** Measures a set of boxes in one pass. */
function look(boxes: Iterable<CocoBox>) {
  let largest = 0
  let asCorners = true
  for (const [x, y, width, height] of boxes) {
    largest = Math.max(largest, x + width, y + height)
    asCorners &&= width >= x && height >= y
  }
  return { largest, asCorners }
}

function* boxesOf(detections: DetectionTable): Generator<CocoBox> {
  for (let row = 0; row < detections.length; row++) yield detections.detection(row).bbox
}

/** Finds mistakes that no check of a single box can see: detections that are not [x, y, width, height] in pixels as the
 * ground truth is. The result is empty if nothing looks wrong. */
export function warningsOf(annotations: readonly Annotation[], detections: DetectionTable): string[] {
  if (Math.min(annotations.length, detections.length) < ENOUGH) return []
  const truth = look(annotations.map(({ bbox }) => bbox))
  const found = look(boxesOf(detections))
  // The limit is 2, because corners of normalised boxes may lie a little outside the image.
  if (found.largest <= 2 && truth.largest > 10)
    return [
      `no detection ends beyond ${found.largest}, the ground truth does at ${truth.largest}: normalised coordinates?`,
    ]
  if (found.asCorners && !truth.asCorners)
    return ['every detection has width >= x and height >= y, the ground truth has not: corners x1,y1,x2,y2?']
  return []
}
