import { describe, expect, test } from 'vitest'
import { DetectionTable } from '../../src/coco/detection-table.js'
import { cocoIou } from '../../src/coco/greedy.js'
import { type MatchOptions, matchDetections } from '../../src/coco/match.js'
import type { Annotation, CocoBox, Detection } from '../../src/coco/types.js'

const truth = (id: number, bbox: CocoBox, more: Partial<Annotation> = {}): Annotation => ({
  id,
  imageId: 1,
  categoryId: 1,
  bbox,
  area: bbox[2] * bbox[3],
  crowd: false,
  ...more,
})
const detect = (score: number, bbox: CocoBox, more: Partial<Detection> = {}): Detection => ({
  imageId: 1,
  categoryId: 1,
  bbox,
  score,
  ...more,
})

const match = (annotations: readonly Annotation[], detections: readonly Detection[], options: MatchOptions) =>
  Array.from(matchDetections(annotations, DetectionTable.from(detections), options))

/** Which annotation each detection took, by descending score: `[score, annotation id or null, ignored]`. */
function outcome(annotations: Annotation[], detections: Detection[], iouThreshold = 0.5, maxDetections = 100) {
  return match(annotations, detections, { iouThreshold, maxDetections }).flatMap((group) =>
    group.detections.map(({ detection, annotation, ignored }) => [detection.score, annotation?.id ?? null, ignored]),
  )
}

describe('COCO IoU', () => {
  test('is intersection over union, and over the detection for a crowd', () => {
    // Overlap 5 × 10 = 50 of 100 + 100 − 50.
    expect(cocoIou([0, 0, 10, 10], [5, 0, 10, 10], false)).toBe(50 / 150)
    expect(cocoIou([0, 0, 10, 10], [5, 0, 10, 10], true)).toBe(50 / 100)
  })

  test('is 0 for boxes that touch, lie apart, or have no area', () => {
    expect(cocoIou([0, 0, 10, 10], [10, 0, 10, 10], false)).toBe(0)
    expect(cocoIou([0, 0, 10, 10], [20, 20, 10, 10], false)).toBe(0)
    expect(cocoIou([3, 3, 0, 0], [0, 0, 10, 10], true)).toBe(0)
    expect(cocoIou([3, 3, 0, 0], [3, 3, 0, 0], false)).toBe(0)
  })
})

describe('matching', () => {
  test('the higher score chooses first, whatever the file order; its duplicate stays unmatched', () => {
    // Both overlap the one truth; the second fits it perfectly but scores lower.
    expect(
      outcome([truth(1, [0, 0, 10, 10])], [detect(0.6, [0, 0, 10, 10]), detect(0.9, [1, 0, 10, 10])]),
    ).toStrictEqual([
      [0.9, 1, false],
      [0.6, null, false],
    ])
  })

  test('equal scores keep the order of the file', () => {
    const [group] = match([truth(1, [0, 0, 10, 10])], [detect(0.5, [1, 0, 10, 10]), detect(0.5, [0, 0, 10, 10])], {
      iouThreshold: 0.5,
    })
    expect(group.detections.map(({ annotation }) => annotation?.id)).toStrictEqual([1, undefined])
    expect(group.detections[0].detection.bbox).toStrictEqual([1, 0, 10, 10])
  })

  test('a detection takes the free truth of highest IoU, the next detection what is left', () => {
    const truths = [truth(1, [0, 0, 10, 10]), truth(2, [2, 0, 10, 10])]
    // x = 1.5 overlaps truth 1 by 8.5, truth 2 by 9.5; once 2 is taken, the perfect fit must do with 1 (8/12).
    expect(outcome(truths, [detect(0.9, [1.5, 0, 10, 10]), detect(0.8, [2, 0, 10, 10])])).toStrictEqual([
      [0.9, 2, false],
      [0.8, 1, false],
    ])
  })

  test('of truths with equal IoU the later one is taken', () => {
    const truths = [truth(7, [0, 0, 10, 10]), truth(3, [2, 0, 10, 10])]
    expect(outcome(truths, [detect(0.9, [1, 0, 10, 10])])).toStrictEqual([[0.9, 3, false]])
  })

  test('an IoU equal to the threshold matches, one just below does not', () => {
    // 10 × 5 inside 10 × 10: IoU exactly 0.5.
    expect(outcome([truth(1, [0, 0, 10, 10])], [detect(0.9, [0, 0, 10, 5])])).toStrictEqual([[0.9, 1, false]])
    expect(outcome([truth(1, [0, 0, 10, 10])], [detect(0.9, [0, 0, 10, 4.999999])])).toStrictEqual([[0.9, null, false]])
  })

  test('threshold 1 takes an IoU that rounding put 1e-12 below 1, not one 1e-6 below', () => {
    const at1 = (height: number) => outcome([truth(1, [0, 0, 10, 10])], [detect(0.9, [0, 0, 10, height])], 1)
    expect(at1(10 - 1e-11)).toStrictEqual([[0.9, 1, false]])
    expect(at1(10 - 1e-5)).toStrictEqual([[0.9, null, false]])
  })

  test('a crowd absorbs several detections, all ignored', () => {
    expect(
      outcome(
        [truth(1, [0, 0, 100, 100], { crowd: true })],
        [detect(0.9, [0, 0, 10, 10]), detect(0.8, [5, 5, 10, 10]), detect(0.7, [95, 0, 10, 10])],
      ),
    ).toStrictEqual([
      [0.9, 1, true],
      [0.8, 1, true],
      [0.7, 1, true], // half of it inside: 50/100 reaches the threshold
    ])
  })

  test('a crowd is tried only after ordinary truth, even when it stands first and fits better', () => {
    const annotations = [truth(1, [0, 0, 100, 100], { crowd: true }), truth(2, [0, 0, 10, 12])]
    expect(outcome(annotations, [detect(0.9, [0, 0, 10, 10]), detect(0.8, [0, 0, 10, 10])])).toStrictEqual([
      [0.9, 2, false],
      [0.8, 1, true],
    ])
  })

  test('at most maxDetections by score are judged per image and class; 100 unless told', () => {
    const truths = [truth(1, [0, 0, 10, 10])]
    const fitting = detect(0.1, [0, 0, 10, 10])
    const apart = Array.from({ length: 100 }, (_, i) => detect(0.9 - i / 1000, [500, 500, 10, 10]))
    const [group] = match(truths, [fitting, ...apart], { iouThreshold: 0.5 })
    expect(group.detections).toHaveLength(100)
    expect(group.detections.every(({ annotation }) => annotation === null)).toBe(true)
    expect(group.dropped).toBe(1)
    expect(outcome(truths, [fitting, ...apart.slice(1)]).at(-1)).toStrictEqual([0.1, 1, false])
    expect(outcome(truths, [detect(0.2, [0, 0, 10, 10]), detect(0.3, [9, 9, 1, 1])], 0.5, 1)).toStrictEqual([
      [0.3, null, false],
    ])
  })

  test('classes and images are apart, and come by class, then image', () => {
    const box: CocoBox = [0, 0, 10, 10]
    const groups = match(
      [truth(1, box, { categoryId: 2, imageId: 1 }), truth(2, box, { categoryId: 1, imageId: 10 })],
      [
        detect(0.9, box, { categoryId: 1, imageId: 1 }),
        detect(0.8, box, { categoryId: 2, imageId: 10 }),
        detect(0.7, box, { categoryId: 1, imageId: 10 }),
      ],
      { iouThreshold: 0.5 },
    )
    expect(
      groups.map((group) => [
        group.categoryId,
        group.imageId,
        group.groundTruth.map(({ id }) => id),
        group.detections.map(({ detection, annotation, iou }) => [detection.score, annotation?.id, iou]),
      ]),
    ).toStrictEqual([
      [1, 1, [], [[0.9, undefined, 0]]],
      [1, 10, [2], [[0.7, 2, 1]]],
      [2, 1, [1], []],
      [2, 10, [], [[0.8, undefined, 0]]],
    ])
  })

  test('boxes whose area overflows match nothing', () => {
    const huge: CocoBox = [0, 0, 1e200, 1e200]
    expect(outcome([truth(1, huge)], [detect(0.9, huge)])).toStrictEqual([[0.9, null, false]])
  })

  test('inputs stay as they are', () => {
    const detections = Object.freeze([detect(0.1, [0, 0, 1, 1]), detect(0.9, [0, 0, 1, 1])])
    match(Object.freeze([truth(1, [0, 0, 1, 1])]), detections, { iouThreshold: 0.5 })
    expect(detections.map(({ score }) => score)).toStrictEqual([0.1, 0.9])
  })
})
