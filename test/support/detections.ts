import type { CocoBox, Detection, GroundTruthBox } from '../../src/coco/types.js'

/** Ground truth of image 1 and class 1 unless told. */
export const truth = (bbox: CocoBox, more: Partial<GroundTruthBox> = {}): GroundTruthBox => ({
  imageId: 1,
  categoryId: 1,
  bbox,
  ...more,
})

/** A detection in image 1 of class 1 unless told. */
export const detect = (score: number, bbox: CocoBox, more: Partial<Detection> = {}): Detection => ({
  imageId: 1,
  categoryId: 1,
  bbox,
  score,
  ...more,
})
