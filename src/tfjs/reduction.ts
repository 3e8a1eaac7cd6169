import { Reduction as TfReduction } from '@tensorflow/tfjs-core'
import { argumentError, invalidArgument } from '../core/errors.js'
import type { Reduction } from '../core/types.js'

/** How losses are reduced: a reduction of this package or of `tf.losses`. `tf.Reduction.MEAN` divides by the sum of the
 * weights, and `SUM_BY_NONZERO_WEIGHTS` by the number of weights that are not 0. */
export type AnyReduction = Reduction | TfReduction

/** The reduction and normalizer as `boxLoss` of the package takes them. */
export interface Reducing {
  reduction: Reduction
  normalizer?: number
}

const NAMES = new Map<TfReduction, Reduction>([
  [TfReduction.NONE, 'none'],
  [TfReduction.SUM, 'sum'],
  [TfReduction.MEAN, 'mean'],
  [TfReduction.SUM_BY_NONZERO_WEIGHTS, 'mean'],
])
const DIVISORS = new Map<AnyReduction, (weight: Float32Array) => number>([
  [TfReduction.MEAN, (weight) => weight.reduce((sum, w) => sum + w, 0)],
  [TfReduction.SUM_BY_NONZERO_WEIGHTS, (weight) => weight.reduce((count, w) => count + Number(w !== 0), 0)],
])

/**
 * Converts a reduction to options of `boxLoss`.
 *
 * @param weight the weights of the boxes of a call, if they have any.
 */
export function reducing(
  reduction: AnyReduction,
  normalizer: number | undefined,
  weight: Float32Array | undefined,
): Reducing {
  const name = typeof reduction === 'string' ? reduction : NAMES.get(reduction)
  if (name === undefined) throw invalidArgument('reduction', "'none', 'sum', 'mean' or one of tf.Reduction", reduction)
  const divisor = DIVISORS.get(reduction)
  if (divisor && normalizer !== undefined)
    throw argumentError(
      'normalizer',
      `none with tf.Reduction.${TfReduction[reduction as TfReduction]}`,
      `${normalizer}`,
    )
  const divideBy = divisor && weight ? divisor(weight) : normalizer
  return divideBy === undefined ? { reduction: name } : { reduction: name, normalizer: divideBy }
}
