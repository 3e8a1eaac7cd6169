/** COCO's box: x and y of the first corner, width and height, in pixels. All are finite, and width and height are at
 * least 0. */
export type CocoBox = readonly [x: number, y: number, width: number, height: number]

/** One object of the ground truth of a COCO file. A crowd is a region with many objects: detections in it are
 * ignored. */
export interface Annotation {
  /** The id of the annotation. */
  id: number
  /** The id of the image. */
  imageId: number
  /** The id of the class. */
  categoryId: number
  /** The box of the object. */
  bbox: CocoBox
  /** The area of the object's mask in square pixels, or of its box if the file has no area. */
  area: number
  /** Whether this is a crowd (COCO's `iscrowd`). */
  crowd: boolean
}

/** One detection, an entry of a COCO results file. */
export interface Detection {
  /** The id of the image. */
  imageId: number
  /** The id of the class. */
  categoryId: number
  /** The box of the detection. */
  bbox: CocoBox
  /** The confidence of the detector. It may be any finite number. */
  score: number
}

/** A class of objects. */
export interface Category {
  /** The id of the class. */
  id: number
  /** The name of the class. */
  name: string
}

/** The content of a COCO instances file. */
export interface GroundTruth {
  /** The path of the file, for messages about files that refer to it. */
  path: string
  /** The ids of the images. */
  imageIds: ReadonlySet<number>
  /** The classes by id, in the order of the file. */
  categories: ReadonlyMap<number, Category>
  /** The objects, in the order of the file. */
  annotations: Annotation[]
}

/** One object of the ground truth, as `averagePrecision` takes it. */
export interface GroundTruthBox {
  /** The id of the image, an integer. */
  imageId: number
  /** The id of the class, an integer. */
  categoryId: number
  /** The box of the object. */
  bbox: CocoBox
  /** The area in square pixels, which decides the area range. COCO uses the area of the object's mask.
   * Default: width · height. */
  area?: number | undefined
  /** Whether this is a region with many objects. Detections in it count neither as right nor as wrong.
   * Default false. */
  crowd?: boolean | undefined
}

/** Options of `averagePrecision`. */
export interface AveragePrecisionOptions {
  /** The smallest IoUs of a match, each above 0 and up to 1. `ap` and `ar…` are means over them. Default: 0.5, 0.55, …
   * 0.95. */
  iouThresholds?: readonly number[] | undefined
}
