import { describe, expect, test } from 'vitest'
import { averagePrecision } from '../../src/coco/average-precision.js'
import type { CocoBox, Detection, GroundTruthBox } from '../../src/coco/types.js'
import { detect, truth } from '../support/detections.js'
import { mulberry32 } from '../support/random.js'

type Random = () => number

/**
 * An object found exactly, nearly, twice or not, crowds, boxes of all sizes, and detections of nothing. All scores
 * differ.
 */
function randomProblem(random: Random, { classes = 1, crowds = 0.15 } = {}) {
  const integer = (below: number) => Math.floor(random() * below)
  const box = (): CocoBox => [random() * 80, random() * 80, 4 + random() * 140, 4 + random() * 140]
  const place = () => ({ imageId: 1 + integer(3), categoryId: 1 + integer(classes) })
  const objects: GroundTruthBox[] = Array.from({ length: 1 + integer(9) }, () => ({
    ...place(),
    bbox: box(),
    area: random() * 20_000,
    crowd: random() < crowds,
  }))
  const near = ({ bbox: [x, y, width, height], imageId, categoryId }: GroundTruthBox) => {
    const shift = () => (random() - 0.5) * integer(3) * 10
    const bbox: CocoBox = [x + shift(), y + shift(), Math.abs(width + shift()), Math.abs(height + shift())]
    return { imageId, categoryId, bbox }
  }
  const detections: Detection[] = Array.from({ length: integer(16) }, () => ({
    ...(random() < 0.75 ? near(objects[integer(objects.length)]!) : { ...place(), bbox: box() }),
    score: random(),
  }))
  return { objects, detections }
}

function shuffled<T>(items: readonly T[], random: Random): T[] {
  return items
    .map((item) => ({ item, key: random() }))
    .sort((a, b) => a.key - b.key)
    .map(({ item }) => item)
}

const problems = (count: number, options?: Parameters<typeof randomProblem>[1]) =>
  Array.from({ length: count }, (_, seed) => {
    const random = mulberry32(seed)
    return { random, ...randomProblem(random, options) }
  })

/** The same objects where none overlaps another. */
const apart = (objects: readonly GroundTruthBox[]): GroundTruthBox[] =>
  objects.map(({ bbox: [, y, width, height], ...object }, index) => ({
    ...object,
    bbox: [1000 * index, y, width, height],
  }))

const NOWHERE: CocoBox = [5000, 5000, 50, 50]

describe('properties', () => {
  test('finding everything exactly gives 1, whatever the classes, crowds and scores', () => {
    for (const { random, objects: anywhere } of problems(50, { classes: 3 })) {
      const objects = apart(anywhere)
      const { byIou, byClass, ...metrics } = averagePrecision(
        objects,
        objects.map(({ imageId, categoryId, bbox }) => ({ imageId, categoryId, bbox, score: random() })),
      )
      const { ar1, ar10, ...rest } = metrics
      expect([1, -1], JSON.stringify(metrics)).toEqual(expect.arrayContaining(Object.values(rest)))
      expect(byIou.every(({ ap, ar }) => ap === rest.ap && ar === rest.ap)).toBe(true)
      if (objects.some(({ crowd }) => !crowd)) expect(rest.ap).toBe(1)
      else expect([ar1, ar10]).toStrictEqual([-1, -1])
    }
  })

  test('the order of input does not matter where all scores differ', () => {
    for (const { random, objects, detections } of problems(100, { classes: 3 }))
      expect(averagePrecision(shuffled(objects, random), shuffled(detections, random))).toStrictEqual(
        averagePrecision(objects, detections),
      )
  })

  test('only the order of the scores matters', () => {
    for (const { objects, detections } of problems(50, { classes: 2 }))
      expect(
        averagePrecision(
          objects,
          detections.map((detection) => ({ ...detection, score: Math.exp(7 * detection.score) - 1000 })),
        ),
      ).toStrictEqual(averagePrecision(objects, detections))
  })

  test('a wrong detection that scores higher lowers AP and leaves recall; one that scores lower changes neither', () => {
    let lowered = 0
    for (const { objects, detections } of problems(100)) {
      const before = averagePrecision(objects, detections)
      const after = averagePrecision(objects, [...detections, detect(2, NOWHERE)])
      expect(after.ar100).toBe(before.ar100)
      if (before.ap > 0) {
        expect(after.ap).toBeLessThan(before.ap)
        ++lowered
      } else expect(after.ap).toBe(before.ap)
      const { byClass: _, ...unchanged } = averagePrecision(objects, [...detections, detect(-1, NOWHERE)])
      expect(before).toMatchObject(unchanged)
    }
    expect(lowered).toBeGreaterThan(50)
  })

  test('duplicates are wrong: they hurt where they come between', () => {
    let hurt = 0
    for (const { objects: anywhere } of problems(100, { crowds: 0 })) {
      const objects = apart(anywhere)
      const exact = objects.map(({ imageId, categoryId, bbox }, index) => ({
        imageId,
        categoryId,
        bbox,
        score: -index,
      }))
      const duplicatesAt = (lag: number) =>
        averagePrecision(objects, [...exact, ...exact.map((found) => ({ ...found, score: found.score - lag }))]).ap
      if (objects.length > 1) {
        expect(duplicatesAt(0.5)).toBeLessThan(1)
        ++hurt
      }
      expect(duplicatesAt(objects.length)).toBe(1)
    }
    expect(hurt).toBeGreaterThan(50)
  })

  test('every number is −1 or from 0 to 1, and a stricter threshold never finds more', () => {
    for (const { objects, detections } of problems(100, { classes: 3 })) {
      const { byClass, ...overall } = averagePrecision(objects, detections)
      for (const { byIou, ...metrics } of [overall, ...byClass.map(({ categoryId: _, ...metrics }) => metrics)]) {
        for (const value of Object.values(metrics))
          if (value !== -1) expect(value).toBeCloseTo(Math.min(1, Math.max(0, value)), 15)
        expect(metrics.ap50).toBeGreaterThanOrEqual(metrics.ap)
        expect(metrics.ar100).toBeGreaterThanOrEqual(metrics.ar10)
        expect(metrics.ar10).toBeGreaterThanOrEqual(metrics.ar1)
        expect(byIou).toHaveLength(10)
      }
    }
  })
})

/**
 * AP of one class at one threshold and range of areas, straight from the definition: one list of detections, their fate
 * by search, precision and recall of every prefix by counting, and for each recall the best precision of the prefixes
 * that reach it.
 */
function restated(
  objects: readonly GroundTruthBox[],
  detections: readonly Detection[],
  iouThreshold: number,
  [low, high]: [number, number],
): number {
  const within = (area: number) => area >= low && area <= high
  const counts = (object: GroundTruthBox) => !object.crowd && within(object.area!)
  const iou = ({ bbox: [x, y, w, h] }: Detection, { bbox: [X, Y, W, H], crowd }: GroundTruthBox) => {
    const common =
      Math.max(0, Math.min(x + w, X + W) - Math.max(x, X)) * Math.max(0, Math.min(y + h, Y + H) - Math.max(y, Y))
    return common / (crowd ? w * h : w * h + W * H - common)
  }
  const free = new Set(objects)
  const verdicts: ('right' | 'wrong')[] = []
  for (const detection of [...detections].sort((a, b) => b.score - a.score)) {
    const fitting = [...free]
      .filter((object) => object.imageId === detection.imageId && iou(detection, object) >= iouThreshold)
      .sort((a, b) => Number(counts(b)) - Number(counts(a)) || iou(detection, b) - iou(detection, a))
    const [taken] = fitting
    if (taken === undefined) {
      if (within(detection.bbox[2] * detection.bbox[3])) verdicts.push('wrong')
      continue
    }
    if (!taken.crowd) free.delete(taken)
    if (counts(taken)) verdicts.push('right')
  }

  const positives = objects.filter(counts).length
  if (positives === 0) return -1
  const prefixes = verdicts.map((_, last) => {
    const right = verdicts.slice(0, last + 1).filter((verdict) => verdict === 'right').length
    return { precision: right / (last + 1), recall: right / positives }
  })
  const points = Array.from({ length: 101 }, (_, i) =>
    Math.max(0, ...prefixes.filter(({ recall }) => recall >= i * 0.01).map(({ precision }) => precision)),
  )
  return points.reduce((sum, point) => sum + point, 0) / 101
}

test('agrees with the definition written out, at random thresholds, in all ranges', () => {
  const ranges = { ap: [0, 1e10], apSmall: [0, 1024], apMedium: [1024, 9216], apLarge: [9216, 1e10] } as const
  let informative = 0
  for (const { random, objects, detections } of problems(400)) {
    const iouThreshold = 0.05 + 0.9 * random()
    const metrics = averagePrecision(objects, detections, { iouThresholds: [iouThreshold] })
    for (const [name, [low, high]] of Object.entries(ranges)) {
      const expected = restated(objects, detections, iouThreshold, [low, high])
      expect(metrics[name as keyof typeof ranges], `${name} at ${iouThreshold}`).toBeCloseTo(expected, 12)
      if (expected > 0 && expected < 1) ++informative
    }
  }
  expect(informative).toBeGreaterThan(300)
})

describe('what it refuses', () => {
  const object = truth([0, 0, 1, 1])
  const detection = detect(0.5, [0, 0, 1, 1])
  const box = 'expected four finite numbers [x, y, width, height]'
  // biome-ignore lint/suspicious/noExplicitAny: wrong on purpose
  const cases: [string, any, any, any?][] = [
    ['groundTruth: expected an array of objects, got undefined', undefined, []],
    ['groundTruth[1]: expected an object, got null', [object, null], []],
    ['groundTruth[0].imageId: expected an integer, got undefined', [{ image_id: 1 }], []],
    ['groundTruth[0].categoryId: expected an integer, got "cup"', [{ ...object, categoryId: 'cup' }], []],
    [`groundTruth[0].bbox: ${box}, got an array of 3`, [{ ...object, bbox: [0, 0, 1] }], []],
    [`groundTruth[0].bbox: ${box}, got an array of 5`, [{ ...object, bbox: [0, 0, 1, 1, 1] }], []],
    ['groundTruth[0]: expected an object, got undefined', new Array(2), []],
    ['detections[0]: expected an object, got undefined', [], new Array(2)],
    [`groundTruth[0].bbox: ${box}, got undefined at [0]`, [{ ...object, bbox: new Array(4) }], []],
    ['groundTruth[0].area: expected a finite number of at least 0, got -1', [{ ...object, area: -1 }], []],
    ['groundTruth[0].crowd: expected true or false, got 1', [{ ...object, crowd: 1 }], []],
    [
      "groundTruth[0].crowd: expected true or false, what COCO's iscrowd says, got iscrowd alone",
      [{ ...object, crowd: undefined, iscrowd: 0 }],
      [],
    ],
    ['detections: expected an array of objects, got an object (Object)', [], {}],
    ['detections[1].score: expected a finite number, got NaN', [], [detection, { ...detection, score: Number.NaN }]],
    [`detections[0].bbox: ${box}, got NaN at [3]`, [], [{ ...detection, bbox: [0, 0, 1, Number.NaN] }]],
    [
      'detections[0].bbox: expected a width and a height of at least 0, got [9, 9, -1, 1]',
      [],
      [{ ...detection, bbox: [9, 9, -1, 1] }],
    ],
    ['options: expected only the members iouThresholds, got an unknown one: "iou"', [], [], { iou: 1 }],
    ...(
      [
        [[], 'an array of 0'],
        [new Array(1), 'undefined at [0]'],
        [[0], '0 at [0]'],
        [[0.5, 1.1], '1.1 at [1]'],
        [['0.5'], '"0.5" at [0]'],
        [0.5, '0.5'],
      ] as const
    ).map(([iouThresholds, got]): [string, object[], object[], object] => [
      `iouThresholds: expected an array of numbers above 0 and up to 1, at least one, got ${got}`,
      [],
      [],
      { iouThresholds },
    ]),
  ]
  test.each(cases)('%s', (message, groundTruth, detections, options) => {
    expect(() => averagePrecision(groundTruth, detections, options)).toThrow(
      expect.objectContaining({ code: 'ERR_SCALOSS_INVALID_ARGUMENT', message }),
    )
  })
})
