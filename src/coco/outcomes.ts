import { cocoIous, greedyMatch, highestScores } from './greedy.js'
import type { ClassGroups } from './groups.js'
import type { Annotation } from './types.js'

/** COCO's ranges of an object's area in square pixels. Both ends belong to a range. */
export const AREA_RANGES = {
  all: [0, 1e5 ** 2],
  small: [0, 32 ** 2],
  medium: [32 ** 2, 96 ** 2],
  large: [96 ** 2, 1e5 ** 2],
} as const
export type AreaRange = keyof typeof AREA_RANGES
const AREA_NAMES = Object.keys(AREA_RANGES) as AreaRange[]

/** The number of detections judged per image and class, the highest scores first. */
export const MAX_DETECTIONS = 100

export const FALSE_POSITIVE = 0
export const TRUE_POSITIVE = 1
/** The detection matched a crowd or an object outside the area range, or it matched nothing and is itself outside the
 * range. */
export const IGNORED = 2

type Truth = Omit<Annotation, 'id'>

/** The outcomes of the detections of one class: D in all images together, image after image. */
export interface ClassOutcomes {
  /** [D] indices of the detections by descending score. Equal scores are in ascending order of index. */
  order: Uint32Array
  /** [D] or longer: the rank of each detection among those of its image by score, from 0. */
  ranks: Uint8Array
  /** The outcomes in each area range. */
  areas: Record<AreaRange, AreaOutcomes>
}

/** The outcomes of the detections of one class in one area range. */
export interface AreaOutcomes {
  /** The number of ground truths that count: those in the range that are not crowds. */
  positives: number
  /** [D] or longer: the outcome of each detection, once for each IoU threshold. */
  outcomes: Uint8Array[]
}

const isOutside = (area: number, range: AreaRange) => area < AREA_RANGES[range][0] || area > AREA_RANGES[range][1]

/** Returns the indices by descending score. Equal scores are in ascending order of index. */
function descending(scores: readonly number[]): Uint32Array {
  return Uint32Array.from(scores.keys()).sort((a, b) => scores[b] - scores[a] || a - b)
}

/** Matches all images of one class at every threshold and in every area range. */
export function judgeClass(
  { detections: most, groups }: ClassGroups<Truth>,
  iouThresholds: readonly number[],
): ClassOutcomes {
  const scores: number[] = []
  const ranks = new Uint8Array(most)
  const emptyArea = () => ({ positives: 0, outcomes: iouThresholds.map(() => new Uint8Array(most)) })
  const areas = { all: emptyArea(), small: emptyArea(), medium: emptyArea(), large: emptyArea() }

  for (const { groundTruth, detections } of groups) {
    const judged = highestScores(detections, MAX_DETECTIONS)
    const ious = cocoIous(judged, groundTruth)
    const start = scores.length
    for (let rank = 0; rank < judged.length; ++rank) {
      ranks[start + rank] = rank
      scores.push(judged[rank].score)
    }
    for (const range of AREA_NAMES) {
      const candidates = groundTruth.map(({ area, crowd }) => ({ crowd, ignored: crowd || isOutside(area, range) }))
      const unmatched = judged.map(({ bbox: [, , width, height] }) =>
        isOutside(width * height, range) ? IGNORED : FALSE_POSITIVE,
      )
      areas[range].positives += candidates.filter(({ ignored }) => !ignored).length
      iouThresholds.forEach((iouThreshold, t) => {
        const outcomes = areas[range].outcomes[t]
        const matches = greedyMatch(ious, judged.length, candidates, iouThreshold)
        for (let rank = 0; rank < matches.length; ++rank) {
          const match = matches[rank]
          outcomes[start + rank] = match < 0 ? unmatched[rank] : candidates[match].ignored ? IGNORED : TRUE_POSITIVE
        }
      })
    }
  }
  return { order: descending(scores), ranks, areas }
}
