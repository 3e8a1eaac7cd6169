import type { Format } from './formats.js'
import type { LossName, LossParams } from './losses.js'
import type { BackendName, FloatArray } from './types.js'

// One checked call: what every backend computes.

/** The arrays of a call of `boxLoss`: four inputs, then four results. The order is the contract with the addon (`core/job.h`). */
export const ARRAYS = ['pred', 'target', 'weight', 'gradOutput', 'loss', 'grad', 'gradTarget', 'iou'] as const
export type ArrayName = (typeof ARRAYS)[number]

export const INPUTS = ['pred', 'target', 'weight', 'gradOutput'] as const satisfies ArrayName[]
export const RESULTS = ['loss', 'grad', 'gradTarget', 'iou'] as const satisfies ArrayName[]
export type ResultName = (typeof RESULTS)[number]

/** Whether an array has all the numbers of a box per row, not one. */
export const hasBoxes = (array: ArrayName): boolean =>
  array === 'pred' || array === 'target' || array === 'grad' || array === 'gradTarget'

/** The arrays of type A that a call has. Boxes and gradients have 2 · axes numbers per row, the others one. */
export type JobArrays<A> = Record<'pred' | 'target', A> & Record<Exclude<ArrayName, 'pred' | 'target'>, A | undefined>

/** The same as a list, in the order of `ARRAYS`. */
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

/** Which arrays a job has: bit k is set for array k of `ARRAYS`. */
export const givenBits = (job: JobArrays<unknown>): number =>
  3 |
  (job.weight === undefined ? 0 : 4) |
  (job.gradOutput === undefined ? 0 : 8) |
  (job.loss === undefined ? 0 : 16) |
  (job.grad === undefined ? 0 : 32) |
  (job.gradTarget === undefined ? 0 : 64) |
  (job.iou === undefined ? 0 : 128)

/** What losses and gradients are multiplied by: all factors that are the same for every row. */
export interface Scales {
  /** Multiplies the losses, reduced or not. */
  lossScale: number
  /** Multiplies the gradients. */
  gradScale: number
  /** The reduced loss is (Σ weight · loss) · lossScale / divisor. */
  divisor: number
  /** Every row counts 0; invalid rows are still counted. */
  ignoreAll: boolean
}

/** Where a call runs. */
export interface Place {
  backend: BackendName
  /** The index of the CUDA device; other backends have no use for it. */
  device: number
  /** How many threads the CPU may use at most. */
  threads: number
}

/** One checked call over arrays of type A. */
export interface BoxLossJob<A = FloatArray> extends JobArrays<A>, Scales {
  place: Place
  name: LossName
  params: LossParams
  format: Format
  /** What rows do that hold a box which the losses are not meant for. `'throw'`: they were looked for before the call. */
  onInvalid: 'propagate' | 'ignore' | 'throw'
}

/** One checked call for the losses of all pairs. */
export interface PairwiseJob {
  name: LossName
  params: LossParams
  format: Format
  /** N and M boxes of 2 · axes numbers. */
  a: FloatArray
  b: FloatArray
  /** [N, M], a as the prediction. */
  out: FloatArray
  /** 1 − loss instead of the loss. */
  similarity: boolean
  place: Place
}

/** What a call gives besides its arrays. */
export interface Summary {
  /** The reduced loss. */
  loss: number
  /** How many rows hold a box that the losses are not meant for. */
  invalid: number
}

export const NOTHING: Readonly<Summary> = { loss: 0, invalid: 0 }
