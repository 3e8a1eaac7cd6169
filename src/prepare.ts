import { BACKENDS, resolveBackend } from './backends.js'
import { invalidArgument } from './errors.js'
import type { BoxLossJob } from './js-backend.js'
import { lossParams } from './loss-params.js'
import { LOSS_NAMES, LOSS_OPTIONS, LOSSES, type LossName } from './losses.js'
import type { BackendName, BoxLossOptions, FloatArray, Out } from './types.js'
import {
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
  checkRows,
} from './validate.js'

// Those of a training step come first: the list is searched for every option of every call.
const OPTIONS = [
  'out',
  'backend',
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
  'device',
  'convention',
  ...LOSS_OPTIONS,
] as const satisfies (keyof BoxLossOptions)[]
const REDUCTIONS = ['none', 'sum', 'mean']
const ON_INVALID = ['propagate', 'ignore', 'throw']
const INPUTS = ['pred', 'target', 'weight', 'gradOutput']
const OUTPUTS = ['loss', 'grad', 'gradTarget', 'iou'] as const satisfies (keyof Out)[]
const OUT_MEMBERS = OUTPUTS.map((name) => `out.${name}`)
const NO_OUT: Out = {}

/** A call that is ready to run. */
export interface Prepared {
  job: BoxLossJob
  backend: BackendName
  device: number
}

/** Checks everything, fills in the defaults and finds or makes the arrays for the results. */
export function prepare(name: LossName, pred: FloatArray, target: FloatArray, options: BoxLossOptions): Prepared {
  checkOneOf('name', name, LOSS_NAMES)
  const { axes } = LOSSES[name]
  const columns = 2 * axes
  checkBoxes('pred', pred, columns)
  checkArray('target', target, pred, pred.length, 'as pred')
  checkKeys('options', options, OPTIONS)
  const params = lossParams(name, options, pred)
  const n = pred.length / columns
  const {
    format = 'xyxy',
    reduction = 'mean',
    weight,
    normalizer,
    lossWeight = 1,
    gradOutput = 1,
    grad = true,
    gradTarget = false,
    iou = false,
    onInvalid = 'propagate',
    backend: asked = 'auto',
    device = 0,
    out = NO_OUT,
  } = options
  checkFormat(format, axes)
  checkOneOf('reduction', reduction, REDUCTIONS)
  checkOneOf('onInvalid', onInvalid, ON_INVALID)
  checkOneOf('backend', asked, BACKENDS)
  checkBoolean('grad', grad)
  checkBoolean('gradTarget', gradTarget)
  checkBoolean('iou', iou)
  checkFinite('lossWeight', lossWeight)
  checkRange('lossWeight', lossWeight, pred, 'a number')
  if (weight !== undefined) checkArray('weight', weight, pred, n, 'one a box')
  if (normalizer !== undefined) {
    checkFinite('normalizer', normalizer)
    if (reduction === 'none')
      throw invalidArgument('normalizer', "no normalizer with reduction 'none', which has no sum", normalizer)
  }
  if (typeof gradOutput === 'number') checkFinite('gradOutput', gradOutput)
  else if (reduction !== 'none')
    throw invalidArgument('gradOutput', `a number with reduction '${reduction}'`, gradOutput)
  else checkArray('gradOutput', gradOutput, pred, n, 'one a box')

  const perRow = typeof gradOutput === 'number' ? undefined : gradOutput
  if (out !== NO_OUT) {
    checkKeys('out', out, OUTPUTS)
    checkOut('loss', out.loss, reduction === 'none', "reduction: 'none'", pred, n, 'one a box')
    checkOut('grad', out.grad, grad, 'grad: true', pred, columns * n, 'as pred')
    checkOut('gradTarget', out.gradTarget, gradTarget, 'gradTarget: true', pred, columns * n, 'as pred')
    checkOut('iou', out.iou, iou, 'iou: true', pred, n, 'one a box')
    checkOverlap(OUT_MEMBERS, [out.loss, out.grad, out.gradTarget, out.iou], INPUTS, [pred, target, weight, perRow])
  }

  const backend = resolveBackend(asked)
  checkDevice(device, backend)
  if (onInvalid === 'throw') checkRows(pred, target, format, axes)

  const allocate =
    pred.BYTES_PER_ELEMENT === 8 ? (k: number) => new Float64Array(k) : (k: number) => new Float32Array(k)
  const divisor = normalizer ?? (reduction === 'mean' ? n : 1)
  const upstream = lossWeight * (typeof gradOutput === 'number' ? gradOutput : 1)
  checkRange('gradOutput', upstream, pred, 'a number that times lossWeight is')
  if (divisor !== 0) checkRange('normalizer', upstream / divisor, pred, 'a number that leaves lossWeight / normalizer')
  const job: BoxLossJob = {
    name,
    params,
    format,
    pred,
    target,
    weight,
    gradOutput: perRow,
    loss: reduction === 'none' ? (out.loss ?? allocate(n)) : undefined,
    grad: grad ? (out.grad ?? allocate(columns * n)) : undefined,
    gradTarget: gradTarget ? (out.gradTarget ?? allocate(columns * n)) : undefined,
    iou: iou ? (out.iou ?? allocate(n)) : undefined,
    lossScale: lossWeight,
    gradScale: upstream / divisor,
    sumScale: lossWeight,
    sumDivisor: divisor,
    ignoreInvalid: onInvalid === 'ignore',
    ignoreAll: divisor <= 0,
  }
  return { job, backend, device }
}

/** A result array that was given: `wanted` and `option` say whether the call has such a result, and through what. */
function checkOut(
  name: keyof Out,
  array: FloatArray | undefined,
  wanted: boolean,
  option: string,
  pred: FloatArray,
  length: number,
  shape: string,
): void {
  if (array === undefined) return
  if (!wanted) throw invalidArgument(`out.${name}`, `to go with ${option}`, array)
  checkArray(`out.${name}`, array, pred, length, shape)
}
