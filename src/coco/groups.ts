import type { DetectionTable } from './detection-table.js'
import type { Detection } from './types.js'

interface Place {
  imageId: number
  categoryId: number
}

/** The ground truth and detections of one image and class, in the given order. Only these are matched with each
 * other. */
export interface Group<Truth> extends Place {
  groundTruth: Truth[]
  detections: Detection[]
}

/** One class. Its groups can be iterated over once, and only one exists at a time. */
export interface ClassGroups<Truth> {
  categoryId: number
  /** The number of detections in all images of the class. */
  detections: number
  groups: Iterable<Group<Truth>>
}

type List<T> = ArrayLike<T> & { slice(start: number, end: number): List<T> }

/** Cuts two lists, each sorted by its key, into runs that share a key, by ascending key. A run may be empty in one of
 * the lists. */
function* runs<A, B>(left: List<A>, leftKey: (item: A) => number, right: List<B>, rightKey: (item: B) => number) {
  let [l, r] = [0, 0]
  while (l < left.length || r < right.length) {
    const key = Math.min(
      l < left.length ? leftKey(left[l]) : Number.POSITIVE_INFINITY,
      r < right.length ? rightKey(right[r]) : Number.POSITIVE_INFINITY,
    )
    const [leftStart, rightStart] = [l, r]
    while (l < left.length && leftKey(left[l]) === key) l++
    while (r < right.length && rightKey(right[r]) === key) r++
    yield { key, left: left.slice(leftStart, l), right: right.slice(rightStart, r) }
  }
}

/** Yields the classes that have any ground truth or detection, by ascending id. Each has a group for every image with
 * any ground truth or detection of the class. This is COCO's order, which decides between equal scores of different
 * images. */
export function* groupByClass<Truth extends Place>(
  groundTruth: readonly Truth[],
  detections: DetectionTable,
): Generator<ClassGroups<Truth>, void, void> {
  const truths = groundTruth.toSorted((a, b) => a.categoryId - b.categoryId || a.imageId - b.imageId)
  const rows = detections.rowsByClassAndImage()
  const classes = runs(
    truths,
    (truth) => truth.categoryId,
    rows,
    (row) => detections.categoryId(row),
  )
  for (const { key: categoryId, left, right } of classes)
    yield { categoryId, detections: right.length, groups: groupByImage(categoryId, left, detections, right) }
}

function* groupByImage<Truth extends Place>(
  categoryId: number,
  truths: List<Truth>,
  detections: DetectionTable,
  rows: List<number>,
): Generator<Group<Truth>, void, void> {
  const images = runs(
    truths,
    (truth) => truth.imageId,
    rows,
    (row) => detections.imageId(row),
  )
  for (const { key: imageId, left, right } of images) {
    const own = Array.from(right, (row) => detections.detection(row))
    yield { categoryId, imageId, groundTruth: Array.from(left), detections: own }
  }
}
