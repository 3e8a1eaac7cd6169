import type { Format } from './formats.js'
import type { Convention, LossName, Mode } from './losses.js'

export type { Convention, Format, LossName, Mode }

/** Storage type of boxes, losses and gradients: `float32` is `Float32Array`, `float64` is `Float64Array`. */
export type FloatArray = Float32Array | Float64Array

/** Arrays of the dtype of A, whatever memory their types name. A is among them where a generic function does not know its dtype. */
export type SameDType<A extends FloatArray> = A | (A extends Float32Array ? Float32Array : Float64Array)

/** What a type by itself leaves open: arrays of which dtype, results of which options. Calls check arrays all the same. */
// biome-ignore lint/suspicious/noExplicitAny: nothing else is at once in place of arrays of either dtype
export type Untold = any

/** What calls compute with. */
export type DType = 'float32' | 'float64'

/** Array of a dtype; where that is left out, of float32. */
export type ArrayOf<D> = D extends 'float64' ? Float64Array : Float32Array

/** Where a call runs: a GPU, the addon's code for the CPU, or plain JavaScript. */
export type BackendName = 'cuda' | 'cpu' | 'js'
/** One loss a box, their weighted sum, or that over N. */
export type Reduction = 'none' | 'sum' | 'mean'

/** Arrays for the results of a call. Each must have the dtype of `pred` and overlap no other array of the call. */
export interface Out<A = Untold> {
  /** [N] per-box losses; only with `reduction: 'none'`. */
  loss?: A | undefined
  /** [N, 4] gradient for the prediction. */
  grad?: A | undefined
  /** [N, 4] gradient for the target; only with `gradTarget: true`. */
  gradTarget?: A | undefined
  /** [N] plain IoU of each pair; only with `iou: true`. */
  iou?: A | undefined
}

/** Options that belong to some losses only (docs/losses.md). One that the loss does not have is an error, unless it has the
 * value of the default. */
export interface LossOptions {
  /** Weight of the corner distance in `sca`, `sca3`, `iou_cd`. Default 0.5 (the paper); 1 with `convention: 'official'`. */
  alpha?: number | undefined
  /** IoU family: the term 1 − IoU becomes 1 − IoU² (`'square'`) or −ln(max(IoU, logFloor)) (`'log'`). Default `'linear'`. */
  mode?: Mode | undefined
  /** Floor of `mode: 'log'`, in (0, 1). Default 1e-6. */
  logFloor?: number | undefined
  /** `iou`, `giou`, `diou`, `ciou`: the power p > 0 of alpha-IoU (He et al., NeurIPS 2021): 1 − IoU^p, further terms t^p. Default 1. */
  power?: number | undefined
  /** IoU family: the ratio in (0, 4] of Inner-IoU (Zhang et al., 2023), whose IoU is that of both boxes scaled about their
   * centres. Default 1. */
  inner?: number | undefined
  /** IoU family: the exponent γ ≥ 0 of Focal-EIoU (Zhang et al., 2021), which multiplies the loss by IoU^γ, a constant in the
   * gradient. Default 0. */
  focal?: number | undefined
  /** `ciou`: the factor a of the aspect term is held constant in the gradient, as its paper has it. Default true. */
  detachAlpha?: boolean | undefined
  /** `smooth_l1`: where the square ends, ≥ 0, in the unit of the coordinates. Default 1. */
  beta?: number | undefined
  /** `mpdiou`, required: width of the image, in the unit of the coordinates. */
  imageWidth?: number | undefined
  /** `mpdiou`, required: height of the image, in the unit of the coordinates. */
  imageHeight?: number | undefined
  /** `nwd`: the distance at which 1 − loss has fallen to 1/e, > 0, in the unit of the coordinates; the paper takes the mean
   * size of a data set's objects. Default 12.8 (pixels; the paper's for AI-TOD). */
  constant?: number | undefined
  /** `'exact'` (default): the papers' formulas, no epsilon. `'official'` (`sca`, `so`, `cd`): the authors' code, eps 1e-7 in the
   * corner distance. `'torchvision'` (`giou`, `diou`, `ciou`): eps 1e-7 in the denominators. */
  convention?: Convention | undefined
}

/** Options of a call over arrays of type A, wherever these are. */
export interface CallOptions<A> extends LossOptions {
  /** Layout of the numbers of a box; gradients come back in it. Default `'xyxy'`. */
  format?: Format | undefined
  /** `'none'`: [N] losses; `'sum'`: Σ w·l; `'mean'` (default): Σ w·l / N. `normalizer` replaces the divisor. */
  reduction?: Reduction | undefined
  /** [N] weight of each box, in the dtype of `pred`. Weight 0 gives exactly 0 loss and gradient, even for a NaN box. */
  weight?: A | undefined
  /** Divisor of the weighted sum (number of positives). Default: N for `'mean'`, 1 for `'sum'`. ≤ 0 gives loss 0 and gradient 0. */
  normalizer?: number | undefined
  /** Multiplies loss and gradient; 0 gives exactly 0, as weights of 0. Default 1. */
  lossWeight?: number | undefined
  /** Upstream gradient: a number, or [N] in the dtype of `pred` with `reduction: 'none'`. Default 1. */
  gradOutput?: number | A | undefined
  /** Compute the gradient for the prediction. Default true; false is the forward pass alone. */
  grad?: boolean | undefined
  /** Compute the gradient for the target. Default false. */
  gradTarget?: boolean | undefined
  /** Also return the plain IoU of each pair. Default false. */
  iou?: boolean | undefined
  /** What a row with a non-finite coordinate, x2 < x1 or y2 < y1 does. `'propagate'` (default): the formulas as they
   * stand for an inverted box, NaN for a coordinate that is not finite; `'ignore'`: the row counts 0; `'throw'`: an error that names
   * the row, also of a `weight` or `gradOutput` that is not finite, and nothing is written; rows of weight 0 are passed over. */
  onInvalid?: 'propagate' | 'ignore' | 'throw' | undefined
  /** Arrays to write the results to; nothing is allocated for those given. */
  out?: Out<A> | undefined
}

/** Options of `boxLoss`, with arrays of type A: `BoxLossOptions<Float32Array>` holds those of one dtype, `BoxLossOptions` those of
 * any. */
export interface BoxLossOptions<A extends FloatArray = Untold> extends CallOptions<A> {
  /** Default `'auto'`: CUDA where it is available, else the CPU, else JavaScript. */
  backend?: BackendName | 'auto' | undefined
  /** Index of the CUDA device. Default 0. */
  device?: number | undefined
  /** How many threads the CPU backend may use, this one included; only large calls use more than one, and the results are the same.
   * Default: the environment variable `SCALOSS_THREADS`, or as many as this process may use processors. */
  threads?: number | undefined
}

/** Options of `pairwise`. */
export interface PairwiseOptions<A extends FloatArray = Untold> extends LossOptions {
  /** Layout of the numbers of a box. Default `'xyxy'`. */
  format?: Format | undefined
  /** 1 − loss instead of the loss. Default false. */
  similarity?: boolean | undefined
  /** Default `'auto'`, as of `boxLoss`. */
  backend?: BackendName | 'auto' | undefined
  /** Index of the CUDA device. Default 0. */
  device?: number | undefined
  /** As of `boxLoss`. */
  threads?: number | undefined
  /** What a box with a non-finite coordinate, x2 < x1 or y2 < y1 does. `'propagate'` (default): the formulas as they stand for an
   * inverted box, NaN for a coordinate that is not finite; `'throw'`: an error that names the row, and nothing is written. */
  onInvalid?: 'propagate' | 'throw' | undefined
  /** Return an object that also says how many boxes are invalid. Default false. */
  detailed?: boolean | undefined
  /** [N, M] array to write to, in the dtype of `a`. */
  out?: A | undefined
}

/** Result of `pairwise` with `detailed: true`. */
export interface DetailedPairwise<A extends FloatArray = FloatArray> {
  /** [N, M] losses or similarities. */
  values: A
  /** Number of boxes in `a` and `b` that are not finite or are inverted. */
  invalid: number
  /** The backend that computed the result. */
  backend: BackendName
}

/** Result of `pairwise`, which follows from the options O. */
export type PairwiseResult<A extends FloatArray = FloatArray, O = Untold> =
  Given<O, 'detailed'> extends infer D ? (D extends true ? DetailedPairwise<A> : A) : never

/** The value given for an option, or undefined; of options that are one of several types, each of their values. */
export type Given<O, K extends PropertyKey> = O extends unknown ? (K extends keyof O ? O[K] : undefined) : never

/** Result of `boxLoss`; which members there are follows from the options O. `BoxLossResult` by itself is the type of any. */
export interface BoxLossResult<A extends FloatArray = FloatArray, O = Untold> {
  /** The reduced loss, or [N] losses with `reduction: 'none'`. */
  loss: Given<O, 'reduction'> extends infer R ? (R extends 'none' ? A : number) : never
  /** [N, 4], d loss / d pred in the format of the boxes; undefined with `grad: false`. Of boxes so small that a component
   * leaves the range of the dtype, it is the largest number or infinite, never NaN. */
  grad: Given<O, 'grad'> extends infer G ? (G extends false ? undefined : A) : never
  /** [N, 4], d loss / d target; with `gradTarget: true`. */
  gradTarget: Given<O, 'gradTarget'> extends infer G ? (G extends true ? A : undefined) : never
  /** [N] plain IoU; with `iou: true`. */
  iou: Given<O, 'iou'> extends infer I ? (I extends true ? A : undefined) : never
  /** Number of rows with a non-finite coordinate or an inverted box, in prediction or target; rows of weight 0 too. */
  invalid: number
  /** The backend that computed the result. */
  backend: BackendName
}
