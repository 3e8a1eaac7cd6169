import { finalRecall, interpolatedPrecision, NO_POSITIVES } from './curve.js'
import { type AreaRange, type ClassOutcomes, MAX_DETECTIONS } from './outcomes.js'

/** How a metric of COCO's summary is computed. */
export interface Metric {
  measure: 'precision' | 'recall'
  area: AreaRange
  maxDetections: number
  /** The IoU threshold. Without one, the metric is the mean over all requested thresholds. */
  iouThreshold?: number
}

/** The twelve metrics of COCO's summary, in its order. */
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

/** The name of a metric of COCO's summary. `ap…` is average precision and `ar…` average recall, with an IoU threshold
 * in percent, an area range, or a number of detections per image and class. */
export type MetricName = keyof typeof METRICS
const NAMES = Object.keys(METRICS) as MetricName[]

/** The metrics of COCO's summary, each from 0 to 1, or −1 where there is no ground truth to find. */
export interface Metrics extends Record<MetricName, number> {
  /** AP and AR100 at each requested IoU threshold, in the requested order, over all areas. */
  byIou: { iouThreshold: number; ap: number; ar: number }[]
}

/** Computes the mean of the values that have ground truth. */
function mean(values: readonly number[]): number {
  const known = values.filter((value) => value !== NO_POSITIVES)
  return known.length === 0 ? NO_POSITIVES : known.reduce((sum, value) => sum + value, 0) / known.length
}

/** Returns the thresholds at which a class must be judged for its metrics. */
export function thresholdsFor(asked: readonly number[]): number[] {
  return [...new Set([...asked, METRICS.ap50.iouThreshold, METRICS.ap75.iouThreshold])]
}

/** Computes the metrics of one class at the thresholds `asked`. The class was judged at the thresholds `judged`. */
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

/** Computes the mean of each metric over the classes that have ground truth for it. */
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
