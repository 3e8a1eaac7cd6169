import { describe, expect, test } from 'vitest'
import { averagePrecision } from '../../src/coco/average-precision.js'
import type { CocoBox } from '../../src/coco/types.js'
import { detect, truth } from '../support/detections.js'

// Cases worked out by hand from the definition. Precision is read at the 101 recalls 0, 0.01, … 1, so a curve whose
// precision is p up to recall 0.5 and 0 beyond has AP = 51 p / 101.

/** Boxes that do not touch each other. */
const place = (index: number): CocoBox => [100 * index, 0, 10, 10]
const NOWHERE: CocoBox = [0, 5000, 10, 10]
const places = (count: number) => Array.from({ length: count }, (_, index) => place(index))

describe('the precision-recall curve', () => {
  test('each recall takes the highest precision there or beyond', () => {
    // By score right, wrong, right, right, wrong, of 4 objects:
    //   recall    1/4  1/4  2/4  3/4  3/4
    //   precision 1    1/2  2/3  3/4  3/5
    // The envelope is 1 up to 1/4 (26 recalls), 3/4 up to 3/4 (50), 0 beyond (25).
    const { ap, ar100 } = averagePrecision(
      places(4).map((box) => truth(box)),
      [
        detect(0.9, place(0)),
        detect(0.8, NOWHERE),
        detect(0.7, place(1)),
        detect(0.6, place(2)),
        detect(0.5, [500, 5000, 10, 10]),
      ],
    )
    expect(ap).toBeCloseTo((26 + 50 * 0.75) / 101, 14)
    expect(ar100).toBe(0.75)
  })

  test.each([
    [34, 35], // 0, 0.01, … 0.34
    [35, 35], // 0.35 as 35 · 0.01 is 0.35000000000000003, more than 35/100: not reached
    [36, 37],
  ])('recalls are rounded as numpy has them: %i of 100 found reach %i of 101', (found, reached) => {
    // In two images, since only 100 detections of one count.
    const all = places(100).map((box, index) => ({ box, imageId: index % 2 }))
    const { ap } = averagePrecision(
      all.map(({ box, imageId }) => truth(box, { imageId })),
      all.slice(0, found).map(({ box, imageId }) => detect(0.5, box, { imageId })),
    )
    expect(ap).toBeCloseTo(reached / 101, 14)
  })

  test('a duplicate is wrong', () => {
    const boxes = [place(0), place(1)]
    // Right, wrong, right: precision 1 up to recall 1/2 (51 recalls), 2/3 up to 1 (50).
    expect(
      averagePrecision(
        boxes.map((box) => truth(box)),
        [detect(0.9, place(0)), detect(0.8, place(0)), detect(0.7, place(1))],
      ).ap,
    ).toBeCloseTo((51 + (50 * 2) / 3) / 101, 14)
  })
})

describe('IoU thresholds', () => {
  test('a match holds up to its IoU, and ap is the mean over the ten', () => {
    // IoU 60/100 exactly: a match at 0.5, 0.55 and 0.6.
    const result = averagePrecision([truth([0, 0, 10, 10])], [detect(0.5, [0, 0, 10, 6])])
    expect(result.byIou.map(({ iouThreshold, ap }) => [iouThreshold, ap])).toStrictEqual([
      [0.5, 1],
      [0.55, 1],
      [0.6, 1],
      [0.65, 0],
      [0.7, 0],
      [0.75, 0],
      [0.8, 0],
      [0.85, 0],
      [0.9, 0],
      [0.95, 0],
    ])
    expect(result).toMatchObject({ ap: 0.3, ap50: 1, ap75: 0, ar1: 0.3, ar10: 0.3, ar100: 0.3 })
  })

  test('0.9 is one bit short, as numpy has it', () => {
    // 3.6 of 4, as 0.8999999999999999: 3 · 1.2 / (4 · 1).
    const iou = (3 * 1.2) / 4
    expect(iou).toBe(0.8999999999999999)
    const apAt = (iouThreshold: number) =>
      averagePrecision([truth([0, 0, 4, 1])], [detect(0.5, [0, 0, 3 * 1.2, 1])], { iouThresholds: [iouThreshold] }).ap
    expect(apAt(0.9)).toBe(1)
    expect(apAt(0.9000000000000001)).toBe(0)
  })

  test('others may be asked for; ap50 and ap75 are there all the same', () => {
    const result = averagePrecision([truth([0, 0, 10, 10])], [detect(0.5, [0, 0, 10, 6])], {
      iouThresholds: [0.61, 0.3],
    })
    expect(result.byIou.map(({ iouThreshold, ap, ar }) => [iouThreshold, ap, ar])).toStrictEqual([
      [0.61, 0, 0],
      [0.3, 1, 1],
    ])
    expect([result.ap, result.ap50, result.ap75]).toStrictEqual([0.5, 1, 0])
  })
})

describe('matching', () => {
  test('of two that fit alike the later is taken', () => {
    // The first detection has IoU 5/15 with both objects; the second lies on the one that stands second.
    const boxes: CocoBox[] = [
      [0, 0, 10, 10],
      [10, 0, 10, 10],
    ]
    const recallOf = (order: CocoBox[]) =>
      averagePrecision(
        order.map((box) => truth(box)),
        [detect(0.9, [5, 0, 10, 10]), detect(0.8, [10, 0, 10, 10])],
        { iouThresholds: [0.3] },
      ).ar100
    expect(recallOf(boxes)).toBe(0.5)
    expect(recallOf([boxes[1]!, boxes[0]!])).toBe(1)
  })

  test('equal scores go by image id, then by the order given', () => {
    const right = { imageId: 7, box: place(0) }
    const apOf = (imageIdOfWrong: number, wrongFirst: boolean) => {
      const detections = [
        detect(0.5, right.box, { imageId: right.imageId }),
        detect(0.5, NOWHERE, { imageId: imageIdOfWrong }),
      ]
      return averagePrecision([truth(right.box, right)], wrongFirst ? detections.reverse() : detections).ap
    }
    expect([apOf(8, true), apOf(8, false)]).toStrictEqual([1, 1])
    expect([apOf(6, true), apOf(6, false)]).toStrictEqual([0.5, 0.5])
    expect([apOf(7, true), apOf(7, false)]).toStrictEqual([0.5, 1])
  })

  test('images and classes are apart', () => {
    const elsewhere = [detect(0.9, place(0), { imageId: 2 }), detect(0.9, place(0), { categoryId: 2 })]
    // The detection in image 2 is wrong and comes before the right one; that of class 2 is of another curve.
    expect(averagePrecision([truth(place(0))], [...elsewhere, detect(0.8, place(0))]).ap).toBe(0.5)
  })
})

describe('crowds', () => {
  const crowd = truth([1000, 0, 100, 100], { crowd: true })

  test('what lies in one counts neither way, however much', () => {
    // IoU over the detection: 1, 1 and 1/2. The last, a half outside, is a match at 0.5 alone and wrong elsewhere.
    const inside = [detect(0.9, [1000, 0, 10, 10]), detect(0.8, [1005, 0, 10, 10]), detect(0.7, [1095, 0, 10, 10])]
    const { byIou } = averagePrecision([truth(place(0)), crowd], [...inside, detect(0.6, place(0))])
    expect(byIou.map(({ ap }) => ap)).toStrictEqual([1, ...Array(9).fill(0.5)])
    expect(byIou.map(({ ar }) => ar)).toStrictEqual(Array(10).fill(1))
  })

  test('is no ground truth to find', () => {
    expect(averagePrecision([crowd], [detect(0.9, [1000, 0, 10, 10])])).toMatchObject({ ap: -1, ar100: -1 })
  })

  test('is not taken where an object fits, even one that fits less', () => {
    // IoU 0.8 with the object, 1 with the crowd around both, which stands first.
    const around = truth([0, 0, 100, 100], { crowd: true })
    const result = averagePrecision([around, truth([0, 0, 10, 8])], [detect(0.9, [0, 0, 10, 10])])
    expect(result.byIou.map(({ ar }) => ar)).toStrictEqual([1, 1, 1, 1, 1, 1, 1, 0, 0, 0])
    // Above 0.8 the crowd takes it: not wrong, so a second detection that is right keeps precision 1.
    const second = averagePrecision(
      [around, truth([0, 0, 10, 8])],
      [detect(0.9, [0, 0, 10, 10]), detect(0.8, [0, 0, 10, 8])],
    )
    expect(second.byIou.map(({ ap }) => ap)).toStrictEqual(Array(10).fill(1))
  })
})

describe('area ranges', () => {
  test('the area of an object decides, 32² and 96² being on both sides', () => {
    const rangesOf = (area: number) => {
      const { ap, apSmall, apMedium, apLarge, arSmall, arMedium, arLarge } = averagePrecision(
        [truth(place(0), { area })],
        [detect(0.5, place(0))],
      )
      expect([arSmall, arMedium, arLarge]).toStrictEqual([apSmall, apMedium, apLarge])
      return [ap, apSmall, apMedium, apLarge]
    }
    expect(rangesOf(0)).toStrictEqual([1, 1, -1, -1])
    expect(rangesOf(1024)).toStrictEqual([1, 1, 1, -1])
    expect(rangesOf(1025)).toStrictEqual([1, -1, 1, -1])
    expect(rangesOf(9216)).toStrictEqual([1, -1, 1, 1])
    expect(rangesOf(9217)).toStrictEqual([1, -1, -1, 1])
    expect(rangesOf(1e10 + 1)).toStrictEqual([-1, -1, -1, -1])
  })

  test('without an area it is that of the box', () => {
    const { apSmall, apMedium } = averagePrecision([truth([0, 0, 32, 33])], [])
    expect([apSmall, apMedium]).toStrictEqual([-1, 0])
  })

  test('a detection on an object outside the range, or unmatched and outside itself, is left out', () => {
    const small: CocoBox = [0, 0, 10, 10]
    const large: CocoBox = [1000, 0, 100, 100]
    const result = averagePrecision(
      [truth(small), truth(large)],
      [
        detect(0.9, [0, 5000, 100, 100]), // wrong, and large
        detect(0.8, small),
        detect(0.7, large),
      ],
    )
    // All: wrong, right, right: precision 2/3 everywhere. Small: only the second counts. Large: wrong, right.
    expect(result.ap).toBeCloseTo(2 / 3, 14)
    expect([result.apSmall, result.apMedium, result.apLarge]).toStrictEqual([1, -1, 0.5])
  })

  test('an object outside the range is taken only where none inside fits', () => {
    // 1600 and 800 square pixels. The detection's IoU is 1 with the first, 0.5 with the second, the only small one.
    const objects = [truth([0, 0, 40, 40]), truth([0, 0, 20, 40])]
    const { arSmall, arMedium } = averagePrecision(objects, [detect(0.9, [0, 0, 40, 40])], { iouThresholds: [0.5] })
    expect([arSmall, arMedium]).toStrictEqual([1, 1])
  })

  test('an object outside the range is taken once', () => {
    // Detections of 1020 square pixels, IoU 1020/1600 with an object that is not small: one is left out, the others,
    // small themselves, are wrong. Then the small object is found: precision 1/3.
    const { apSmall } = averagePrecision(
      [truth([0, 0, 40, 40]), truth([500, 0, 20, 40])],
      [...[0.9, 0.8, 0.7].map((score) => detect(score, [0, 0, 30, 34])), detect(0.1, [500, 0, 20, 40])],
      { iouThresholds: [0.5] },
    )
    expect(apSmall).toBeCloseTo(1 / 3, 14)
  })
})

describe('the number of detections', () => {
  test('ar1, ar10, ar100: of each image and class, the highest scores', () => {
    const objects = places(16).map((box) => truth(box))
    const detections = places(16).map((box, index) => detect(index / 100, box))
    const one = averagePrecision(objects, detections, { iouThresholds: [0.5] })
    expect([one.ar1, one.ar10, one.ar100]).toStrictEqual([1 / 16, 10 / 16, 1])
    // The same in two images of eight objects each.
    const split = <T>(items: T[]) => items.map((item, index) => ({ ...item, imageId: index % 2 }))
    const two = averagePrecision(split(objects), split(detections), { iouThresholds: [0.5] })
    expect([two.ar1, two.ar10, two.ar100]).toStrictEqual([2 / 16, 1, 1])
  })

  test('the 101st is not judged', () => {
    const wrong = (count: number) => Array.from({ length: count }, (_, index) => detect(1 + index, NOWHERE))
    const right = detect(0.5, place(0))
    const result = averagePrecision([truth(place(0))], [...wrong(99), right])
    expect(result.ap).toBeCloseTo(1 / 100, 14)
    expect(averagePrecision([truth(place(0))], [...wrong(100), right])).toMatchObject({ ap: 0, ar100: 0 })
  })
})

describe('means over classes', () => {
  const result = averagePrecision(
    [truth(place(0), { categoryId: 5 }), truth(place(0), { categoryId: 2 })],
    [detect(0.9, place(0), { categoryId: 5 }), detect(0.9, place(0), { categoryId: 1 })],
  )

  test('classes are listed by id; one without ground truth has −1', () => {
    expect(result.byClass.map(({ categoryId, ap, ar100 }) => [categoryId, ap, ar100])).toStrictEqual([
      [1, -1, -1],
      [2, 0, 0],
      [5, 1, 1],
    ])
  })

  test('are of those with ground truth, for each number on its own', () => {
    expect(result).toMatchObject({ ap: 0.5, ap50: 0.5, ap75: 0.5, apSmall: 0.5, apMedium: -1, ar1: 0.5, arLarge: -1 })
    expect(result.byIou.every(({ ap, ar }) => ap === 0.5 && ar === 0.5)).toBe(true)
  })

  test('no ground truth, no detections, neither', () => {
    expect(averagePrecision([], [detect(0.5, place(0))])).toMatchObject({ ap: -1, ap50: -1, ar1: -1 })
    expect(averagePrecision([truth(place(0))], [])).toMatchObject({ ap: 0, ap50: 0, ar1: 0, apLarge: -1 })
    expect(averagePrecision([], [])).toMatchObject({ ap: -1, byClass: [] })
  })
})
