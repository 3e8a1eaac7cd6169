import { IGNORED, TRUE_POSITIVE } from './outcomes.js'

/** COCO's value of a measure where there is nothing to find. Means leave it out. */
export const NO_POSITIVES = -1

/** The recalls at which precision is read: 0, 0.01, … 1. They are products and not quotients, because numpy's
 * `linspace` rounds them so. */
const RECALLS = Array.from({ length: 101 }, (_, i) => i * 0.01)

/** Computes the mean, over 101 recalls, of the highest precision at that recall or a larger one; it is 0 where the
 * recall is not reached. `order` has the indices of the outcomes by descending score. */
export function interpolatedPrecision(outcomes: Uint8Array, order: Uint32Array, positives: number): number {
  if (positives === 0) return NO_POSITIVES
  // The precision after each true positive. Between them the curve only falls, so no maximum is missed.
  const precisions: number[] = []
  let counted = 0
  for (const index of order) {
    const outcome = outcomes[index]
    if (outcome === IGNORED) continue
    ++counted
    if (outcome === TRUE_POSITIVE) precisions.push((precisions.length + 1) / counted)
  }
  for (let i = precisions.length - 2; i >= 0; --i) precisions[i] = Math.max(precisions[i], precisions[i + 1])

  let sum = 0
  let reached = 0
  for (const recall of RECALLS) {
    while (reached < precisions.length && (reached + 1) / positives < recall) ++reached
    if (reached < precisions.length) sum += precisions[reached]
  }
  return sum / RECALLS.length
}

/** Computes the fraction of the ground truth that is found by the first `maxDetections` detections of each image. */
export function finalRecall(outcomes: Uint8Array, ranks: Uint8Array, positives: number, maxDetections: number): number {
  if (positives === 0) return NO_POSITIVES
  let found = 0
  for (let i = 0; i < outcomes.length; ++i) {
    if (outcomes[i] === TRUE_POSITIVE && ranks[i] < maxDetections) ++found
  }
  return found / positives
}
