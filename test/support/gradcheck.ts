import { boxLoss } from '../../src/calls/box-loss.js'
import { LOSSES } from '../../src/core/losses.js'
import type { FloatArray } from '../../src/core/types.js'
import { type Bounds, deviationOf, faultsOf } from '../../src/grad-check/deviation.js'
import type { Evaluate } from '../../src/grad-check/grad-check.js'

export type { Bounds }

/**
 * The bounds that an [N, columns] gradient breaks, one sentence each; empty for a good one. NaN breaks them all. Every
 * pair is measured in units of its reference's largest component.
 */
export function gradientFaults(
  actual: ArrayLike<number>,
  reference: ArrayLike<number>,
  bounds: Bounds,
  columns = 4,
): string[] {
  if (actual.length !== reference.length) return [`length: ${actual.length} instead of ${reference.length}`]
  const largest = (i: number) => {
    let most = 0
    for (let j = columns * i; j < columns * (i + 1); ++j) most = Math.max(most, Math.abs(reference[j]))
    return most || 1
  }
  const units = Float64Array.from({ length: reference.length / columns }, (_, i) => largest(i))
  return faultsOf(deviationOf(actual, reference, units), bounds)
}

/** What `gradCheck` checks. */
export const rows: Evaluate = (name, pred, target, options) =>
  boxLoss(name, pred, target, { ...options, reduction: 'none' })

type Results = ReturnType<Evaluate>

/** The same with an error in it. `columns`: numbers of a box. */
export const planting =
  (plant: (results: Results, columns: number) => Partial<Results>): Evaluate =>
  (...args) => {
    const results = rows(...args)
    return { ...results, ...plant(results, 2 * LOSSES[args[0]].axes) }
  }

export const mapped = (gradient: FloatArray | undefined, map: (g: number, j: number, all: FloatArray) => number) =>
  gradient!.map((g, j) => map(g, j, gradient!))
