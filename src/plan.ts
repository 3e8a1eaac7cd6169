/// <reference lib="esnext.disposable" preserve="true" />
import { allocateBlock, checkCount, DTYPES } from './alloc.js'
import { BACKENDS, resolveBackend } from './backends.js'
import { argumentError, invalidArgument, ScaLossError } from './errors.js'
import type { BoxLossJob, Summary } from './js-backend.js'
import { LOSS_NAMES, LOSSES, type LossName } from './losses.js'
import { PLAN_VALUES } from './native.js'
import { callRunner, nativeRunner, type Runner } from './plan-runner.js'
import { CALL_OPTIONS, HOST_ARRAYS, prepareJob, scalesOf } from './prepare.js'
import type { BackendName, BoxLossOptions, BoxLossResult, DType, FloatArray, Given, Reduction } from './types.js'
import {
  bare,
  checkBoolean,
  checkDevice,
  checkFinite,
  checkOneOf,
  checkRows,
  readOptions,
  threadsOf,
} from './validate.js'

/** Options of `createPlan`: those of `boxLoss`, where that takes arrays with arrays of the plan. */
export interface PlanOptions extends Omit<BoxLossOptions, 'weight' | 'gradOutput' | 'out'> {
  /** N, at most, of a run. */
  boxes: number
  /** Default `'float32'`. */
  dtype?: DType
  /** The plan has an array of weights, all 1 at first. Default false. */
  weight?: boolean
  /** Upstream gradient: a number, or with `reduction: 'none'` true for an array of the plan, all 1 at first. Default 1. */
  gradOutput?: number | true
}

/** What one run changes of the plan's options. */
export interface RunOptions {
  /** The first so many rows. Default: all. */
  boxes?: number
  normalizer?: number
  lossWeight?: number
  /** Of a plan that has no array for it. */
  gradOutput?: number
}

type ArrayOf<O> = O extends { dtype: 'float64' } ? Float64Array : Float32Array
type ResultOf<O> = BoxLossResult<ArrayOf<O>, O>

const PLAN_OPTIONS = ['boxes', 'dtype', 'backend', 'device', 'threads', ...CALL_OPTIONS].filter(
  (option) => option !== 'out',
)
const RUN_OPTIONS = ['boxes', 'normalizer', 'lossWeight', 'gradOutput'] as const satisfies (keyof RunOptions)[]
/** Every array of a plan starts at a multiple of so many bytes. */
const ALIGNMENT = 64

/** A call of `boxLoss` over arrays of its own, to be filled and run again and again. Made by `createPlan`. */
export class Plan<O = PlanOptions> {
  /** N, at most, of a run. */
  readonly boxes: number
  readonly backend: BackendName
  /** [N, 4] ([N, 6] for the losses of three axes), to be filled before a run. */
  readonly pred: ArrayOf<O>
  readonly target: ArrayOf<O>
  /** [N], where the options ask for them. */
  readonly weight: Given<O, 'weight'> extends true ? ArrayOf<O> : undefined
  readonly gradOutput: Given<O, 'gradOutput'> extends true ? ArrayOf<O> : undefined
  /** Where runs put their results, as of `boxLoss`. */
  readonly grad: ResultOf<O>['grad']
  readonly gradTarget: ResultOf<O>['gradTarget']
  readonly iou: ResultOf<O>['iou']
  readonly #settings: Settings
  readonly #result: ResultOf<O>
  /** The same, for what a run sets in it. */
  readonly #numbers: { loss: unknown; invalid: number }
  #runner: Runner | undefined
  /** The next run without options needs nothing set before it. */
  #isSet = true

  /** @internal */
  constructor(settings: Settings, runner: Runner) {
    const { job, boxes, backend } = settings
    const { loss = 0, grad, gradTarget, iou } = job
    this.#settings = settings
    this.#runner = runner
    const result = { loss, grad, gradTarget, iou, invalid: 0, backend }
    this.#numbers = result
    this.#result = result as ResultOf<O>
    this.boxes = boxes
    this.backend = backend
    this.pred = job.pred as this['pred']
    this.target = job.target as this['target']
    this.weight = job.weight as this['weight']
    this.gradOutput = job.gradOutput as this['gradOutput']
    this.grad = this.#result.grad
    this.gradTarget = this.#result.gradTarget
    this.iou = this.#result.iou
  }

  /**
   * One fused pass. Allocates nothing without options.
   *
   * @returns the results, the same object for every run. Rows from `options.boxes` on stay as they were.
   */
  run(options?: RunOptions): ResultOf<O> {
    const runner = this.#runner
    if (!runner)
      throw new ScaLossError('ERR_SCALOSS_DISPOSED', 'plan: expected a Plan in use, got one that was disposed')
    if (this.pred.length === 0) throw argumentError('plan.pred', 'the memory of the plan', 'none: it was transferred')
    const { columns, format, onInvalid } = this.#settings
    let boxes = this.boxes
    if (options !== undefined) {
      boxes = this.#set(runner, options)
      this.#isSet = false
    } else if (!this.#isSet) {
      this.#set(runner, {})
      this.#isSet = true
    }
    if (onInvalid === 'throw') {
      const [pred, target] = [this.pred, this.target].map((array) => array.subarray(0, columns * boxes))
      checkRows(pred, target, format, columns === 4 ? 2 : 3)
    }
    const { loss, invalid } = boxes === 0 ? NOTHING : runner.run()
    if (typeof this.#numbers.loss === 'number') this.#numbers.loss = loss
    this.#numbers.invalid = invalid
    return this.#result
  }

  /** Whether it is released. */
  get disposed(): boolean {
    return this.#runner === undefined
  }

  /** Lets go of what runs need; the arrays stay. May be called again. */
  dispose(): void {
    this.#runner?.release()
    this.#runner = undefined
  }

  /** `dispose`, for `using`. */
  [Symbol.dispose](): void {
    this.dispose()
  }

  /** Checks the options of a run and returns its number of boxes. */
  #set(runner: Runner, options: RunOptions): number {
    const given = readOptions('options', options, RUN_OPTIONS)
    const { dtype, reduction, job, scaling } = this.#settings
    if (given.gradOutput !== undefined && job.gradOutput) {
      throw invalidArgument('gradOutput', 'no number: the plan has an array, plan.gradOutput', given.gradOutput)
    }
    const {
      boxes = this.boxes,
      normalizer = scaling.normalizer,
      lossWeight = scaling.lossWeight,
      gradOutput = scaling.gradOutput,
    } = given
    checkCount('boxes', boxes, 0)
    if (boxes > this.boxes) throw argumentError('boxes', `at most ${this.boxes}, as of the plan`, String(boxes))
    runner.set(boxes, scalesOf(boxes, dtype, reduction, normalizer, lossWeight, gradOutput))
    return boxes
  }
}

const NOTHING: Summary = { loss: 0, invalid: 0 }

/** What a plan knows of its call. */
interface Settings {
  job: BoxLossJob
  boxes: number
  columns: number
  backend: BackendName
  dtype: DType
  reduction: Reduction
  format: BoxLossJob['format']
  onInvalid: BoxLossOptions['onInvalid']
  scaling: { normalizer: number | undefined; lossWeight: number; gradOutput: number }
}

/**
 * Prepares a call of `boxLoss` to run many times: the plan owns its arrays, aligned, and on CUDA pinned, and a run checks and
 * allocates nothing. For training steps with a fixed number of boxes, or up to a fixed number.
 *
 * @throws {ScaLossError} as of `boxLoss` and `alloc`.
 */
export function createPlan<const O extends PlanOptions>(name: LossName, options: O): Plan<O> {
  checkOneOf('name', name, LOSS_NAMES)
  const given = readOptions<PlanOptions>('options', options, PLAN_OPTIONS)
  const {
    boxes,
    dtype = 'float32',
    backend: asked = 'auto',
    device = 0,
    threads: mostThreads,
    weight,
    gradOutput,
    ...rest
  } = given
  checkCount('boxes', boxes, 1)
  checkOneOf('dtype', dtype, DTYPES)
  checkOneOf('backend', asked, BACKENDS)
  if (weight !== undefined) checkBoolean('weight', weight)
  if (gradOutput !== undefined && gradOutput !== true) checkFinite('gradOutput', gradOutput)
  const backend = resolveBackend(asked)
  checkDevice(device, backend)

  const columns = 2 * LOSSES[name].axes
  const { reduction = 'mean', grad = true, gradTarget = false, iou = false, normalizer, lossWeight = 1 } = given
  const lengths: [string, number, boolean][] = [
    ['pred', columns * boxes, true],
    ['target', columns * boxes, true],
    ['weight', boxes, weight === true],
    ['gradOutput', boxes, gradOutput === true],
    ['loss', boxes, reduction === 'none'],
    ['grad', columns * boxes, grad],
    ['gradTarget', columns * boxes, gradTarget],
    ['iou', boxes, iou],
  ]
  const FloatArrayOf = dtype === 'float32' ? Float32Array : Float64Array
  const bytesOf = (length: number) => Math.ceil((length * FloatArrayOf.BYTES_PER_ELEMENT) / ALIGNMENT) * ALIGNMENT
  const wanted = lengths.filter(([, , isWanted]) => isWanted)
  const valuesAt = wanted.reduce((sum, [, length]) => sum + bytesOf(length), 0)
  const bytes = valuesAt + PLAN_VALUES.length * Float64Array.BYTES_PER_ELEMENT
  const [memory, buffer] = allocateBlock(bytes, backend) ?? [undefined, new ArrayBuffer(bytes)]
  const arrays: Partial<Record<string, FloatArray>> = {}
  let offset = 0
  for (const [array, length] of wanted) {
    arrays[array] = new FloatArrayOf(buffer, offset, length)
    offset += bytesOf(length)
  }
  arrays.weight?.fill(1)
  arrays.gradOutput?.fill(1)

  const out = Object.fromEntries(['loss', 'grad', 'gradTarget', 'iou'].map((result) => [result, arrays[result]]))
  const perRow = {
    ...(arrays.weight && { weight: arrays.weight }),
    gradOutput: arrays.gradOutput ?? (gradOutput as number | undefined) ?? 1,
  }
  const { pred, target } = arrays as { pred: FloatArray; target: FloatArray }
  const job = prepareJob(name, pred, target, bare({ ...rest, ...perRow }), HOST_ARRAYS, out)
  const scaling = { normalizer, lossWeight, gradOutput: typeof gradOutput === 'number' ? gradOutput : 1 }
  const { format } = job
  const { onInvalid } = given
  const settings = { job, boxes, columns, backend, dtype, reduction, format, onInvalid, scaling }
  const values = new Float64Array(buffer, valuesAt, PLAN_VALUES.length)
  const threads = threadsOf(mostThreads)
  const runner = memory
    ? nativeRunner(job, backend, device, threads, memory, values)
    : callRunner(job, columns, backend, device, threads)
  runner.set(boxes, job)
  return new Plan<O>(settings, runner)
}
