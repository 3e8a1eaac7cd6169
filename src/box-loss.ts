import { resolveBackend } from './backends.js'
import { invalidArgument, ScaLossError } from './errors.js'
import { FORMATS } from './formats.js'
import { type BoxLossJob, jsBoxLoss, type Summary } from './js-backend.js'
import { LOSS_NAMES, LOSSES, type LossName } from './losses.js'
import { loadNative, SCALAR, SCALARS } from './native.js'
import type { BackendName, BoxLossOptions, BoxLossResult, FloatArray, Out } from './types.js'
import {
  checkArray,
  checkBoolean,
  checkBoxes,
  checkFinite,
  checkKeys,
  checkOneOf,
  checkOverlap,
  checkRows,
} from './validate.js'

const OPTIONS = [
  'alpha',
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
  'backend',
  'device',
  'out',
] as const satisfies (keyof BoxLossOptions)[]
const OUTPUTS = ['loss', 'grad', 'gradTarget', 'iou'] as const satisfies (keyof Out)[]

/** eps of the authors' code, https://github.com/Turoad/SCALoss, utils/metrics.py. */
const OFFICIAL_EPSILON = 1e-7

/**
 * Loss of N box pairs and its gradient, in one pass.
 *
 * @param name the loss: `'sca'`, `'so'` or `'cd'` (`LOSSES` gives formula and source of each).
 * @param pred predicted boxes, [N, 4] row-major (any leading dimensions), Float32Array or Float64Array.
 * @param target target boxes, same dtype and length as `pred`.
 * @returns the loss (a number, or [N] with `reduction: 'none'`), the gradients asked for in the dtype of `pred`, the
 *   number of invalid rows, the backend used. N = 0 gives loss 0 (or empty arrays).
 * @throws {ScaLossError} an argument is not as described, the backend cannot run, CUDA fails. Nothing is written to `out`
 *   then, unless CUDA failed midway.
 */
export function boxLoss<A extends FloatArray, const O extends BoxLossOptions<A> = Record<never, never>>(
  name: LossName,
  pred: A,
  target: A,
  options?: O,
): BoxLossResult<A, O> {
  const { job, backend, device } = prepare(name, pred, target, options ?? {})
  const summary = run(job, backend, device)
  return {
    loss: job.loss ?? summary.loss,
    grad: job.grad,
    gradTarget: job.gradTarget,
    iou: job.iou,
    invalid: summary.invalid,
    backend,
  } as BoxLossResult<A, O>
}

/** A loss under its own name. */
export type NamedLoss = <A extends FloatArray, const O extends BoxLossOptions<A> = Record<never, never>>(
  pred: A,
  target: A,
  options?: O,
) => BoxLossResult<A, O>

/** SCALoss, L_SO + alpha · L_CD (Zheng et al., AAAI 2022, Eq. 4). Arguments and result as of `boxLoss`. */
export const scaLoss: NamedLoss = (pred, target, options) => boxLoss('sca', pred, target, options)
/** Side overlap, 2 − (wmin/wmax + hmin/hmax) (Eq. 2). Arguments and result as of `boxLoss`. */
export const soLoss: NamedLoss = (pred, target, options) => boxLoss('so', pred, target, options)
/** Corner distance over the enclosing diagonal (Eq. 3). Arguments and result as of `boxLoss`. */
export const cdLoss: NamedLoss = (pred, target, options) => boxLoss('cd', pred, target, options)

interface Prepared {
  job: BoxLossJob
  backend: BackendName
  device: number
}

/** Checks everything, fills in the defaults and finds or makes the arrays for the results. */
function prepare(name: LossName, pred: FloatArray, target: FloatArray, options: BoxLossOptions): Prepared {
  checkOneOf('name', name, LOSS_NAMES)
  checkBoxes('pred', pred)
  checkArray('target', target, pred, pred.length, 'as pred')
  checkKeys('options', options, OPTIONS)
  const n = pred.length / 4
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
    convention = 'exact',
    backend: asked = 'auto',
    device = 0,
    out = {},
  } = options
  checkOneOf('format', format, FORMATS)
  checkOneOf('reduction', reduction, ['none', 'sum', 'mean'])
  checkOneOf('onInvalid', onInvalid, ['propagate', 'ignore', 'throw'])
  checkOneOf('convention', convention, ['exact', 'official'])
  checkOneOf('backend', asked, ['auto', 'cuda', 'cpu', 'js'])
  checkBoolean('grad', grad)
  checkBoolean('gradTarget', gradTarget)
  checkBoolean('iou', iou)
  checkFinite('lossWeight', lossWeight)
  const official = convention === 'official'
  const { alpha = official ? 1 : 0.5 } = options
  checkFinite('alpha', alpha)
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
  if (!Number.isInteger(device) || device < 0) throw invalidArgument('device', 'the index of a CUDA device', device)

  checkKeys('out', out, OUTPUTS)
  const wanted = { loss: reduction === 'none', grad, gradTarget, iou }
  const why = { loss: "reduction: 'none'", grad: 'grad: true', gradTarget: 'gradTarget: true', iou: 'iou: true' }
  const given = (output: (typeof OUTPUTS)[number], length: number, shape: string) => {
    const array = out[output]
    if (array === undefined) return
    if (!wanted[output]) throw invalidArgument(`out.${output}`, `to go with ${why[output]}`, array)
    checkArray(`out.${output}`, array, pred, length, shape)
  }
  given('loss', n, 'one a box')
  given('grad', 4 * n, 'as pred')
  given('gradTarget', 4 * n, 'as pred')
  given('iou', n, 'one a box')
  if (options.out) {
    checkOverlap(
      { 'out.loss': out.loss, 'out.grad': out.grad, 'out.gradTarget': out.gradTarget, 'out.iou': out.iou },
      { pred, target, weight, gradOutput: typeof gradOutput === 'number' ? undefined : gradOutput },
    )
  }

  const backend = resolveBackend(asked)
  if (backend === 'cuda') checkDevice(device)
  if (onInvalid === 'throw') checkRows(pred, target, format)

  const allocate =
    pred.BYTES_PER_ELEMENT === 8 ? (k: number) => new Float64Array(k) : (k: number) => new Float32Array(k)
  const divisor = normalizer ?? (reduction === 'mean' ? n : 1)
  const upstream = lossWeight * (typeof gradOutput === 'number' ? gradOutput : 1)
  const job: BoxLossJob = {
    name,
    format,
    pred,
    target,
    weight,
    gradOutput: typeof gradOutput === 'number' ? undefined : gradOutput,
    loss: wanted.loss ? (out.loss ?? allocate(n)) : undefined,
    grad: grad ? (out.grad ?? allocate(4 * n)) : undefined,
    gradTarget: gradTarget ? (out.gradTarget ?? allocate(4 * n)) : undefined,
    iou: iou ? (out.iou ?? allocate(n)) : undefined,
    alpha,
    epsilon: official && LOSSES[name].usesEpsilon ? OFFICIAL_EPSILON : 0,
    lossScale: lossWeight,
    gradScale: upstream / divisor,
    sumScale: lossWeight,
    sumDivisor: divisor,
    ignoreInvalid: onInvalid === 'ignore',
    ignoreAll: divisor <= 0,
  }
  return { job, backend, device }
}

function checkDevice(device: number): void {
  const { devices } = loadNative().cuda()
  if (device >= devices.length)
    throw invalidArgument('device', `the index of one of ${devices.length} CUDA devices`, device)
}

function run(job: BoxLossJob, backend: BackendName, device: number): Summary {
  if (job.pred.length === 0) return { loss: 0, invalid: 0 }
  return backend === 'js' ? jsBoxLoss(job) : nativeBoxLoss(job, backend, device)
}

/** The numbers of a call on their way to the addon and back; calls are synchronous, so one block serves all. */
const scalars = new Float64Array(SCALARS.length)

function nativeBoxLoss(job: BoxLossJob, backend: BackendName, device: number): Summary {
  scalars[SCALAR.backend] = backend === 'cuda' ? 1 : 0
  scalars[SCALAR.device] = device
  scalars[SCALAR.kernel] = LOSS_NAMES.indexOf(job.name)
  scalars[SCALAR.format] = FORMATS.indexOf(job.format)
  scalars[SCALAR.alpha] = job.alpha
  scalars[SCALAR.epsilon] = job.epsilon
  scalars[SCALAR.lossScale] = job.lossScale
  scalars[SCALAR.gradScale] = job.gradScale
  scalars[SCALAR.sumScale] = job.sumScale
  scalars[SCALAR.sumDivisor] = job.sumDivisor
  scalars[SCALAR.ignoreInvalid] = Number(job.ignoreInvalid)
  scalars[SCALAR.ignoreAll] = Number(job.ignoreAll)
  const { pred, target, weight, gradOutput, loss, grad, gradTarget, iou } = job
  try {
    loadNative().boxLoss(scalars, pred, target, weight, gradOutput, loss, grad, gradTarget, iou)
  } catch (error) {
    throw fromNative(error)
  }
  return { loss: scalars[SCALAR.resultLoss]!, invalid: scalars[SCALAR.resultInvalid]! }
}

/** CUDA errors carry CUDA's own name; anything else is a fault of this package and passes as it is. */
function fromNative(error: unknown): unknown {
  const { cudaName, outOfMemory, message } = error as { cudaName?: string; outOfMemory?: boolean; message: string }
  if (cudaName === undefined) return error
  return new ScaLossError(outOfMemory ? 'ERR_SCALOSS_CUDA_OUT_OF_MEMORY' : 'ERR_SCALOSS_CUDA', message, {
    cause: error,
  })
}
