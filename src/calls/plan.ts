/// <reference lib="esnext.disposable" preserve="true" />
import { dtypeOf } from '../arguments/arrays.js'
import { checkBoolean, checkCount, checkOneOf } from '../arguments/checks.js'
import { type ArrayKind, CALL_OPTIONS, DEFAULT_REDUCTION, prepareJob, scalesOf } from '../arguments/job.js'
import { optionsOf, readOptions } from '../arguments/options.js'
import { placeOf } from '../arguments/place.js'
import { checkRows } from '../arguments/rows.js'
import type { Checked } from '../core/checked-options.js'
import { DTYPES } from '../core/dtypes.js'
import { argumentError, invalidArgument, ScaLossError } from '../core/errors.js'
import { ARRAYS, type ArrayName, type BoxLossJob, hasBoxes, type JobArrays, NOTHING } from '../core/job.js'
import { LOSS_NAMES, LOSSES, type LossName } from '../core/losses.js'
import type { ArrayOf, BackendName, BoxLossOptions, BoxLossResult, DType, Given, Untold } from '../core/types.js'
import { allocating } from '../memory/allocate.js'
import { type Block, FIELDS } from '../native/block.js'
import { allocateBlock } from './alloc.js'
import { callRunner, nativeRunner, type Runner } from './plan-runner.js'

/** Options of `createPlan`: those of `boxLoss`, where that takes arrays with arrays of the plan. */
export interface PlanOptions extends Omit<BoxLossOptions, 'weight' | 'gradOutput' | 'out'> {
  /** N, at most, of a run. */
  boxes: number
  /** Default `'float32'`. */
  dtype?: DType | undefined
  /** The plan has an array of weights, all 1 at first. Default false. */
  weight?: boolean | undefined
  /** Upstream gradient: a number, or with `reduction: 'none'` true for an array of the plan, all 1 at first. Default 1. */
  gradOutput?: number | true | undefined
}

/** What one run changes of the plan's options. */
export interface RunOptions {
  /** The first so many rows. Default: all. */
  boxes?: number | undefined
  /** Divisor of the weighted sum, as of `boxLoss`. Default: that of the plan, or else as of `boxLoss` for the rows of the run. */
  normalizer?: number | undefined
  /** Multiplies loss and gradient. Default: that of the plan. */
  lossWeight?: number | undefined
  /** Upstream gradient, of a plan that has no array for it. Default: that of the plan. */
  gradOutput?: number | undefined
}

/** Those of a plan's options that say which arrays it has: `Plan<{ reduction: 'none'; weight: true }>` needs to name no other. */
type Shaping<O> = Pick<O, keyof O & ('dtype' | 'weight' | 'gradOutput' | 'reduction' | 'grad' | 'gradTarget' | 'iou')>

type PlanArray<O> = ArrayOf<Given<O, 'dtype'>>
type PlanResult<O> = BoxLossResult<PlanArray<O>, O>

const PLAN_OPTIONS = ['boxes', 'dtype', 'backend', 'device', 'threads', ...CALL_OPTIONS].filter(
  (option) => option !== 'out',
)
const RUN_OPTIONS = ['boxes', 'normalizer', 'lossWeight', 'gradOutput'] as const satisfies (keyof RunOptions)[]
/** Every array of a plan starts at a multiple of so many bytes. */
const ALIGNMENT = 64

/** A call of `boxLoss` over arrays of its own, to be filled, not replaced, and run again and again. Made by `createPlan`; `Plan` by itself is the
 * type of any. */
export class Plan<O = Untold> {
  /** N, at most, of a run. */
  readonly boxes: number
  readonly backend: BackendName
  /** [N, 4] ([N, 6] for the losses of three axes), to be filled before a run. */
  readonly pred: PlanArray<O>
  readonly target: PlanArray<O>
  /** [N], where the options ask for them. */
  readonly weight: Given<O, 'weight'> extends infer W ? (W extends true ? PlanArray<O> : undefined) : never
  readonly gradOutput: Given<O, 'gradOutput'> extends infer G ? (G extends true ? PlanArray<O> : undefined) : never
  /** Where runs put their results, as of `boxLoss`. */
  readonly grad: PlanResult<O>['grad']
  readonly gradTarget: PlanResult<O>['gradTarget']
  readonly iou: PlanResult<O>['iou']
  readonly #settings: Settings
  readonly #result: PlanResult<O>
  /** The same, for what a run sets in it. */
  readonly #numbers: { loss: unknown; invalid: number }
  #runner: Runner | undefined
  /** The next run without options needs nothing set before it. */
  #isSet = true

  /** @internal */
  constructor(settings: Settings, runner: Runner) {
    const { job } = settings
    const { backend } = job.place
    const { loss = 0, grad, gradTarget, iou } = job
    this.#settings = settings
    this.#runner = runner
    const result = { loss, grad, gradTarget, iou, invalid: 0, backend }
    this.#numbers = result
    this.#result = result as PlanResult<O>
    this.boxes = settings.options.boxes
    this.backend = backend
    this.pred = job.pred as this['pred']
    this.target = job.target as this['target']
    this.weight = job.weight as this['weight']
    this.gradOutput = job.gradOutput as this['gradOutput']
    this.grad = this.#result.grad
    this.gradTarget = this.#result.gradTarget
    this.iou = this.#result.iou
    // Runs know the arrays by themselves: others in their place would be ignored without a word.
    Object.freeze(this)
  }

  /**
   * One fused pass. Allocates nothing without options.
   *
   * @returns the results, the same object for every run. Rows from `options.boxes` on stay as they were.
   */
  run(options?: RunOptions): PlanResult<O> {
    const runner = this.#runner
    if (!runner)
      throw new ScaLossError('ERR_SCALOSS_DISPOSED', 'plan: expected a Plan in use, got one that was disposed')
    if (this.pred.length === 0) throw argumentError('plan.pred', 'the memory of the plan', 'none: it was transferred')
    const { job, options: own } = this.#settings
    let boxes = this.boxes
    if (options !== undefined) {
      boxes = this.#set(runner, options)
      this.#isSet = false
    } else if (!this.#isSet) {
      this.#set(runner, {})
      this.#isSet = true
    }
    if (own.onInvalid === 'throw') checkRows(job, boxes)
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
    const { job, options: own } = this.#settings
    const ownGradOutput = job.gradOutput ? undefined : (own.gradOutput as number | undefined)
    const {
      boxes = this.boxes,
      normalizer = own.normalizer,
      lossWeight = own.lossWeight,
      gradOutput = ownGradOutput,
    } = optionsOf('options', options, RUN_OPTIONS)
    if (gradOutput !== undefined && job.gradOutput) {
      throw invalidArgument('gradOutput', 'no number: the plan has an array, plan.gradOutput', gradOutput)
    }
    checkCount('boxes', boxes, 0)
    if (boxes > this.boxes) throw argumentError('boxes', `at most ${this.boxes}, as of the plan`, String(boxes))
    const { reduction = DEFAULT_REDUCTION } = own
    runner.set(boxes, scalesOf(boxes, dtypeOf(job.pred), reduction, normalizer, lossWeight, gradOutput))
    return boxes
  }
}

/** What a plan knows of its call. */
interface Settings {
  job: BoxLossJob
  options: PlanOptions
}

/**
 * Prepares a call of `boxLoss` to run many times: the plan owns its arrays, aligned, and on CUDA pinned. A run allocates nothing and
 * checks nothing, but for its own options and, with `onInvalid: 'throw'`, boxes. For training steps with a fixed number of boxes, or up to a fixed number.
 *
 * @throws {ScaLossError} as of `boxLoss` and `alloc`.
 */
export function createPlan<L extends LossName, const O extends PlanOptions>(
  name: L,
  options: Checked<O, PlanOptions, L>,
): Plan<Shaping<O>> {
  checkOneOf('name', name, LOSS_NAMES)
  const given = readOptions<PlanOptions>('options', options, PLAN_OPTIONS)
  const { boxes, dtype = 'float32' } = given
  checkCount('boxes', boxes, 1)
  checkOneOf('dtype', dtype, DTYPES)
  const columns = 2 * LOSSES[name].axes
  const place = placeOf(given.backend, given.device, given.threads)
  const planned = prepareJob(name, true, true, given, plannedArrays(columns * boxes, dtype), place)
  const { memory, arrays, block } = layOut(planned, columns, boxes, dtype)
  const job = { ...planned, ...arrays }
  const runner = memory ? nativeRunner(job, memory, block) : callRunner(job, columns)
  runner.set(boxes, job)
  return new Plan<Shaping<O>>({ job, options: given }, runner)
}

/** For the arrays of a plan before there is memory for them: whether there is to be one. */
const plannedArrays = (length: number, dtype: DType): ArrayKind<boolean> => ({
  checkBoxes() {},
  checkMemory() {},
  checkArray(argument, value) {
    if (argument === 'weight') checkBoolean(argument, value)
    else if (value !== true) throw invalidArgument(argument, 'a number, or true for an array of the plan', value)
  },
  allocate: () => true,
  dtypeOf: () => dtype,
  lengthOf: () => length,
})

/** One piece of memory for all arrays of a plan, and for the block of numbers that it sends to the addon. */
function layOut(planned: BoxLossJob<boolean>, columns: number, boxes: number, dtype: DType) {
  const FloatArrayOf = dtype === 'float32' ? Float32Array : Float64Array
  const lengthOf = (array: ArrayName) => (hasBoxes(array) ? columns * boxes : boxes)
  const bytesOf = (array: ArrayName) =>
    Math.ceil((lengthOf(array) * FloatArrayOf.BYTES_PER_ELEMENT) / ALIGNMENT) * ALIGNMENT
  const blockAt = ARRAYS.reduce((sum, array) => sum + (planned[array] ? bytesOf(array) : 0), 0)
  const bytes = blockAt + FIELDS.length * Float64Array.BYTES_PER_ELEMENT
  const [memory, buffer] = allocating(
    `createPlan: arrays of ${boxes} boxes`,
    bytes,
    () => allocateBlock(bytes, planned.place.backend) ?? [undefined, new ArrayBuffer(bytes)],
  )
  let offset = 0
  const place = (array: ArrayName) => {
    const placed = new FloatArrayOf(buffer, offset, lengthOf(array))
    offset += bytesOf(array)
    return [array, placed]
  }
  const arrays: JobArrays<Float32Array | Float64Array> = Object.fromEntries(
    ARRAYS.map((array) => (planned[array] ? place(array) : [array, undefined])),
  )
  arrays.weight?.fill(1)
  arrays.gradOutput?.fill(1)
  const block: Block = new Float64Array(buffer, blockAt, FIELDS.length)
  return { memory, arrays, block }
}
