import type { Format } from './formats.js'
import type { LossName, LossParams } from './losses.js'
import type { BackendName, FloatArray } from './types.js'

// A job is one call whose arguments have been checked. Every backend computes jobs.

/** The arrays of a call of `boxLoss`: four inputs, then four results. The addon relies on this order (`core/job.h`). */
export const ARRAYS = ['pred', 'target', 'weight', 'gradOutput', 'loss', 'grad', 'gradTarget', 'iou'] as const
export type ArrayName = (typeof ARRAYS)[number]

export const INPUTS = ['pred', 'target', 'weight', 'gradOutput'] as const satisfies ArrayName[]
export const RESULTS = ['loss', 'grad', 'gradTarget', 'iou'] as const satisfies ArrayName[]
export type ResultName = (typeof RESULTS)[number]

/** Whether an array has the 2 · axes numbers of a box per row. The other arrays have one number per row. */
export const hasBoxes = (array: ArrayName): boolean =>
  array === 'pred' || array === 'target' || array === 'grad' || array === 'gradTarget'

/** The arrays of a call, of type A. Boxes and gradients have 2 · axes numbers per row, the others have one. */
export type JobArrays<A> = Record<'pred' | 'target', A> & Record<Exclude<ArrayName, 'pred' | 'target'>, A | undefined>

/** The arrays of a call as a list, in the order of `ARRAYS`. */
export type ArrayList<A> = [
  pred: A,
  target: A,
  weight: A | undefined,
  gradOutput: A | undefined,
  loss: A | undefined,
  grad: A | undefined,
  gradTarget: A | undefined,
  iou: A | undefined,
]

export const listOf = <A>(job: JobArrays<A>): ArrayList<A> => [
  job.pred,
  job.target,
  job.weight,
  job.gradOutput,
  job.loss,
  job.grad,
  job.gradTarget,
  job.iou,
]

/** Tells which arrays a job has: bit k is set for array k of `ARRAYS`. It is written out because a list of the arrays
 * would cost as much as all the other numbers of a block. */
export const givenBits = (job: JobArrays<unknown>): number =>
  3 |
  (job.weight === undefined ? 0 : 4) |
  (job.gradOutput === undefined ? 0 : 8) |
  (job.loss === undefined ? 0 : 16) |
  (job.grad === undefined ? 0 : 32) |
  (job.gradTarget === undefined ? 0 : 64) |
  (job.iou === undefined ? 0 : 128)

/** The factors that are the same for every row of a call. */
export interface Scales {
  /** Multiplies the losses, whether they are reduced or not. */
  lossScale: number
  /** Multiplies the gradients. */
  gradScale: number
  /** Divides the weighted sum: the reduced loss is (Σ weight · loss) · lossScale / divisor. */
  divisor: number
  /** If true, every row counts 0. Invalid rows are still counted. */
  ignoreAll: boolean
}

/** Where a call runs. */
export interface Place {
  backend: BackendName
  /** The index of the CUDA device. Other backends ignore it. */
  device: number
  /** The largest number of threads that the CPU backend may use. */
  threads: number
}

/** One checked call of `boxLoss` over arrays of type A. */
export interface BoxLossJob<A = FloatArray> extends JobArrays<A>, Scales {
  place: Place
  name: LossName
  params: LossParams
  format: Format
  /** What to do with rows that hold a box which the loss does not accept. With `'throw'`, such rows were looked for
   * before the call. */
  onInvalid: 'propagate' | 'ignore' | 'throw'
}

/** One checked call of `pairwise`. */
export interface PairwiseJob {
  name: LossName
  params: LossParams
  format: Format
  /** [N, 2 · axes] boxes, taken as predictions. */
  a: FloatArray
  /** [M, 2 · axes] boxes, taken as targets. */
  b: FloatArray
  /** [N, M] results. */
  out: FloatArray
  /** If true, the results are 1 − loss instead of the loss. */
  similarity: boolean
  place: Place
}

/** The numbers that a call returns besides its arrays. */
export interface Summary {
  /** The reduced loss. */
  loss: number
  /** The number of rows that hold a box which the loss does not accept. */
  invalid: number
}

export const NOTHING: Readonly<Summary> = { loss: 0, invalid: 0 }
