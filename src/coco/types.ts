/** COCO's box: x and y of the first corner, width, height, in pixels. All finite, width and height at least 0. */
export type CocoBox = readonly [x: number, y: number, width: number, height: number]

/** One object of the ground truth. A crowd is a region holding many objects: detections in it are ignored, not judged. */
export interface Annotation {
  id: number
  imageId: number
  categoryId: number
  bbox: CocoBox
  /** In square pixels: of the object's mask, or of its box where the file has none. */
  area: number
  crowd: boolean
}

/** One entry of a COCO results file. */
export interface Detection {
  imageId: number
  categoryId: number
  bbox: CocoBox
  score: number
}

/** A class of objects. */
export interface Category {
  id: number
  name: string
}

/** A COCO instances file, and the path it came from for messages about files that refer to it. */
export interface GroundTruth {
  path: string
  imageIds: ReadonlySet<number>
  /** By id, in the file's order. */
  categories: ReadonlyMap<number, Category>
  annotations: Annotation[]
}

/** One object of the ground truth. */
export interface GroundTruthBox {
  imageId: number
  categoryId: number
  bbox: CocoBox
  /** In square pixels, for the area ranges: COCO's is that of the object's mask. Default: width · height. */
  area?: number | undefined
  /** A region holding many objects: what is found in it counts neither as right nor as wrong. Default: false. */
  crowd?: boolean | undefined
}

/** Options of `averagePrecision`. */
export interface AveragePrecisionOptions {
  /** Smallest IoUs of a match, each in (0, 1]; `ap` and `ar…` are means over them. Default: 0.5, 0.55, … 0.95. */
  iouThresholds?: readonly number[] | undefined
}
