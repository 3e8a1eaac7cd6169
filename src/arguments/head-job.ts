import { CODERS, type CoderParams, rawColumns } from '../core/coders.js'
import { argumentError, invalidArgument, ScaLossError } from '../core/errors.js'
import type { HeadJob } from '../core/head-job.js'
import type { Place } from '../core/job.js'
import { LOSS_NAMES, LOSSES, type LossName } from '../core/losses.js'
import type { BackendName, DType, FloatArray, HeadLossOptions, HeadOut } from '../core/types.js'
import { newArray } from '../memory/allocate.js'
import { checkArray, checkBoxes, checkDtype, checkMemory, dtypeOf } from './arrays.js'
import { checkBoolean, checkFinite, checkOneOf, checkRange } from './checks.js'
import { type ArrayKind, CALL_OPTIONS, DEFAULT_REDUCTION, HOST_ARRAYS, prepareJob, scalesOf } from './job.js'
import { lossParams } from './loss-params.js'
import { optionsOf } from './options.js'
import { placeOf } from './place.js'
import { checkBox, checkFactors } from './rows.js'

// Turns the arguments of calls with a coder into a job that is ready to run.

export const HEAD_OPTIONS = [
  'backend',
  'threads',
  ...CALL_OPTIONS,
  'boxes',
  'dflWeight',
] as const satisfies (keyof HeadLossOptions)[]
const HEAD_RESULTS = ['loss', 'grad', 'gradTarget', 'iou', 'boxes'] as const
const NO_OUT: HeadOut<FloatArray> = {}
/** The names of the arrays in messages. Results begin at `FIRST_RESULT`. */
const HEAD_ARGUMENTS = [
  'raw',
  'prior',
  'target',
  'weight',
  'gradOutput',
  'out.loss',
  'out.grad',
  'out.gradTarget',
  'out.iou',
  'out.boxes',
]
const FIRST_RESULT = 5
const NO_DFL = { lossScale: 0, gradScale: 0, ignoreAll: true }

/** Checks the backend of a call with a coder. There are no CUDA kernels for heads yet. */
function headPlaceOf(backend: BackendName | 'auto' | undefined, threads: number | undefined): Place {
  if (backend === 'cuda') {
    throw new ScaLossError(
      'ERR_SCALOSS_UNSUPPORTED',
      "backend: expected 'cpu', 'wasm' or 'js', got 'cuda', which has no kernels for raw numbers yet",
    )
  }
  const place = placeOf(backend, 0, threads)
  return place.backend === 'cuda' ? placeOf('cpu', 0, threads) : place
}

/** Checks the rows of an argument, [N, columns] numbers, and their priors. Returns N. */
function checkHeadRows(
  argument: string,
  array: FloatArray,
  columns: number,
  coder: CoderParams,
  prior: FloatArray | undefined,
): number {
  checkBoxes(argument, array, columns)
  const rows = array.length / columns
  const names = CODERS[coder.kind].prior
  if (prior === undefined) {
    if (coder.kind === 'detr') return rows
    throw invalidArgument('prior', `[A, ${names.length}] numbers (${names.join(', ')})`, prior)
  }
  checkDtype('prior', prior, array, argument)
  checkBoxes('prior', prior, names.length)
  const priors = prior.length / names.length
  if (priors === 0 ? rows > 0 : rows % priors !== 0) {
    throw argumentError('prior', `rows of which ${rows}, the rows of ${argument}, are a multiple`, `${priors} rows`)
  }
  return rows
}

/** The options of a coder as its numbers are in a dtype, and the distances of its bins in an array. */
interface InDtype {
  coder: CoderParams
  project: FloatArray | undefined
}
const inFloat32 = new WeakMap<CoderParams, InDtype>()
const inFloat64 = new WeakMap<CoderParams, InDtype>()

/** Rounds a coder to a dtype. Each is rounded once and kept, because the arrays would slow down small calls. */
function inDtype(coder: CoderParams, dtype: DType): InDtype {
  const known = dtype === 'float32' ? inFloat32 : inFloat64
  let rounded = known.get(coder)
  if (!rounded) {
    rounded = roundedTo(dtype, coder)
    known.set(coder, rounded)
  }
  return rounded
}

function roundedTo(dtype: DType, coder: CoderParams): InDtype {
  const hasBins = coder.kind === 'dfl'
  if (dtype === 'float64') return { coder, project: hasBins ? Float64Array.from(coder.project) : undefined }
  const { fround } = Math
  const rounded = {
    ...coder,
    means: coder.means.map(fround),
    stds: coder.stds.map(fround),
    minLogSize: fround(coder.minLogSize),
    maxLogSize: fround(coder.maxLogSize),
    scaleXY: fround(coder.scaleXY),
    project: coder.project.map(fround),
    targetClamp: fround(coder.targetClamp),
    imageWidth: fround(coder.imageWidth),
    imageHeight: fround(coder.imageHeight),
    eps: fround(coder.eps),
  }
  return { coder: rounded, project: hasBins ? Float32Array.from(coder.project) : undefined }
}

const hasTwoBins = ({ kind, project }: CoderParams) =>
  kind === 'dfl' && project.every((distance, bin) => distance === bin)

/** Checks all arguments of a call of `headLoss`, fills in the defaults, and takes or allocates the arrays for the
 * results. */
export function prepareHead(
  name: LossName,
  coder: CoderParams,
  raw: FloatArray,
  prior: FloatArray | undefined,
  target: FloatArray,
  options: HeadLossOptions,
): HeadJob {
  checkOneOf('name', name, LOSS_NAMES)
  if (LOSSES[name].axes !== 2) throw invalidArgument('name', 'a loss of two axes', name)
  const given = optionsOf('options', options, HEAD_OPTIONS)
  const { out, backend, threads, boxes = false, dflWeight = 0 } = given
  const results = out === undefined ? NO_OUT : optionsOf<HeadOut<FloatArray>>('out', out, HEAD_RESULTS)
  const { boxes: outBoxes } = results
  const place = headPlaceOf(backend, threads)
  const columns = rawColumns(coder)
  const rows = checkHeadRows('raw', raw, columns, coder, prior)
  const dtype = dtypeOf(raw)
  checkBoolean('boxes', boxes)
  checkFinite('dflWeight', dflWeight)
  checkRange('dflWeight', dflWeight, dtype, 'a number')
  if (dflWeight !== 0 && !hasTwoBins(coder)) {
    throw argumentError('dflWeight', "0, unless the coder is 'dfl' without project", String(dflWeight))
  }

  // The loss itself has no array for its predictions: `raw` stands in for them.
  const kind: ArrayKind<FloatArray> = {
    checkBoxes() {},
    checkMemory: ([, targets, weight, gradOutput, loss, grad, gradTarget, iou]) =>
      checkMemory(
        HEAD_ARGUMENTS,
        [raw, prior, targets, weight, gradOutput, loss, grad, gradTarget, iou, outBoxes] as unknown[],
        FIRST_RESULT,
      ),
    checkArray: (argument, value, like, length, shape) =>
      checkArray(argument, value, like, length, shape === 'as pred' ? `[${rows}, ${length / rows}]` : shape, 'raw'),
    allocate: HOST_ARRAYS.allocate,
    dtypeOf,
    lengthOf: () => 4 * rows,
    gradLengthOf: () => columns * rows,
  }
  const job = prepareJob(name, raw, target, given, kind, place, results)
  if (outBoxes !== undefined) {
    if (!boxes) throw invalidArgument('out.boxes', 'to go with boxes: true', outBoxes)
    checkArray('out.boxes', outBoxes, raw, 4 * rows, `[${rows}, 4]`, 'raw')
  }
  const { reduction = DEFAULT_REDUCTION, normalizer, gradOutput } = given
  const upstream = typeof gradOutput === 'number' ? gradOutput : undefined
  const dfl = dflWeight === 0 ? NO_DFL : scalesOf(rows, dtype, reduction, normalizer, dflWeight, upstream)
  const rounded = inDtype(coder, dtype)
  return {
    name,
    params: job.params,
    format: job.format,
    onInvalid: job.onInvalid,
    place,
    lossScale: job.lossScale,
    gradScale: job.gradScale,
    divisor: job.divisor,
    ignoreAll: job.ignoreAll,
    target: job.target,
    weight: job.weight,
    gradOutput: job.gradOutput,
    loss: job.loss,
    grad: job.grad,
    gradTarget: job.gradTarget,
    iou: job.iou,
    coder: rounded.coder,
    raw,
    prior,
    project: rounded.project,
    rows,
    boxes: boxes ? (outBoxes ?? newArray('results', raw, 4 * rows)) : undefined,
    dflLossScale: dfl.ignoreAll ? 0 : dfl.lossScale,
    dflGradScale: dfl.ignoreAll ? 0 : dfl.gradScale,
  }
}

/** Checks the arguments of `coder.decode` and makes a job without a target. */
export function prepareDecode(
  coder: CoderParams,
  raw: FloatArray,
  prior: FloatArray | undefined,
  out: FloatArray | undefined,
  backend: BackendName | 'auto' | undefined,
): HeadJob {
  const place = headPlaceOf(backend, undefined)
  const rows = checkHeadRows('raw', raw, rawColumns(coder), coder, prior)
  checkMemory(['raw', 'prior', 'out'], [raw, prior, out], 2)
  if (out !== undefined) checkArray('out', out, raw, 4 * rows, `[${rows}, 4]`, 'raw')
  return {
    name: 'iou',
    params: lossParams('iou', {}),
    format: 'xyxy',
    onInvalid: 'propagate',
    lossScale: 1,
    gradScale: 1,
    divisor: 1,
    ignoreAll: false,
    target: undefined,
    weight: undefined,
    gradOutput: undefined,
    loss: undefined,
    grad: undefined,
    gradTarget: undefined,
    iou: undefined,
    dflLossScale: 0,
    dflGradScale: 0,
    ...inDtype(coder, dtypeOf(raw)),
    raw,
    prior,
    rows,
    boxes: out ?? newArray('boxes', raw, 4 * rows),
    place,
  }
}

/** Checks the arguments of `coder.encode`, and takes or allocates the array for the result. */
export function prepareEncode(
  coder: CoderParams,
  boxes: FloatArray,
  prior: FloatArray | undefined,
  out: FloatArray | undefined,
): FloatArray {
  if (coder.kind === 'dfl') {
    throw new ScaLossError(
      'ERR_SCALOSS_UNSUPPORTED',
      "coder.encode: expected a coder with an inverse, got 'dfl': many logits have one distance",
    )
  }
  const rows = checkHeadRows('boxes', boxes, 4, coder, prior)
  checkMemory(['boxes', 'prior', 'out'], [boxes, prior, out], 2)
  if (out !== undefined) checkArray('out', out, boxes, 4 * rows, 'as boxes', 'boxes')
  if (prior) checkPriors(coder, prior)
  return out ?? newArray('raw numbers', boxes, 4 * rows)
}

/** Throws for the first row that `onInvalid: 'throw'` does not accept. `boxes` holds the decoded boxes, which are NaN
 * for rows that are not finite or lead out of the range. */
export function checkHead(job: HeadJob, boxes: FloatArray): void {
  const { raw, target, name, format } = job
  const columns = rawColumns(job.coder)
  for (let i = 0; i < job.rows; ++i) {
    if (job.weight?.[i] === 0) continue
    const numbers = raw.subarray(columns * i, columns * (i + 1))
    const shown = `[${numbers.subarray(0, 4).join(', ')}${columns > 4 ? ', …' : ''}]`
    const fail = (what: string) => {
      throw new ScaLossError('ERR_SCALOSS_INVALID_BOX', `raw: row ${i} ${what}: ${shown}`)
    }
    if (!numbers.every(Number.isFinite)) fail('is not finite')
    const box = boxes.subarray(4 * i, 4 * i + 4)
    if (!box.every(Number.isFinite)) fail('leads out of the range of boxes')
    if (LOSSES[name].ordered && (box[0] > box[2] || box[1] > box[3])) fail('decodes to an inverted box')
    if (target) checkBox('target', target, i, { name, format })
    checkFactors(job, i)
  }
}

/** Throws for the first prior that is not as its coder needs it: it has a number that is not finite, or a size or
 * stride that is not above 0. */
export function checkPriors(coder: CoderParams, prior: FloatArray): void {
  const { prior: names, positive } = CODERS[coder.kind]
  const columns = names.length
  const firstPositive = columns - positive.length
  const hasCorners = coder.kind === 'deltas'
  for (let i = 0; i < prior.length; i += columns) {
    let fits = !hasCorners || (prior[i] < prior[i + 2] && prior[i + 1] < prior[i + 3])
    for (let k = 0; k < columns; ++k) {
      const number = prior[i + k]
      if (!(Math.abs(number) < Number.POSITIVE_INFINITY) || (k >= firstPositive && number <= 0)) fits = false
    }
    if (fits) continue
    const needs = hasCorners ? 'x1 < x2 and y1 < y2' : positive.length > 0 ? `${positive.join(', ')} above 0` : ''
    const expected = `finite numbers ${names.join(', ')}${needs && ` with ${needs}`}`
    throw argumentError('prior', expected, `[${prior.subarray(i, i + columns).join(', ')}] in row ${i / columns}`)
  }
}
