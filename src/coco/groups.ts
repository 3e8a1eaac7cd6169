interface Place {
  imageId: number
  categoryId: number
}

/** What is matched with each other: all of one image and class, in the order given. */
export interface Group<Truth, Detected> extends Place {
  groundTruth: Truth[]
  detections: Detected[]
}

const byClassAndImage = (a: Place, b: Place) => a.categoryId - b.categoryId || a.imageId - b.imageId

/** One group for each image and class that has any ground truth or detection, by ascending category id, then image id:
 * COCO's order, which decides between equal scores of different images. Sorted lists that are cut take a fraction of the memory of
 * a growing list for each group. */
export function* groupByClassAndImage<Truth extends Place, Detected extends Place>(
  groundTruth: readonly Truth[],
  detections: readonly Detected[],
): Generator<Group<Truth, Detected>, void, void> {
  const truths = groundTruth.toSorted(byClassAndImage)
  const detected = detections.toSorted(byClassAndImage)
  let t = 0
  let d = 0
  while (t < truths.length || d < detected.length) {
    const truthFirst = d === detected.length || (t < truths.length && byClassAndImage(truths[t], detected[d]) < 0)
    const { categoryId, imageId } = truthFirst ? truths[t] : detected[d]
    const ownTruths = truths.slice(t, endOfRun(truths, t, { categoryId, imageId }))
    const ownDetections = detected.slice(d, endOfRun(detected, d, { categoryId, imageId }))
    yield { categoryId, imageId, groundTruth: ownTruths, detections: ownDetections }
    t += ownTruths.length
    d += ownDetections.length
  }
}

/** Where the items of `place`, which begin at `start` if there are any, end. */
function endOfRun(items: readonly Place[], start: number, place: Place): number {
  let end = start
  while (end < items.length && byClassAndImage(items[end], place) === 0) end++
  return end
}
