/// <reference lib="esnext.disposable" preserve="true" />
import { dtypeOf } from '../arguments/arrays.js'
import { checkBoolean, checkCount, checkOneOf } from '../arguments/checks.js'
import { type ArrayKind, CALL_OPTIONS, DEFAULT_REDUCTION, prepareJob, scalesOf } from '../arguments/job.js'
import { optionsOf, readOptions } from '../arguments/options.js'
import { placeOf } from '../arguments/place.js'
import { checkRows } from '../arguments/rows.js'
import { type Block, FIELDS } from '../core/block.js'
import type { Checked } from '../core/checked-options.js'
import { DTYPES } from '../core/dtypes.js'
import { argumentError, invalidArgument, ScaLossError } from '../core/errors.js'
import { ARRAYS, type ArrayName, type BoxLossJob, hasBoxes, type JobArrays, NOTHING } from '../core/job.js'
import { LOSS_NAMES, LOSSES, type LossName } from '../core/losses.js'
import type { ArrayOf, BackendName, BoxLossOptions, BoxLossResult, DType, Given, Untold } from '../core/types.js'
import { allocating } from '../memory/allocate.js'
import { allocateMemory } from './alloc.js'
import { callRunner, nativeRunner, type Runner } from './plan-runner.js'

/** Options of `createPlan`: those of `boxLoss`, without `out` and with arrays of the plan in place of arrays of the
 * caller. */
export interface PlanOptions extends Omit<BoxLossOptions, 'weight' | 'gradOutput' | 'out'> {
  /** The largest number of boxes of a run. */
  boxes: number
  /** The dtype of the arrays. Default `'float32'`. */
  dtype?: DType | undefined
  /** Whether the plan has an array of weights, which are all 1 at first. Default false. */
  weight?: boolean | undefined
  /** The upstream gradient: a number, or with `reduction: 'none'` also true, which gives the plan an array for it, all
   * 1 at first. Default 1. */
  gradOutput?: number | true | undefined
}

/** Options of `plan.run()`, which replace options of the plan for one run. */
export interface RunOptions {
  /** The number of rows to compute, from the first. Default: all. */
  boxes?: number | undefined
  /** The divisor of the weighted sum, as for `boxLoss`. Default: that of the plan; if it has none, the default of
   * `boxLoss` for the rows of the run. */
  normalizer?: number | undefined
  /** A factor for loss and gradients. Default: that of the plan. */
  lossWeight?: number | undefined
  /** The upstream gradient, for a plan without an array for it. Default: that of the plan. */
  gradOutput?: number | undefined
}

/** The options of a plan that decide which arrays it has, so that its type names only these:
 * `Plan<{ reduction: 'none'; weight: true }>`. */
type Shaping<O> = Pick<O, keyof O & ('dtype' | 'weight' | 'gradOutput' | 'reduction' | 'grad' | 'gradTarget' | 'iou')>

type PlanArray<O> = ArrayOf<Given<O, 'dtype'>>
type PlanResult<O> = BoxLossResult<PlanArray<O>, O>

const PLAN_OPTIONS = ['boxes', 'dtype', 'backend', 'device', 'threads', ...CALL_OPTIONS].filter(
  (option) => option !== 'out',
)
const RUN_OPTIONS = ['boxes', 'normalizer', 'lossWeight', 'gradOutput'] as const satisfies (keyof RunOptions)[]
/** Every array of a plan starts at a multiple of this many bytes. */
const ALIGNMENT = 64

/** A prepared call of `boxLoss` that owns its arrays and can be run many times. Fill its input arrays and call `run()`.
 * The arrays cannot be replaced. Made by `createPlan`. `Plan` without a type argument is the type of any plan. */
export class Plan<O = Untold> {
  /** The largest number of boxes of a run. */
  readonly boxes: number
  /** The backend that computes the results. */
  readonly backend: BackendName
  /** [N, 4] predicted boxes ([N, 6] for the losses of three axes). Fill them before a run. */
  readonly pred: PlanArray<O>
  /** [N, 4] target boxes ([N, 6] for the losses of three axes). Fill them before a run. */
  readonly target: PlanArray<O>
  /** [N] weights with the option `weight: true`, otherwise undefined. All 1 at first. */
  readonly weight: Given<O, 'weight'> extends infer W ? (W extends true ? PlanArray<O> : undefined) : never
  /** [N] upstream gradients with the option `gradOutput: true`, otherwise undefined. All 1 at first. */
  readonly gradOutput: Given<O, 'gradOutput'> extends infer G ? (G extends true ? PlanArray<O> : undefined) : never
  /** [N, 4] ([N, 6]) gradient for the prediction, written by every run, or undefined with `grad: false`. */
  readonly grad: PlanResult<O>['grad']
  /** [N, 4] ([N, 6]) gradient for the target, written by every run with `gradTarget: true`, otherwise undefined. */
  readonly gradTarget: PlanResult<O>['gradTarget']
  /** [N] plain IoU of each pair, written by every run with `iou: true`, otherwise undefined. */
  readonly iou: PlanResult<O>['iou']
  readonly #settings: Settings
  readonly #result: PlanResult<O>
  /** The same object as `#result`, typed for the members that a run sets. */
  readonly #numbers: { loss: unknown; invalid: number }
  #runner: Runner | undefined
  /** True if the scales and number of rows are those of a run without options. */
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
    // Runs use the original arrays. Freezing makes an attempt to replace one fail loudly instead of being ignored.
    Object.freeze(this)
  }

  /**
   * Computes the results in one pass. Without options it allocates nothing.
   *
   * @returns the results, the same object for every run. Rows from `options.boxes` on stay as they were.
   * @throws {ScaLossError} the plan was disposed, an option is not as described, a box is invalid with
   *   `onInvalid: 'throw'`, or CUDA fails.
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

  /** Whether `dispose()` was called. */
  get disposed(): boolean {
    return this.#runner === undefined
  }

  /** Frees what runs need. The arrays remain usable. Further calls have no effect. */
  dispose(): void {
    this.#runner?.release()
    this.#runner = undefined
  }

  /** Calls `dispose`, so that the plan can be declared with `using`. */
  [Symbol.dispose](): void {
    this.dispose()
  }

  /** Checks the options of a run, applies them and returns its number of boxes. */
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

/** The settings of a plan. */
interface Settings {
  job: BoxLossJob
  options: PlanOptions
}

/**
 * Prepares a call of `boxLoss` to run many times, for training steps with a fixed or a largest number of boxes. The
 * plan owns its arrays, which are aligned to 64 bytes, for CUDA pinned, and for `wasm` in the memory of the WebAssembly
 * module. A run copies and allocates nothing; on `wasm` it makes a few small objects. It checks only its own options
 * and, with `onInvalid: 'throw'`, the boxes.
 *
 * @param name the loss. docs/losses.md has the formula, the source and the options of each.
 * @param options the options of the call. `boxes` is required.
 * @throws {ScaLossError} an argument is not as described, the backend cannot run, or there is not enough memory, as for
 *   `boxLoss` and `alloc`.
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
  const { handle, arrays, block } = layOut(planned, columns, boxes, dtype)
  const job = { ...planned, ...arrays }
  const runner = handle ? nativeRunner(job, handle, block) : callRunner(job, columns)
  runner.set(boxes, job)
  return new Plan<Shaping<O>>({ job, options: given }, runner)
}

/** Stands for the arrays of a plan before their memory exists: a boolean per array says whether there will be one. */
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

/** Lays out one piece of memory for all arrays of a plan and for the block of numbers that it sends to the addon. */
function layOut(planned: BoxLossJob<boolean>, columns: number, boxes: number, dtype: DType) {
  const FloatArrayOf = dtype === 'float32' ? Float32Array : Float64Array
  const lengthOf = (array: ArrayName) => (hasBoxes(array) ? columns * boxes : boxes)
  const bytesOf = (array: ArrayName) =>
    Math.ceil((lengthOf(array) * FloatArrayOf.BYTES_PER_ELEMENT) / ALIGNMENT) * ALIGNMENT
  const blockAt = ARRAYS.reduce((sum, array) => sum + (planned[array] ? bytesOf(array) : 0), 0)
  const bytes = blockAt + FIELDS.length * Float64Array.BYTES_PER_ELEMENT
  const memory = allocating(`createPlan: arrays of ${boxes} boxes`, bytes, () =>
    allocateMemory(bytes, planned.place.backend),
  )
  const { buffer, handle } = memory
  let { offset } = memory
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
  const block: Block = new Float64Array(buffer, memory.offset + blockAt, FIELDS.length)
  return { handle, arrays, block }
}
