import { invalidArgument } from '../core/errors.js'
import { type BoxLossJob, INPUTS, type Place, RESULTS, type ResultName, type Scales } from '../core/job.js'
import { LOSS_NAMES, LOSS_OPTIONS, LOSSES, type LossName } from '../core/losses.js'
import type { BoxLossOptions, CallOptions, DType, FloatArray, Reduction } from '../core/types.js'
import { newArray } from '../memory/allocate.js'
import { checkArray, checkBoxes, checkMemory, dtypeOf } from './arrays.js'
import { checkBoolean, checkFinite, checkFormat, checkOneOf, checkRange } from './checks.js'
import { lossParams } from './loss-params.js'
import { optionsOf, withoutPrototype } from './options.js'
import { placeOf } from './place.js'
import { checkRows } from './rows.js'

// Turns the arguments of a call of `boxLoss` into a job that is ready to run.

/** The options of calls over every kind of array. The options of a typical training step come first, because the list
 * is searched for every option of every call. */
export const CALL_OPTIONS = [
  'out',
  'format',
  'reduction',
  'weight',
  'normalizer',
  'lossWeight',
  'gradOutput',
  'grad',
  'gradTarget',
  'iou',
  'onInvalid',
  'convention',
  ...LOSS_OPTIONS,
] as const satisfies (keyof CallOptions<unknown>)[]
export const OPTIONS = ['backend', 'threads', ...CALL_OPTIONS, 'device'] as const satisfies (keyof BoxLossOptions)[]
export const DEFAULT_REDUCTION = 'mean'
const REDUCTIONS = ['none', 'sum', 'mean']
const ON_INVALID = ['propagate', 'ignore', 'throw']

/** The names of the arrays of a call in messages, in the order of `ARRAYS`. */
export const ARGUMENTS: readonly string[] = [...INPUTS, ...RESULTS.map((name) => `out.${name}`)]

/** The arrays that were given for results. */
export type Results<A> = { [M in ResultName]?: A | undefined }
const NO_OUT: Results<never> = withoutPrototype({})

/** Checks all arguments, fills in the defaults, and takes or allocates the arrays for the results. */
export function prepare(name: LossName, pred: FloatArray, target: FloatArray, options: BoxLossOptions): BoxLossJob {
  const given = optionsOf('options', options, OPTIONS)
  const { out, backend, device, threads } = given
  const results = out === undefined ? NO_OUT : optionsOf<Results<FloatArray>>('out', out, RESULTS)
  const place = placeOf(backend, device, threads)
  const job = prepareJob(name, pred, target, given, HOST_ARRAYS, place, results)
  if (job.onInvalid === 'throw') checkRows(job, pred.length / (2 * LOSSES[name].axes))
  return job
}

/** The operations that differ between host arrays and device tensors. */
export interface ArrayKind<A> {
  /** Checks that a value is [N, columns] boxes. */
  checkBoxes(argument: string, value: unknown, columns: number): asserts value is A
  /** Checks the memory of all arrays, in the order of `ARGUMENTS`, without the last four if none is given for a result.
   * It is called once all options are read. */
  checkMemory(arrays: readonly unknown[]): void
  /** Checks that a value is an array like another, with `length` elements. `shape` describes the length in words. */
  checkArray(argument: string, value: unknown, like: A, length: number, shape: string): void
  /** Makes an array like another, with `length` elements. */
  allocate(like: A, length: number): A
  /** Returns the dtype in which calls over such an array compute. */
  dtypeOf(array: A): DType
  /** Returns the number of elements of the boxes. */
  lengthOf(array: A): number
  /** Returns the number of elements of the gradient for the prediction, if it is another one. */
  gradLengthOf?(array: A): number
}

export const HOST_ARRAYS: ArrayKind<FloatArray> = {
  checkBoxes,
  checkMemory: (arrays) => checkMemory(ARGUMENTS, arrays, INPUTS.length),
  checkArray,
  allocate: (like, length) => newArray('results', like, length),
  dtypeOf,
  lengthOf: (array) => array.length,
}

/** Does the part of `prepare` that is the same for arrays of any kind. `options` and `out` come from `optionsOf` or
 * `readOptions`. */
export function prepareJob<A extends object | boolean>(
  name: LossName,
  pred: A,
  target: A,
  options: CallOptions<A>,
  kind: ArrayKind<A>,
  place: Place,
  out: Results<A> = NO_OUT,
): BoxLossJob<A> {
  checkOneOf('name', name, LOSS_NAMES)
  const { axes } = LOSSES[name]
  kind.checkBoxes('pred', pred, 2 * axes)
  const length = kind.lengthOf(pred)
  const dtype = kind.dtypeOf(pred)
  const n = length / (2 * axes)
  const params = lossParams(name, options, dtype)
  const {
    format = 'xyxy',
    reduction = DEFAULT_REDUCTION,
    weight,
    normalizer,
    lossWeight,
    gradOutput,
    grad = true,
    gradTarget = false,
    iou = false,
    onInvalid = 'propagate',
  } = options
  const { loss: outLoss, grad: outGrad, gradTarget: outGradTarget, iou: outIou } = out
  kind.checkMemory(
    out === NO_OUT
      ? [pred, target, weight, gradOutput]
      : [pred, target, weight, gradOutput, outLoss, outGrad, outGradTarget, outIou],
  )
  kind.checkArray('target', target, pred, length, 'as pred')
  checkFormat(format, axes)
  checkOneOf('reduction', reduction, REDUCTIONS)
  checkOneOf('onInvalid', onInvalid, ON_INVALID)
  checkBoolean('grad', grad)
  checkBoolean('gradTarget', gradTarget)
  checkBoolean('iou', iou)
  if (weight !== undefined) kind.checkArray('weight', weight, pred, n, 'one per box')
  const perRow = typeof gradOutput === 'number' ? undefined : gradOutput
  if (perRow !== undefined) {
    if (reduction !== 'none') throw invalidArgument('gradOutput', `a number with reduction '${reduction}'`, perRow)
    kind.checkArray('gradOutput', perRow, pred, n, 'one per box')
  }
  const upstream = typeof gradOutput === 'number' ? gradOutput : undefined
  const scales = scalesOf(n, dtype, reduction, normalizer, lossWeight, upstream)
  const perBox = reduction === 'none'
  checkResult(kind, 'out.loss', outLoss, perBox, "reduction: 'none'", pred, n, 'one per box')
  const gradLength = kind.gradLengthOf?.(pred) ?? length
  checkResult(kind, 'out.grad', outGrad, grad, 'grad: true', pred, gradLength, 'as pred')
  checkResult(kind, 'out.gradTarget', outGradTarget, gradTarget, 'gradTarget: true', pred, length, 'as pred')
  checkResult(kind, 'out.iou', outIou, iou, 'iou: true', pred, n, 'one per box')
  return {
    name,
    params,
    format,
    pred,
    target,
    weight,
    gradOutput: perRow,
    loss: perBox ? (outLoss ?? kind.allocate(pred, n)) : undefined,
    grad: grad ? (outGrad ?? kind.allocate(pred, gradLength)) : undefined,
    gradTarget: gradTarget ? (outGradTarget ?? kind.allocate(pred, length)) : undefined,
    iou: iou ? (outIou ?? kind.allocate(pred, n)) : undefined,
    lossScale: scales.lossScale,
    gradScale: scales.gradScale,
    divisor: scales.divisor,
    ignoreAll: scales.ignoreAll,
    onInvalid,
    place,
  }
}

/** Checks an array for a result, if it was given: the call must compute that result, which `option` asks for. */
function checkResult<A extends object | boolean>(
  kind: ArrayKind<A>,
  argument: string,
  array: A | undefined,
  isWanted: boolean,
  option: string,
  pred: A,
  length: number,
  shape: string,
): void {
  if (array === undefined) return
  if (!isWanted) throw invalidArgument(argument, `to go with ${option}`, array)
  kind.checkArray(argument, array, pred, length, shape)
}

/** Checks the factors of a call, and computes what the losses and gradients of N boxes are multiplied by. */
export function scalesOf(
  n: number,
  dtype: DType,
  reduction: Reduction,
  normalizer: number | undefined,
  lossWeight = 1,
  gradOutput = 1,
): Scales {
  checkFinite('lossWeight', lossWeight)
  checkRange('lossWeight', lossWeight, dtype, 'a number')
  checkFinite('gradOutput', gradOutput)
  if (normalizer !== undefined) {
    checkFinite('normalizer', normalizer)
    if (reduction === 'none')
      throw invalidArgument('normalizer', "no normalizer with reduction 'none', which has no sum", normalizer)
  }
  const divisor = normalizer ?? (reduction === 'mean' ? n : 1)
  const upstream = lossWeight * gradOutput
  checkRange('gradOutput', upstream, dtype, 'a number that times lossWeight is')
  if (divisor !== 0) checkRange('normalizer', upstream / divisor, dtype, 'a number that leaves lossWeight / normalizer')
  return {
    lossScale: lossWeight,
    gradScale: upstream / divisor,
    divisor,
    // These rows are skipped and not multiplied by 0, because a loss may be infinite.
    ignoreAll: divisor <= 0 || lossWeight === 0,
  }
}
