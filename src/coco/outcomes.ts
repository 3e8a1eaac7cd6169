import { cocoIous, greedyMatch, highestScores } from './greedy.js'
import type { Group } from './groups.js'
import type { Annotation, Detection } from './read.js'

/** COCO's ranges of an object's area in square pixels; both ends belong to a range. */
export const AREA_RANGES = {
  all: [0, 1e5 ** 2],
  small: [0, 32 ** 2],
  medium: [32 ** 2, 96 ** 2],
  large: [96 ** 2, 1e5 ** 2],
} as const
export type AreaRange = keyof typeof AREA_RANGES
const AREA_NAMES = Object.keys(AREA_RANGES) as AreaRange[]

/** Detections judged per image and class, the highest scores first. */
export const MAX_DETECTIONS = 100

export const FALSE_POSITIVE = 0
export const TRUE_POSITIVE = 1
/** It took a crowd or an object outside the area range, or took nothing and is outside itself. */
export const IGNORED = 2

type Truth = Omit<Annotation, 'id'>

/** What became of one class's detections, D of all images together, by descending score. */
export interface ClassOutcomes {
  /** [D] place of each among its image's detections by score, from 0. */
  ranks: Uint8Array
  /** By area range. */
  areas: Record<AreaRange, AreaOutcomes>
}

export interface AreaOutcomes {
  /** Ground truth that counts: in the range, no crowd. */
  positives: number
  /** [D] for each IoU threshold. */
  outcomes: Uint8Array[]
}

const isOutside = (area: number, range: AreaRange) => area < AREA_RANGES[range][0] || area > AREA_RANGES[range][1]

/** Where each score comes in descending order; equal ones keep theirs. */
function placesByScore(scores: readonly number[]): Uint32Array {
  const order = Uint32Array.from(scores.keys()).sort((a, b) => scores[b] - scores[a] || a - b)
  const places = new Uint32Array(order.length)
  for (let place = 0; place < order.length; ++place) places[order[place]] = place
  return places
}

/** Matches all images of one class at every threshold and area range. `groups` are by ascending image id. */
export function judgeClass(
  groups: readonly Group<Truth, Detection>[],
  iouThresholds: readonly number[],
): ClassOutcomes {
  const judged = groups.map(({ detections }) => highestScores(detections, MAX_DETECTIONS))
  const places = placesByScore(judged.flatMap((detections) => detections.map(({ score }) => score)))
  const ranks = new Uint8Array(places.length)
  const emptyArea = () => ({
    positives: 0,
    outcomes: iouThresholds.map(() => new Uint8Array(places.length)),
  })
  const areas = { all: emptyArea(), small: emptyArea(), medium: emptyArea(), large: emptyArea() }

  let start = 0
  groups.forEach(({ groundTruth }, image) => {
    const detections = judged[image]
    const ious = cocoIous(detections, groundTruth)
    const place = places.subarray(start, start + detections.length)
    start += detections.length
    for (let rank = 0; rank < detections.length; ++rank) ranks[place[rank]] = rank

    for (const range of AREA_NAMES) {
      const candidates = groundTruth.map(({ area, crowd }) => ({ crowd, ignored: crowd || isOutside(area, range) }))
      const unmatched = detections.map(({ bbox: [, , width, height] }) =>
        isOutside(width * height, range) ? IGNORED : FALSE_POSITIVE,
      )
      areas[range].positives += candidates.filter(({ ignored }) => !ignored).length
      iouThresholds.forEach((iouThreshold, t) => {
        const outcomes = areas[range].outcomes[t]
        const matches = greedyMatch(ious, detections.length, candidates, iouThreshold)
        for (let rank = 0; rank < matches.length; ++rank) {
          const match = matches[rank]
          outcomes[place[rank]] = match < 0 ? unmatched[rank] : candidates[match].ignored ? IGNORED : TRUE_POSITIVE
        }
      })
    }
  })
  return { ranks, areas }
}
