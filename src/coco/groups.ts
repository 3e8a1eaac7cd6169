interface Place {
  imageId: number
  categoryId: number
}

/** What is matched with each other: all of one image and class, in the order given. */
export interface Group<Truth, Detected> extends Place {
  groundTruth: Truth[]
  detections: Detected[]
}

/** One group for each image and class that has any ground truth or detection, by ascending category id, then image id:
 * COCO's order, which decides between equal scores of different images. */
export function groupByClassAndImage<Truth extends Place, Detected extends Place>(
  groundTruth: readonly Truth[],
  detections: readonly Detected[],
): Group<Truth, Detected>[] {
  const classes = new Map<number, Map<number, Group<Truth, Detected>>>()
  const groupOf = ({ categoryId, imageId }: Place) =>
    getOrAdd(
      getOrAdd(classes, categoryId, () => new Map<number, Group<Truth, Detected>>()),
      imageId,
      () => ({ categoryId, imageId, groundTruth: [], detections: [] }),
    )
  for (const truth of groundTruth) groupOf(truth).groundTruth.push(truth)
  for (const detection of detections) groupOf(detection).detections.push(detection)

  return [...classes.values()]
    .flatMap((images) => [...images.values()])
    .sort((a, b) => a.categoryId - b.categoryId || a.imageId - b.imageId)
}

function getOrAdd<Value>(map: Map<number, Value>, key: number, make: () => Value): Value {
  let value = map.get(key)
  if (value === undefined) {
    value = make()
    map.set(key, value)
  }
  return value
}
