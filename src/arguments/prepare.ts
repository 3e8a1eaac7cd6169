import { invalidArgument } from '../core/errors.js'
import { LOSS_NAMES, LOSS_OPTIONS, LOSSES, type LossName } from '../core/losses.js'
import type { BackendName, BoxLossOptions, CallOptions, DType, FloatArray, Out, Reduction } from '../core/types.js'
import { newArray } from '../memory/allocate.js'
import { BACKENDS, resolveBackend } from '../native/backends.js'
import type { BoxLossJob } from '../reference/run.js'
import { checkRows } from './check-rows.js'
import {
  bare,
  checkArray,
  checkBoolean,
  checkBoxes,
  checkDevice,
  checkFinite,
  checkFormat,
  checkKeys,
  checkOneOf,
  checkOverlap,
  checkRange,
  dtypeOf,
  threadsOf,
} from './checks.js'
import { lossParams } from './loss-params.js'

/** Those that the calls over all kinds of arrays have. Those of a training step come first: the list is searched for every
 * option of every call. */
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
export const OPTIONS = ['backend', ...CALL_OPTIONS, 'device', 'threads'] as const satisfies (keyof BoxLossOptions)[]
export const DEFAULT_REDUCTION = 'mean'
const REDUCTIONS = ['none', 'sum', 'mean']
const ON_INVALID = ['propagate', 'ignore', 'throw']
export const INPUTS = ['pred', 'target', 'weight', 'gradOutput'] as const satisfies (keyof BoxLossJob)[]
export const OUTPUTS = ['loss', 'grad', 'gradTarget', 'iou'] as const satisfies (keyof Out)[]
const OUT_MEMBERS = OUTPUTS.map((name) => `out.${name}`)
/** Arrays that were given for results. */
type Results<A> = { [M in (typeof OUTPUTS)[number]]?: A | undefined }
const NO_OUT: Results<never> = bare({})

/** A call that is ready to run. */
export interface Prepared {
  job: BoxLossJob
  backend: BackendName
  device: number
  threads: number
}

/** Checks everything, fills in the defaults and finds or makes the arrays for the results. */
export function prepare(name: LossName, pred: FloatArray, target: FloatArray, options: BoxLossOptions): Prepared {
  const given = checkKeys('options', options, OPTIONS)
  const { backend: asked = 'auto', device = 0, onInvalid, threads, out } = given
  const arrays = out === undefined ? out : checkKeys('out', out, OUTPUTS)
  const job = prepareJob(name, pred, target, given, HOST_ARRAYS, arrays)
  checkOneOf('backend', asked, BACKENDS)
  const backend = resolveBackend(asked)
  checkDevice(device, backend)
  if (onInvalid === 'throw') checkRows(job, pred.length / (2 * LOSSES[name].axes))
  return { job, backend, device, threads: threadsOf(threads, backend) }
}

/** What differs between arrays of the host and of a device. */
export interface ArrayKind<A> {
  /** [N, columns] boxes. */
  checkBoxes(argument: string, value: unknown, columns: number): asserts value is A
  /** An array like another, with `length` elements; `shape` says in words what they are. */
  checkArray(argument: string, value: unknown, like: A, length: number, shape: string): void
  allocate(like: A, length: number): A
  /** In which numbers of such an array are computed. */
  dtypeOf(array: A): DType
  lengthOf(array: A): number
}

export const HOST_ARRAYS: ArrayKind<FloatArray> = {
  checkBoxes,
  checkArray,
  allocate: (like, length) => newArray('results', like, length),
  dtypeOf,
  lengthOf: (array) => array.length,
}

/** All of it but what depends on where the call runs. `options` and `out` have gone through `checkKeys`. */
export function prepareJob<A extends object | boolean>(
  name: LossName,
  pred: A,
  target: A,
  options: CallOptions<A>,
  kind: ArrayKind<A>,
  out: Results<A> = NO_OUT,
): BoxLossJob<A> {
  checkOneOf('name', name, LOSS_NAMES)
  const { axes } = LOSSES[name]
  const columns = 2 * axes
  kind.checkBoxes('pred', pred, columns)
  const length = kind.lengthOf(pred)
  const dtype = kind.dtypeOf(pred)
  const n = length / columns
  // Options and the members of `out` may have getters, which may change arrays: all are read, and once, before arrays are
  // checked.
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
  if (kind.lengthOf(pred) !== length) throw invalidArgument('pred', 'the memory that was given', pred)
  kind.checkArray('target', target, pred, length, 'as pred')
  checkFormat(format, axes)
  checkOneOf('reduction', reduction, REDUCTIONS)
  checkOneOf('onInvalid', onInvalid, ON_INVALID)
  checkBoolean('grad', grad)
  checkBoolean('gradTarget', gradTarget)
  checkBoolean('iou', iou)
  if (weight !== undefined) kind.checkArray('weight', weight, pred, n, 'one a box')
  const perRow = typeof gradOutput === 'number' ? undefined : gradOutput
  if (perRow !== undefined) {
    if (reduction !== 'none') throw invalidArgument('gradOutput', `a number with reduction '${reduction}'`, perRow)
    kind.checkArray('gradOutput', perRow, pred, n, 'one a box')
  }
  const upstream = typeof gradOutput === 'number' ? gradOutput : undefined
  const scales = scalesOf(n, dtype, reduction, normalizer, lossWeight, upstream)
  if (outLoss !== undefined) {
    checkWanted('out.loss', reduction === 'none', "reduction: 'none'", outLoss)
    kind.checkArray('out.loss', outLoss, pred, n, 'one a box')
  }
  if (outGrad !== undefined) {
    checkWanted('out.grad', grad, 'grad: true', outGrad)
    kind.checkArray('out.grad', outGrad, pred, length, 'as pred')
  }
  if (outGradTarget !== undefined) {
    checkWanted('out.gradTarget', gradTarget, 'gradTarget: true', outGradTarget)
    kind.checkArray('out.gradTarget', outGradTarget, pred, length, 'as pred')
  }
  if (outIou !== undefined) {
    checkWanted('out.iou', iou, 'iou: true', outIou)
    kind.checkArray('out.iou', outIou, pred, n, 'one a box')
  }

  return {
    name,
    params,
    format,
    pred,
    target,
    weight,
    gradOutput: perRow,
    loss: reduction === 'none' ? (outLoss ?? kind.allocate(pred, n)) : undefined,
    grad: grad ? (outGrad ?? kind.allocate(pred, length)) : undefined,
    gradTarget: gradTarget ? (outGradTarget ?? kind.allocate(pred, length)) : undefined,
    iou: iou ? (outIou ?? kind.allocate(pred, n)) : undefined,
    lossScale: scales.lossScale,
    gradScale: scales.gradScale,
    sumScale: scales.sumScale,
    sumDivisor: scales.sumDivisor,
    ignoreInvalid: onInvalid === 'ignore',
    ignoreAll: scales.ignoreAll,
  }
}

/** No result of a call may share memory with another of its arrays. The addon looks at addresses, which is quick, and leaves
 * it to this to say which they are. */
export function checkJobOverlap<A extends object>(job: BoxLossJob<A>, overlaps: (a: A, b: A) => boolean): void {
  const { pred, target, weight, gradOutput, loss, grad, gradTarget, iou } = job
  checkOverlap(OUT_MEMBERS, [loss, grad, gradTarget, iou], INPUTS, [pred, target, weight, gradOutput], overlaps)
}

/** A result array that was given must be one that the call has, by this option. */
function checkWanted(argument: string, wanted: boolean, option: string, array: unknown): void {
  if (!wanted) throw invalidArgument(argument, `to go with ${option}`, array)
}

export type Scales = Pick<BoxLossJob, 'lossScale' | 'gradScale' | 'sumScale' | 'sumDivisor' | 'ignoreAll'>

/** Checks the factors of a call and gives what loss and gradients of N boxes are multiplied by. */
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
    sumScale: lossWeight,
    sumDivisor: divisor,
    // Not multiplied by 0: a loss may be infinite.
    ignoreAll: divisor <= 0 || lossWeight === 0,
  }
}
