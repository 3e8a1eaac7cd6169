import { boxLoss } from '../calls/box-loss.js'
import type { LossName } from '../core/losses.js'
import type { BackendName } from '../core/types.js'
import type { DetectionMatch, ImageClassMatches } from './match.js'
import type { Annotation, Category, CocoBox } from './types.js'

/** A matched pair of detection and ground truth, with its IoU, loss and gradient. Crowds make no pairs. */
export interface Pair {
  categoryId: number
  /** The IoU by which they were matched. It decides the IoU range, because the IoU of the loss, computed from corners,
   * may round below the threshold. */
  matchIou: number
  iou: number
  loss: number
  /** The L2 norm of d loss / d (x1, y1, x2, y2) of the detection, in 1/pixel. */
  gradNorm: number
}

/** The means over pairs, null where there are none. */
export interface PairSummary {
  matched: number
  meanIou: number | null
  meanLoss: number | null
  meanGradNorm: number | null
}

/** The counts and means of a class.
 * `detections` = matched + unmatchedDetections + ignoredDetections + droppedDetections, and
 * `groundTruth` = matched + unmatchedGroundTruth, which does not include crowds. */
export interface ClassSummary extends PairSummary {
  groundTruth: number
  crowds: number
  detections: number
  unmatchedGroundTruth: number
  unmatchedDetections: number
  /** The number of detections in a crowd. */
  ignoredDetections: number
  /** The number of detections beyond the limit per image and class. */
  droppedDetections: number
}

/** Returns [N, 4] corners x1,y1,x2,y2. The summary uses corners because the norm of a gradient depends on the
 * coordinates. */
function corners(boxes: readonly CocoBox[]): Float64Array {
  return Float64Array.from(boxes.flatMap(([x, y, width, height]) => [x, y, x + width, y + height]))
}

type MatchedPair = DetectionMatch & { annotation: Annotation }

function isPair(match: DetectionMatch): match is MatchedPair {
  return match.annotation !== null && !match.ignored
}

/** The counts of one class; see `ClassSummary`. */
interface Counts {
  groundTruth: number
  crowds: number
  judged: number
  ignored: number
  dropped: number
}
const NOTHING: Counts = { groundTruth: 0, crowds: 0, judged: 0, ignored: 0, dropped: 0 }

function add(a: Counts, b: Counts): Counts {
  return {
    groundTruth: a.groundTruth + b.groundTruth,
    crowds: a.crowds + b.crowds,
    judged: a.judged + b.judged,
    ignored: a.ignored + b.ignored,
    dropped: a.dropped + b.dropped,
  }
}

/** Collects what the summaries need from the matches, one image and class after the other, so that detections without a
 * pair do not stay in memory. The classes are by ascending id, as in `matches`. */
export function collect(matches: Iterable<ImageClassMatches>): {
  counts: Map<number, Counts>
  matched: MatchedPair[]
} {
  const counts = new Map<number, Counts>()
  const matched: MatchedPair[] = []
  for (const { categoryId, groundTruth, crowds, detections, dropped } of matches) {
    const own = {
      groundTruth: groundTruth.length,
      crowds: crowds.length,
      judged: detections.length,
      ignored: detections.filter(({ ignored }) => ignored).length,
      dropped,
    }
    counts.set(categoryId, add(counts.get(categoryId) ?? NOTHING, own))
    for (const match of detections) if (isPair(match)) matched.push(match)
  }
  return { counts, matched }
}

/** Computes loss, IoU and gradient norm of every pair in one float64 call. `alpha` is null for a loss that has none. */
export function evaluatePairs(
  matched: readonly MatchedPair[],
  options: { loss: LossName; alpha: number | null; backend: BackendName | 'auto' },
): { pairs: Pair[]; backend: BackendName } {
  const result = boxLoss(
    options.loss,
    corners(matched.map(({ detection }) => detection.bbox)),
    corners(matched.map(({ annotation }) => annotation.bbox)),
    {
      ...(options.alpha === null ? {} : { alpha: options.alpha }),
      reduction: 'none',
      iou: true,
      backend: options.backend,
    },
  )
  const { loss, grad, iou } = result
  const pairs = matched.map((match, i) => ({
    categoryId: match.detection.categoryId,
    matchIou: match.iou,
    iou: iou[i],
    loss: loss[i],
    gradNorm: Math.hypot(...grad.subarray(4 * i, 4 * i + 4)),
  }))
  return { pairs, backend: result.backend }
}

function summarisePairs(pairs: readonly Pair[]): PairSummary {
  const mean = (field: 'iou' | 'loss' | 'gradNorm') =>
    pairs.length === 0 ? null : pairs.reduce((sum, pair) => sum + pair[field], 0) / pairs.length
  return { matched: pairs.length, meanIou: mean('iou'), meanLoss: mean('loss'), meanGradNorm: mean('gradNorm') }
}

function summarise({ groundTruth, crowds, judged, ignored, dropped }: Counts, pairs: readonly Pair[]): ClassSummary {
  return {
    groundTruth,
    crowds,
    detections: judged + dropped,
    unmatchedGroundTruth: groundTruth - pairs.length,
    unmatchedDetections: judged - ignored - pairs.length,
    ignoredDetections: ignored,
    droppedDetections: dropped,
    ...summarisePairs(pairs),
  }
}

/** Computes the counts and means over all classes. */
export function total(counts: ReadonlyMap<number, Counts>, pairs: readonly Pair[]): ClassSummary {
  return summarise([...counts.values()].reduce(add, NOTHING), pairs)
}

/** Makes one row for each class that has ground truth, a crowd or a detection, in the order of `counts`. */
export function byClass(
  counts: ReadonlyMap<number, Counts>,
  pairs: readonly Pair[],
  categories: ReadonlyMap<number, Category>,
): (Category & ClassSummary)[] {
  return Array.from(counts, ([id, own]) => ({
    id,
    name: categories.get(id)?.name ?? String(id),
    ...summarise(
      own,
      pairs.filter(({ categoryId }) => categoryId === id),
    ),
  }))
}

/** Makes one row for each IoU range of width 0.1 from the threshold to 1. A range includes `from`, and includes `to`
 * only if that is 1. */
export function byIou(pairs: readonly Pair[], iouThreshold: number): ({ from: number; to: number } & PairSummary)[] {
  const edges = [iouThreshold]
  // Edges are rounded, so that 0.1 + 0.2 is the edge 0.3, as a reader would write it.
  const next = () => Number((iouThreshold + edges.length / 10).toFixed(10))
  while (next() < 1) edges.push(next())
  // The first and last range also take what lies outside: a match at threshold 1 may be 1e-10 below it, and rounding
  // may put an IoU above 1.
  const rangeOf = (iou: number) =>
    Math.max(
      0,
      edges.findLastIndex((edge) => edge <= iou),
    )
  return edges.map((from, index) => ({
    from,
    to: edges[index + 1] ?? 1,
    ...summarisePairs(pairs.filter((pair) => rangeOf(pair.matchIou) === index)),
  }))
}
