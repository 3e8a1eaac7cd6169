import { checkBoolean, checkOneOf } from '../arguments/checks.js'
import { readOptions } from '../arguments/options.js'
import { boxLoss } from '../calls/box-loss.js'
import { headLoss } from '../calls/head-loss.js'
import type { Checked, NoOptions } from '../core/checked-options.js'
import { DTYPES } from '../core/dtypes.js'
import { LOSS_OPTIONS, type LossName, type LossParams } from '../core/losses.js'
import type { BackendName, DType, FloatArray, Format, LossOptions } from '../core/types.js'
import { BACKENDS, resolveBackend } from '../native/backends.js'
import { type Bounds, type Deviation, deviationOf, faultsOf, type WorstComponent } from './deviation.js'
import { drawProblem, type Problem, type ProblemOptions } from './problem.js'

/** Options of `gradCheck`: those of the loss, and which pairs and gradients are checked. */
export interface GradCheckOptions extends ProblemOptions {
  /** The backend to check. Default `'auto'`, as for `boxLoss`. */
  backend?: BackendName | 'auto' | undefined
  /** The dtype in which the backend computes. Differences are always taken in float64. Default `'float32'`. */
  dtype?: DType | undefined
  /** Whether to check the gradient for the target as well. Default true. */
  gradTarget?: boolean | undefined
}

/** The gradient component with the largest error, with its pair. */
export interface GradCheckWorst extends WorstComponent {
  /** The argument whose gradient the component belongs to. */
  argument: 'pred' | 'target'
  /** The predicted box, in the format of the check, or with `coder` its raw numbers. */
  pred: number[]
  /** The target box, in the format of the check. */
  target: number[]
}

/** The errors that a check tolerates. */
export interface GradCheckTolerances extends Bounds {
  /** The largest `lossError`. */
  loss: number
}

/** The result of `gradCheck`. Each number of `Deviation` is the larger one of both gradients. */
export interface GradCheckReport extends Deviation {
  /** The loss that was checked. */
  name: LossName
  /** The options of the loss: the given ones, and the size of the image if the loss requires one. */
  options: LossOptions
  /** The backend that computed the gradients. */
  backend: BackendName
  /** The dtype in which the backend computed. */
  dtype: DType
  /** The format of the boxes. */
  format: Format
  /** The number of pairs. */
  boxes: number
  /** The seed of the pairs. */
  seed: number
  /** The number of pairs that were left out because they lie at a kink, or so near to one that differences cannot tell
   * the slopes. */
  skipped: number
  /** Whether everything is within its tolerance and at most a tenth of the pairs was left out. */
  passed: boolean
  /** What failed, one sentence each. Empty if the check passed. */
  faults: string[]
  /** The gradient component with the largest error, with its pair. */
  worst: GradCheckWorst
  /** The largest difference between a loss of the backend and the reference's loss, divided by the larger of the latter
   * and 1. */
  lossError: number
  /** The tolerances of the check, which depend on the dtype, the options and the number of pairs. */
  tolerances: GradCheckTolerances
  /** The deviation of each gradient. `target` is given with `gradTarget: true`. */
  byArgument: { pred: Deviation; target?: Deviation }
}

const OPTIONS = [
  ...LOSS_OPTIONS,
  'convention',
  'boxes',
  'seed',
  'format',
  'coder',
  'backend',
  'dtype',
  'gradTarget',
] as const satisfies (keyof GradCheckOptions)[]

const MOST_SKIPPED = 0.1

function tolerancesOf(
  dtype: DType,
  boxes: number,
  { power, focal, inner }: LossParams,
  isHead: boolean,
): GradCheckTolerances {
  // In float64 the tolerances are the errors that differences can have.
  if (dtype === 'float64') return { element: 2e-7, relativeL2: 1e-7, direction: 1e-13, bias: 1e-8, loss: 1e-10 }
  // In float32 the tolerances allow for rounding: 12 spacings of the largest component, less on average, and without a
  // preferred sign unless an option is rounded.
  const factor = (Math.max(power, 1 / power) * Math.max(focal, 1)) / Math.min(inner, 1)
  // Decoding rounds the corners of boxes, which are up to a hundred times as large as their differences.
  const decoding = isHead ? 256 : 1
  const element = decoding * factor * 12 * 2 ** -23
  const relativeL2 = decoding * factor * 2 ** -22 + element / Math.sqrt(boxes)
  const bias = decoding * factor * 2 ** -24 + element / Math.sqrt(boxes)
  return { element, relativeL2, direction: relativeL2 ** 2, bias, loss: decoding * factor * 1e-6 }
}

/**
 * Compares the analytic gradients of a backend with central differences at seeded random pairs of boxes. The pairs
 * overlap, lie apart, are nested, nearly match, or mix these by axis. Errors are in units of the largest component of a
 * pair's gradients.
 *
 * Differences are taken of the reference's loss in float64, whose plain formulas share no code with the kernels. The
 * losses of the backend are compared with it too, so the gradients are also the slopes of the backend's own losses.
 * Factors that are constant in the gradient (`a` of `ciou`, IoU^`focal`) are constant in the differences.
 *
 * In float32, rounding by 12 spacings is tolerated, and more with a `power`, `focal` or `inner` that magnifies it. Some
 * options magnify rounding without limit, such as `inner: 0.1` with `mode: 'log'`, the logarithm of a sliver. With
 * those, only float64 tells a wrong formula from rounding.
 *
 * @param name the loss. docs/losses.md has the formula, the source and the options of each.
 * @returns a report that says what was found, where it was worst, and whether it passed. A wrong gradient is reported,
 *   not thrown.
 * @throws {ScaLossError} an option is not as described, or the backend cannot run.
 */
export function gradCheck<L extends LossName, const O extends GradCheckOptions = NoOptions>(
  name: L,
  options?: Checked<O, GradCheckOptions, L, never>,
): GradCheckReport
export function gradCheck(name: LossName, options: GradCheckOptions = {}): GradCheckReport {
  const given = readOptions('options', options, OPTIONS)
  const { backend = 'auto', dtype = 'float32', gradTarget = true, ...problem } = given
  checkOneOf('backend', backend, BACKENDS)
  checkOneOf('dtype', dtype, DTYPES)
  checkBoolean('gradTarget', gradTarget)
  return checkGradient(drawProblem(name, problem), { backend: resolveBackend(backend), dtype, gradTarget })
}

/** How a gradient is computed. */
export interface Subject {
  backend: BackendName
  dtype: DType
  gradTarget: boolean
}

type EvaluateOptions = LossOptions & { backend: BackendName; format: Format; gradTarget: boolean }

/** Computes losses and gradients of pairs, as `boxLoss` does. */
export type Evaluate = (
  name: LossName,
  pred: FloatArray,
  target: FloatArray,
  options: EvaluateOptions,
) => { loss: FloatArray; grad: FloatArray; gradTarget: FloatArray | undefined }

const evaluateRows: Evaluate = (name, pred, target, options) =>
  boxLoss(name, pred, target, { ...options, reduction: 'none' })

/** Computes losses and gradients of raw numbers. */
function evaluateHead({ coder, prior }: NonNullable<Problem['head']>): Evaluate {
  return (name, raw, target, options) => {
    const own = raw.BYTES_PER_ELEMENT === 4 ? Float32Array.from(prior) : prior
    return headLoss(name, coder, raw, own, target, { ...options, reduction: 'none' })
  }
}

/** Runs the check. `evaluate` is for tests, which plant errors in it. */
export function checkGradient(
  problem: Problem,
  subject: Subject,
  evaluate = problem.head ? evaluateHead(problem.head) : evaluateRows,
): GradCheckReport {
  const { name, options, boxes, seed, format, slopes } = problem
  const { backend, dtype, gradTarget } = subject
  const tolerances = tolerancesOf(dtype, boxes, problem.params, problem.head !== undefined)
  const inDtype = (rows: FloatArray) => (dtype === 'float32' ? Float32Array.from(rows) : rows)
  const actual = evaluate(name, inDtype(problem.pred), inDtype(problem.target), {
    ...options,
    backend,
    format,
    gradTarget,
  })

  const deviations = (gradTarget ? (['pred', 'target'] as const) : (['pred'] as const)).map((argument) => {
    const gradient = argument === 'pred' ? actual.grad : actual.gradTarget!
    return { argument, ...deviationOf(gradient, slopes[argument], slopes.units) }
  })
  const { argument, worst } = deviations.reduce((a, b) =>
    Number.isNaN(a.worst.error) || b.worst.error <= a.worst.error ? a : b,
  )
  const rowOf = (rows: FloatArray) => {
    const columns = rows.length / boxes
    return [...rows.subarray(columns * worst.row, columns * (worst.row + 1))]
  }
  const largest = (of: 'relativeL2' | 'direction' | 'bias') => Math.max(...deviations.map((d) => d[of]))
  const lossError = slopes.losses.reduce(
    (most, loss, i) => Math.max(most, Math.abs(actual.loss[i] - loss) / Math.max(1, Math.abs(loss))),
    0,
  )
  const faults = deviations.flatMap((d) => faultsOf(d, tolerances).map((fault) => `${d.argument}: ${fault}`))
  if (!(lossError <= tolerances.loss)) faults.push(`loss: ${lossError} > ${tolerances.loss}`)
  const skipped = slopes.units.filter((unit) => unit === 0).length
  if (skipped > Math.ceil(MOST_SKIPPED * boxes)) faults.push(`skipped: ${skipped} of ${boxes} pairs`)
  return {
    name,
    options,
    backend,
    dtype,
    format,
    boxes,
    seed,
    skipped,
    passed: faults.length === 0,
    faults,
    worst: { ...worst, argument, pred: rowOf(problem.pred), target: rowOf(problem.target) },
    relativeL2: largest('relativeL2'),
    direction: largest('direction'),
    bias: largest('bias'),
    lossError,
    tolerances: { ...tolerances },
    byArgument: Object.fromEntries(deviations.map(({ argument, ...deviation }) => [argument, deviation])) as {
      pred: Deviation
    },
  }
}
