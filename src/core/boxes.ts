import type { Format } from './formats.js'
import type { FloatArray } from './types.js'

// Reads boxes from an array in any format and returns them as corners.

/** The corners of a box, first corner first: x1, y1, x2, y2, or x1, y1, z1, x2, y2, z2 with three axes. */
export type Corners = readonly number[]

/** Reads row `i` of an [N, 2 · axes] array as corners, rounded to the dtype of the array as the other backends
 * round. */
export function readCorners(boxes: FloatArray, i: number, format: Format, axes: 2 | 3): Corners {
  const round = boxes.BYTES_PER_ELEMENT === 4 ? Math.fround : (x: number) => x
  const corners: number[] = []
  for (let k = 2 * axes * i; k < 2 * axes * (i + 1); ++k) corners.push(boxes[k])
  switch (format) {
    case 'xyxy':
      break
    case 'yxyx':
      return swapAxes(corners)
    case 'xywh':
      for (let k = 0; k < axes; ++k) corners[axes + k] = round(corners[k] + corners[axes + k])
      break
    case 'cxcywh':
      for (let k = 0; k < axes; ++k) {
        const [centre, size] = [corners[k], corners[axes + k]]
        corners[k] = round(centre - size / 2)
        corners[axes + k] = round(centre + size / 2)
      }
  }
  return corners
}

/** Converts between x, y and y, x order. */
export const swapAxes = ([a, b, c, d]: Corners): Corners => [b, a, d, c]

/** Whether a loss accepts this box: all coordinates are finite and, where the loss needs ordered corners, x1 ≤ x2,
 * y1 ≤ y2 and so on. */
export function isValidBox(box: Corners, ordered: boolean): boolean {
  const axes = box.length / 2
  for (let k = 0; k < axes; ++k) {
    if (!(Number.isFinite(box[k]) && Number.isFinite(box[axes + k]))) return false
    if (ordered && box[k] > box[axes + k]) return false
  }
  return true
}
