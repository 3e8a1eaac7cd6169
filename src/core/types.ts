import type { Format } from './formats.js'
import type { Convention, LossName, Mode } from './losses.js'

export type { Convention, Format, LossName, Mode }

/** An array of boxes, losses or gradients. Its class is its dtype: `Float32Array` for `float32`, `Float64Array` for
 * `float64`. Its memory may be shared (a SharedArrayBuffer) but not resizable. */
export type FloatArray = Float32Array | Float64Array

/** Arrays of the same dtype as A, over any kind of buffer. The union includes A itself for generic functions that do
 * not know the dtype. */
export type SameDType<A extends FloatArray> = A | (A extends Float32Array ? Float32Array : Float64Array)

/** Stands for what a type leaves open, such as the dtype of arrays or the options behind a result. Calls still check
 * their arrays. */
// biome-ignore lint/suspicious/noExplicitAny: no other type can stand in for arrays of either dtype
export type Untold = any

/** The floating-point type of the arrays of a call, in which it computes. */
export type DType = 'float32' | 'float64'

/** The array class of dtype D. Without a dtype it is `Float32Array`. */
export type ArrayOf<D> = D extends 'float64' ? Float64Array : Float32Array

/** Where a call runs: on a GPU (`'cuda'`), in native code on the CPU (`'cpu'`), in the same code as WebAssembly
 * (`'wasm'`) or in plain JavaScript (`'js'`). `'cuda'`, `'cpu'` and `'wasm'` give the same bits. */
export type BackendName = 'cuda' | 'cpu' | 'wasm' | 'js'
/** How losses are reduced: `'none'` returns one loss per box, `'sum'` their weighted sum, `'mean'` that sum divided by
 * N. */
export type Reduction = 'none' | 'sum' | 'mean'

/** Arrays that a call writes its results to. Each must have the dtype of `pred` and must not overlap another array of
 * the call. */
export interface Out<A = Untold> {
  /** [N] losses, one per box. Allowed only with `reduction: 'none'`. */
  loss?: A | undefined
  /** [N, 4] gradient for the prediction, or [N, 6] with three axes. */
  grad?: A | undefined
  /** [N, 4] gradient for the target, or [N, 6] with three axes. Allowed only with `gradTarget: true`. */
  gradTarget?: A | undefined
  /** [N] plain IoU of each pair. Allowed only with `iou: true`. */
  iou?: A | undefined
}

/** Options that only some losses have (docs/losses.md). Passing an option that the loss does not have is an error,
 * unless its value is the default. */
export interface LossOptions {
  /** `sca`, `sca3`, `iou_cd`: the weight of the corner distance. Default 0.5, as in the paper; 1 with
   * `convention: 'official'`. */
  alpha?: number | undefined
  /** IoU family: what replaces the term 1 − IoU. `'linear'` (default) keeps it, `'square'` makes it 1 − IoU², and
   * `'log'` makes it −ln(max(IoU, logFloor)). */
  mode?: Mode | undefined
  /** The smallest IoU whose logarithm is taken with `mode: 'log'`, above 0 and below 1. Default 1e-6. */
  logFloor?: number | undefined
  /** `iou`, `giou`, `diou`, `ciou`: the power p > 0 of alpha-IoU (He et al., NeurIPS 2021). The term 1 − IoU becomes
   * 1 − IoU^p, and each further term t becomes t^p. Default 1. */
  power?: number | undefined
  /** IoU family: the ratio of Inner-IoU (Zhang et al., 2023), above 0 and up to 4. The IoU is then that of both boxes
   * scaled by this ratio about their centres. Default 1. */
  inner?: number | undefined
  /** IoU family: the exponent γ ≥ 0 of Focal-EIoU (Zhang et al., 2021). The loss is multiplied by IoU^γ, which is held
   * constant in the gradient. Default 0. */
  focal?: number | undefined
  /** `ciou`: whether the factor a of the aspect term is held constant in the gradient, as in the paper.
   * Default true. */
  detachAlpha?: boolean | undefined
  /** `smooth_l1`: the distance ≥ 0 at which the loss turns from square to linear, in the unit of the coordinates.
   * Default 1. */
  beta?: number | undefined
  /** `mpdiou`: the width of the image, in the unit of the coordinates. Required. */
  imageWidth?: number | undefined
  /** `mpdiou`: the height of the image, in the unit of the coordinates. Required. */
  imageHeight?: number | undefined
  /** `nwd`: the distance > 0 at which 1 − loss has fallen to 1/e, in the unit of the coordinates. The paper uses the
   * mean object size of the data set. Default 12.8, the paper's value for AI-TOD in pixels. */
  constant?: number | undefined
  /** Whose formula is followed. `'exact'` (default): the papers' formulas without any epsilon. `'official'` (`sca`,
   * `so`, `cd`): the authors' code, with an epsilon of 1e-7 in the corner distance. `'torchvision'` (`giou`, `diou`,
   * `ciou`): torchvision's functions, with an epsilon of 1e-7 in the denominators. */
  convention?: Convention | undefined
}

/** Options of a call over arrays of type A, in host or device memory. */
export interface CallOptions<A> extends LossOptions {
  /** The layout of the numbers of a box. Gradients are returned for the same numbers. Default `'xyxy'`. */
  format?: Format | undefined
  /** How losses l with weights w are reduced. `'none'`: [N] losses w·l. `'sum'`: Σ w·l. `'mean'` (default): Σ w·l / N.
   * `normalizer` replaces the divisor. */
  reduction?: Reduction | undefined
  /** [N] weights, one per box, in the dtype of `pred`. Default: all 1. A weight of 0 gives exactly 0 loss and gradient,
   * even for a NaN box. */
  weight?: A | undefined
  /** The divisor of the weighted sum, such as the number of positives. Not allowed with `reduction: 'none'`. Default: N
   * for `'mean'`, 1 for `'sum'`. If it is ≤ 0, loss and gradients are 0. */
  normalizer?: number | undefined
  /** A factor for loss and gradients. A factor of 0 gives exactly 0, as weights of 0 do. Default 1. */
  lossWeight?: number | undefined
  /** The upstream gradient: a number, or with `reduction: 'none'` also an [N] array in the dtype of `pred`.
   * Default 1. */
  gradOutput?: number | A | undefined
  /** Whether to compute the gradient for the prediction. Default true; false runs only the forward pass. */
  grad?: boolean | undefined
  /** Whether to compute the gradient for the target. Default false. */
  gradTarget?: boolean | undefined
  /** Whether to return the plain IoU of each pair. Default false. */
  iou?: boolean | undefined
  /**
   * What to do with an invalid row, which has a non-finite coordinate, x2 < x1 or y2 < y1. `l1` and `smooth_l1` accept
   * corners in any order.
   *
   * - `'propagate'` (default): apply the formulas as they stand to inverted boxes; non-finite coordinates give NaN.
   * - `'ignore'`: the row counts 0.
   * - `'throw'`: throw an error that names the row, before anything is written. It also rejects a `weight` or
   *   `gradOutput` that is not finite. Rows of weight 0 are skipped.
   */
  onInvalid?: 'propagate' | 'ignore' | 'throw' | undefined
  /** Arrays to write the results to. A result that has an array here is not allocated. */
  out?: Out<A> | undefined
}

/** Options of `boxLoss` with arrays of type A. `BoxLossOptions<Float32Array>` allows arrays of one dtype, plain
 * `BoxLossOptions` of any. */
export interface BoxLossOptions<A extends FloatArray = Untold> extends CallOptions<A> {
  /** The backend to use. Default `'auto'`: the first of `'cuda'`, `'cpu'`, `'wasm'` and `'js'` that can run here. It is
   * an error to name one that cannot run. */
  backend?: BackendName | 'auto' | undefined
  /** The index of the CUDA device. Default 0. */
  device?: number | undefined
  /** The largest number of threads that the backend `cpu` may use, including the calling thread. Only large calls use
   * more than one, and the results do not depend on it. Default: the environment variable `SCALOSS_THREADS`, or the
   * number of processors available to this process. */
  threads?: number | undefined
}

/** Arrays that `headLoss` writes its results to, in the dtype of `raw`. */
export interface HeadOut<A = Untold> extends Omit<Out<A>, 'grad'> {
  /** [N, columns] gradient for the raw numbers. */
  grad?: A | undefined
  /** [N, 4] decoded boxes. Allowed only with `boxes: true`. */
  boxes?: A | undefined
}

/** Options of `headLoss`: those of `boxLoss`, and two more. `format` is that of the targets, and `grad` is the gradient
 * for the raw numbers. */
export interface HeadLossOptions<A extends FloatArray = Untold> extends Omit<BoxLossOptions<A>, 'out' | 'device'> {
  /** Whether to return the decoded boxes. Default false. */
  boxes?: boolean | undefined
  /** For `dfl` without `project`: the weight of the Distribution Focal Loss, which is the cross entropy of the two bins
   * around the distances of the target, as the mean over the four sides (Li et al., 2020). It is added to `lossWeight`
   * times the loss of the box. Default 0. */
  dflWeight?: number | undefined
  /** Arrays to write the results to. A result that has an array here is not allocated. */
  out?: HeadOut<A> | undefined
}

/** The result of `headLoss`. The options O decide which members it has. */
export interface HeadLossResult<A extends FloatArray = FloatArray, O = Untold>
  extends Omit<BoxLossResult<A, O>, 'grad' | 'invalid'> {
  /** [N, columns] gradient d loss / d raw, or undefined with `grad: false`. */
  grad: Given<O, 'grad'> extends infer G ? (G extends false ? undefined : A) : never
  /** [N, 4] decoded boxes x1, y1, x2, y2 with `boxes: true`, otherwise undefined. */
  boxes: Given<O, 'boxes'> extends infer B ? (B extends true ? A : undefined) : never
  /** The number of rows with a raw number that is not finite or leads out of the range of boxes, or with a decoded or
   * target box that the loss does not accept. */
  invalid: number
}

/** Options of `pairwise`. */
export interface PairwiseOptions<A extends FloatArray = Untold> extends LossOptions {
  /** The layout of the numbers of a box. Default `'xyxy'`. */
  format?: Format | undefined
  /** Whether to return 1 − loss instead of the loss. Default false. */
  similarity?: boolean | undefined
  /** The backend to use. Default `'auto'`, as for `boxLoss`. */
  backend?: BackendName | 'auto' | undefined
  /** The index of the CUDA device. Default 0. */
  device?: number | undefined
  /** The largest number of threads that the backend `cpu` may use, as for `boxLoss`. */
  threads?: number | undefined
  /** What to do with a box that has a non-finite coordinate, x2 < x1 or y2 < y1. `l1` and `smooth_l1` accept corners in
   * any order. `'propagate'` (default): apply the formulas as they stand to inverted boxes; non-finite coordinates give
   * NaN. `'throw'`: throw an error that names the row, before anything is written. */
  onInvalid?: 'propagate' | 'throw' | undefined
  /** Whether to return an object that also has the number of invalid boxes. Default false. */
  detailed?: boolean | undefined
  /** An [N, M] array to write the result to, in the dtype of `a`. */
  out?: A | undefined
}

/** The result of `pairwise` with `detailed: true`. */
export interface DetailedPairwise<A extends FloatArray = FloatArray> {
  /** [N, M] losses or similarities. */
  values: A
  /** The number of boxes in `a` and `b` that are not finite or are inverted. */
  invalid: number
  /** The backend that computed the result. */
  backend: BackendName
}

/** The type of the result of `pairwise` with options O: `DetailedPairwise` with `detailed: true`, otherwise an
 * array. */
export type PairwiseResult<A extends FloatArray = FloatArray, O = Untold> =
  Given<O, 'detailed'> extends infer D ? (D extends true ? DetailedPairwise<A> : A) : never

/** The type of the value given for option K in O, or undefined if it is not given. If O is a union, so is the
 * result. */
export type Given<O, K extends PropertyKey> = O extends unknown ? (K extends keyof O ? O[K] : undefined) : never

/** The result of `boxLoss`. The options O decide which members it has. Plain `BoxLossResult` is the type for any
 * options. */
export interface BoxLossResult<A extends FloatArray = FloatArray, O = Untold> {
  /** The reduced loss, or [N] losses with `reduction: 'none'`. */
  loss: Given<O, 'reduction'> extends infer R ? (R extends 'none' ? A : number) : never
  /** [N, 4] ([N, 6] with three axes) gradient d loss / d pred in the format of the boxes, or undefined with
   * `grad: false`. For boxes so small that a component leaves the range of the dtype, that component is the largest
   * number or infinite, never NaN. */
  grad: Given<O, 'grad'> extends infer G ? (G extends false ? undefined : A) : never
  /** [N, 4] ([N, 6] with three axes) gradient d loss / d target with `gradTarget: true`, otherwise undefined. */
  gradTarget: Given<O, 'gradTarget'> extends infer G ? (G extends true ? A : undefined) : never
  /** [N] plain IoU of each pair with `iou: true`, otherwise undefined. */
  iou: Given<O, 'iou'> extends infer I ? (I extends true ? A : undefined) : never
  /** The number of rows with a non-finite coordinate or an inverted box, in prediction or target. Rows of weight 0 are
   * included. */
  invalid: number
  /** The backend that computed the result. */
  backend: BackendName
}
