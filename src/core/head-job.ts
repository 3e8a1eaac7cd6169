import type { CoderParams } from './coders.js'
import type { BoxLossJob } from './job.js'
import type { FloatArray } from './types.js'

/** The arrays of a call of `headLoss` in the order in which they are passed on (`core/head.h`): inputs first. */
export const HEAD_ARRAYS = [
  'raw',
  'prior',
  'project',
  'target',
  'weight',
  'gradOutput',
  'loss',
  'grad',
  'gradTarget',
  'iou',
  'boxes',
] as const
export type HeadArrayName = (typeof HEAD_ARRAYS)[number]
/** The number of inputs among them. */
export const HEAD_INPUTS = 6

/** One checked call of `headLoss`, or one that only decodes: then there is no target. */
export interface HeadJob extends Omit<BoxLossJob, 'pred' | 'target'> {
  coder: CoderParams
  /** [N, columns] numbers of the network. `grad` has the same shape. */
  raw: FloatArray
  /** [A, prior columns], N a multiple of A. */
  prior: FloatArray | undefined
  /** The distance of each bin in the dtype of `raw`, for `dfl`. */
  project: FloatArray | undefined
  target: FloatArray | undefined
  /** [N, 4] decoded boxes. */
  boxes: FloatArray | undefined
  /** N. */
  rows: number
  /** As `lossScale` and `gradScale`, for the cross entropy of the two bins; 0 if it is not part of the loss. */
  dflLossScale: number
  dflGradScale: number
}
