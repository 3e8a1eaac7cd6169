import { customGrad, type Tensor, tensor } from '@tensorflow/tfjs-core'
import { checkOneOf } from '../arguments/checks.js'
import { CALL_OPTIONS } from '../arguments/job.js'
import { readOptions } from '../arguments/options.js'
import { BoxCoder } from '../calls/box-coder.js'
import { boxLoss as boxLossOfArrays } from '../calls/box-loss.js'
import { headLoss } from '../calls/head-loss.js'
import type { NoOptions, OptionsArgument } from '../core/checked-options.js'
import { argumentError, invalidArgument, ScaLossError } from '../core/errors.js'
import { LOSS_NAMES, LOSSES, type LossName } from '../core/losses.js'
import type { BoxLossOptions } from '../core/types.js'
import { type AnyReduction, reducing } from './reduction.js'
import { checkPair, checkWeight, read, readWeight, type Weight } from './tensors.js'

export type { AnyReduction, Weight }

/**
 * A loss in the form that TensorFlow.js expects, with the target first. Both tensors are [..., 4], or [..., 6] for the
 * losses of three axes. `yPred` is float32; `yTrue` is float32 or int32. The gradient goes to `yPred`, and `yTrue` is
 * treated as a constant.
 *
 * @returns a float32 tensor: [...] with one loss per box, or a scalar with `reduction` `'sum'` or `'mean'`.
 * @throws {ScaLossError} the tensors are not as described or cannot be read synchronously, or a second derivative is
 *   requested.
 */
export type TensorLoss = (yTrue: Tensor, yPred: Tensor) => Tensor

/** Options of `boxLoss` for tensors: the options of `boxLoss` of the package `scaloss`, except those that have no
 * meaning for tensors. */
export interface TensorLossOptions
  extends Omit<BoxLossOptions, 'reduction' | 'weight' | 'gradOutput' | 'grad' | 'gradTarget' | 'iou' | 'out'> {
  /** How losses are reduced. Default `'none'`, as for the losses of tf.layers: `fit` and `evaluate` take the mean
   * themselves. */
  reduction?: AnyReduction | undefined
  /** The weights, one per box. A weight of 0 gives exactly 0 loss and gradient, even for a NaN box. */
  weight?: Weight | undefined
  /** A coder of `boxCoder` of the package `scaloss`. Predictions are then the raw numbers of a head,
   * [..., coder.columns], and the gradient is for these. Default: predictions are boxes. */
  coder?: BoxCoder | undefined
  /** With `coder`: [A, coder.priorColumns] numbers, where the rows of the predictions are a multiple of A. For
   * predictions [B, A, coder.columns], these are the priors of one image. */
  prior?: Float32Array | undefined
  /** With a coder `dfl`: the weight of the two-bin loss, as for `headLoss`. Default 0. */
  dflWeight?: number | undefined
}

const NOT_OF_TENSORS = ['gradOutput', 'grad', 'gradTarget', 'iou', 'out']
const OPTIONS = ['backend', 'device', 'threads', ...CALL_OPTIONS, 'coder', 'prior', 'dflWeight'].filter(
  (option) => !NOT_OF_TENSORS.includes(option),
)
const NO_BOXES = new Float32Array(0)

/**
 * Makes a loss for `model.compile({ loss })`, `optimizer.minimize`, `variableGrads` and the like. Making a loss is
 * cheap: a loop whose weights change can make one for each step.
 *
 * @param name the loss. docs/losses.md has the formula, the source and the options of each.
 * @returns a function of `(yTrue, yPred)`.
 * @throws {ScaLossError} an option is not as described, or the backend that it names cannot run.
 */
export function boxLoss<L extends LossName, const O extends TensorLossOptions = NoOptions>(
  name: L,
  ...options: OptionsArgument<O, TensorLossOptions, L>
): TensorLoss
export function boxLoss(name: LossName, options: TensorLossOptions = {}): TensorLoss {
  return tensorLoss(name, name, checkedOptions(name, options))
}

/** Reads and checks the options of a loss. */
export function checkedOptions(name: LossName, options: TensorLossOptions) {
  checkOneOf('name', name, LOSS_NAMES)
  const checked = reading(readOptions('options', options, OPTIONS))
  // A call over no boxes finds wrong options here, and not only at the first step of the training.
  checked.lossOf(name, NO_BOXES, NO_BOXES, checked.ofCall(undefined))
  return checked
}

/** A call over arrays, with the options of `ofCall`. */
type Call = (
  name: LossName,
  pred: Float32Array,
  target: Float32Array,
  options: Omit<BoxLossOptions, 'device' | 'out'>,
) => { loss: number | Float32Array; grad: Float32Array | undefined }

/** Reads the options once. `ofCall` returns them as a call over arrays takes them, with the values of `weight`, and
 * `lossOf` is that call. `columns` is how many numbers a prediction has, if they are raw. */
function reading({
  reduction = 'none',
  weight,
  normalizer,
  coder,
  prior,
  dflWeight,
  device,
  ...rest
}: TensorLossOptions) {
  if (weight !== undefined) checkWeight(weight)
  if (coder !== undefined && !(coder instanceof BoxCoder))
    throw invalidArgument('coder', 'a coder of boxCoder()', coder)
  for (const [option, value] of Object.entries(coder ? { device } : { prior, dflWeight })) {
    if (value !== undefined) throw invalidArgument(option, `no value with${coder ? '' : 'out'} coder`, value)
  }
  const lossOf: Call = coder
    ? (name, raw, target, options) =>
        headLoss(name, coder, raw, raw.length === 0 ? raw : prior, target, { ...options, dflWeight })
    : (name, pred, target, options) => boxLossOfArrays(name, pred, target, { ...options, device })
  const ofCall = (weights: Float32Array | undefined) => ({
    ...rest,
    ...reducing(reduction, normalizer, weights),
    weight: weights,
  })
  return { weight, ofCall, lossOf, columns: coder?.columns, device }
}

/** Makes the loss as a function with a name, because tf.layers uses the name of a metric in its logs. */
export function tensorLoss(name: LossName, functionName: string, options = reading({})): TensorLoss {
  const loss = (yTrue: Tensor, yPred: Tensor, ...more: unknown[]) => {
    if (more.some((value) => value !== undefined))
      throw argumentError(
        `a call of ${functionName}`,
        `yTrue and yPred; options go to boxLoss('${name}', options)`,
        `${2 + more.length} arguments`,
      )
    checkPair(yTrue, yPred, 2 * LOSSES[name].axes, options.columns)
    const boxes = yPred.shape.slice(0, -1)
    const pred = read('yPred', yPred)
    const target = read('yTrue', yTrue)
    const weights = options.weight && readWeight(options.weight, boxes, (tensor) => read('weight', tensor))
    const call = options.ofCall(weights)
    const perBox = call.reduction === 'none'

    const forward = () => {
      const { loss } = namingTensors(() => options.lossOf(name, pred, target, { ...call, grad: false }))
      return tensor(loss, perBox ? boxes : [], 'float32')
    }
    // Computing loss and gradient takes about as long as one pass over a tensor, so the gradient is computed
    // separately, only when it is requested: validation never pays for it, and `dy` is part of the same pass.
    const backward = (dy: Tensor) => {
      const upstream = read('dy', dy)
      const gradOutput = perBox ? upstream : upstream[0]!
      // The checks of the package would name the option gradOutput, which nobody gave here.
      const refused =
        !perBox || call.onInvalid === 'throw' ? upstream.find((value) => !Number.isFinite(value)) : undefined
      if (refused !== undefined)
        throw argumentError('gradient', 'a finite gradient that comes from above', String(refused))
      const { grad } = options.lossOf(name, pred, target, { ...call, gradOutput, grad: true })
      return tensor(grad!, yPred.shape, 'float32')
    }
    return differentiable(yPred, forward, backward)
  }
  return Object.defineProperty(loss, 'name', { value: functionName })
}

/** Makes a tensor that depends on `yPred`. `backward` converts the gradient of the tensor to that of `yPred`. */
export function differentiable(yPred: Tensor, forward: () => Tensor, backward: (dy: Tensor) => Tensor): Tensor {
  return customGrad(() => ({
    value: forward(),
    // A gradient of the gradient passes through here. Without this node it would leave out the loss silently. The
    // tensors are passed only to be on the tape; yPred may be disposed by then.
    gradFunc: (dy) => customGrad(() => ({ value: backward(dy), gradFunc: noSecondGradient }))(yPred, dy),
  }))(yPred)
}

function namingTensors<R>(call: () => R): R {
  try {
    return call()
  } catch (error) {
    throw ofTensors(error)
  }
}

/** Renames the arguments in errors about the rows that `onInvalid: 'throw'` rejects, because they have other names
 * here. */
export function ofTensors(error: unknown): unknown {
  if (!(error instanceof ScaLossError) || error.code !== 'ERR_SCALOSS_INVALID_BOX') return error
  return new ScaLossError(error.code, error.message.replace(/^(pred|raw)/, 'yPred').replace(/^target/, 'yTrue'))
}

function noSecondGradient(): never {
  throw new ScaLossError('ERR_SCALOSS_UNSUPPORTED', 'gradient: expected the first derivative, got a derivative of it')
}
