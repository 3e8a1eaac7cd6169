import { finalRecall, interpolatedPrecision, NO_POSITIVES } from './curve.js'
import { type AreaRange, type ClassOutcomes, MAX_DETECTIONS } from './outcomes.js'

export interface Metric {
  measure: 'precision' | 'recall'
  area: AreaRange
  maxDetections: number
  /** Without one, the mean over the thresholds asked for. */
  iouThreshold?: number
}

/** The twelve numbers of COCO's summary, in its order. */
export const METRICS = {
  ap: { measure: 'precision', area: 'all', maxDetections: MAX_DETECTIONS },
  ap50: { measure: 'precision', area: 'all', maxDetections: MAX_DETECTIONS, iouThreshold: 0.5 },
  ap75: { measure: 'precision', area: 'all', maxDetections: MAX_DETECTIONS, iouThreshold: 0.75 },
  apSmall: { measure: 'precision', area: 'small', maxDetections: MAX_DETECTIONS },
  apMedium: { measure: 'precision', area: 'medium', maxDetections: MAX_DETECTIONS },
  apLarge: { measure: 'precision', area: 'large', maxDetections: MAX_DETECTIONS },
  ar1: { measure: 'recall', area: 'all', maxDetections: 1 },
  ar10: { measure: 'recall', area: 'all', maxDetections: 10 },
  ar100: { measure: 'recall', area: 'all', maxDetections: MAX_DETECTIONS },
  arSmall: { measure: 'recall', area: 'small', maxDetections: MAX_DETECTIONS },
  arMedium: { measure: 'recall', area: 'medium', maxDetections: MAX_DETECTIONS },
  arLarge: { measure: 'recall', area: 'large', maxDetections: MAX_DETECTIONS },
} as const satisfies Record<string, Metric>

/** A number of COCO's summary. */
export type MetricName = keyof typeof METRICS
const NAMES = Object.keys(METRICS) as MetricName[]

/** Each from 0 to 1, or −1 where there is no ground truth to find. */
export interface Metrics extends Record<MetricName, number> {
  /** AP and AR100 at each IoU threshold asked for, in that order, over all areas. */
  byIou: { iouThreshold: number; ap: number; ar: number }[]
}

/** Over the values that have ground truth. */
function mean(values: readonly number[]): number {
  const known = values.filter((value) => value !== NO_POSITIVES)
  return known.length === 0 ? NO_POSITIVES : known.reduce((sum, value) => sum + value, 0) / known.length
}

/** The thresholds at which a class must be judged for its metrics. */
export function thresholdsFor(asked: readonly number[]): number[] {
  return [...new Set([...asked, METRICS.ap50.iouThreshold, METRICS.ap75.iouThreshold])]
}

/** The metrics of one class, judged at the thresholds `judged`, for those `asked`. */
export function classMetrics(
  { order, ranks, areas }: ClassOutcomes,
  judged: readonly number[],
  asked: readonly number[],
): Metrics {
  const at = (iouThreshold: number, { measure, area, maxDetections }: Metric) => {
    const { positives, outcomes } = areas[area]
    const judgement = outcomes[judged.indexOf(iouThreshold)]
    return measure === 'precision'
      ? interpolatedPrecision(judgement, order, positives)
      : finalRecall(judgement, ranks, positives, maxDetections)
  }
  const value = (metric: Metric) =>
    metric.iouThreshold === undefined ? mean(asked.map((t) => at(t, metric))) : at(metric.iouThreshold, metric)
  return {
    ...byName((name) => value(METRICS[name])),
    byIou: asked.map((iouThreshold) => ({
      iouThreshold,
      ap: at(iouThreshold, METRICS.ap),
      ar: at(iouThreshold, METRICS.ar100),
    })),
  }
}

/** Each metric's mean over the classes that have ground truth for it. */
export function meanMetrics(classes: readonly Metrics[], asked: readonly number[]): Metrics {
  return {
    ...byName((name) => mean(classes.map((metrics) => metrics[name]))),
    byIou: asked.map((iouThreshold, t) => ({
      iouThreshold,
      ap: mean(classes.map(({ byIou }) => byIou[t].ap)),
      ar: mean(classes.map(({ byIou }) => byIou[t].ar)),
    })),
  }
}

function byName(value: (name: MetricName) => number): Record<MetricName, number> {
  return Object.fromEntries(NAMES.map((name) => [name, value(name)])) as Record<MetricName, number>
}
