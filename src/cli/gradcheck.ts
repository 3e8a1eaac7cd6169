import { DTYPES } from '../core/dtypes.js'
import { LOSS_NAMES, LOSSES, type LossName, type LossSpec } from '../core/losses.js'
import type { BackendName, DType, LossOptions } from '../core/types.js'
import { checkGradient, type Evaluate, type GradCheckReport } from '../grad-check/grad-check.js'
import { drawProblem } from '../grad-check/problem.js'
import { BACKENDS, backends, resolveBackend } from '../native/backends.js'
import { alphaOf, DEFAULT_ALPHA, usesAlpha } from './alpha.js'
import { type Progress, withProgress } from './progress.js'
import { type Column, formatTable } from './table.js'
import { allOrOneOf, type Io, inLines, numberOf, parseOptions, someOf } from './usage.js'

const specOf = (name: LossName): LossSpec => LOSSES[name]

export const GRADCHECK_HELP = `Usage: scaloss gradcheck [options]

Compares the gradients with central differences of the loss, at random pairs of boxes. Prints the worst error of each:
of a component, in units of the largest one of its pair. Exit code 1 if a gradient is off by more than rounding.

  --losses <names>   all, or some with commas between them (default: all)
  --variants         each loss with each of its options, too
  --alpha <number>   weight of the corner distance in ${LOSS_NAMES.filter(usesAlpha).join(', ')} (default: ${DEFAULT_ALPHA})
  --backend <name>   all (that can run here), ${BACKENDS.join(', ')} (default: all)
  --dtype <name>     both, ${DTYPES.join(', ')} (default: both)
  --boxes <n>        number of pairs (default: 1000)
  --seed <n>         of the random numbers (default: 1)
  --json             print the full reports as JSON

Losses: ${inLines(LOSS_NAMES)}
`

/** The options that `--variants` adds for the losses that have them. */
const VARIANTS: LossOptions[] = [
  { alpha: 2 },
  { mode: 'log' },
  { mode: 'square' },
  { power: 3 },
  { inner: 0.75 },
  { focal: 0.5 },
  { detachAlpha: false },
  { beta: 0 },
  { constant: 30 },
  { convention: 'official' },
  { convention: 'torchvision' },
]

function isFor({ options, conventions }: LossSpec, { convention, ...others }: LossOptions): boolean {
  const known: readonly string[] = options
  return (
    (convention === undefined || conventions.includes(convention)) &&
    Object.keys(others).every((o) => known.includes(o))
  )
}

function parse(args: readonly string[]) {
  const values = parseOptions(args, {
    losses: { type: 'string', default: 'all' },
    variants: { type: 'boolean', default: false },
    alpha: { type: 'string' },
    backend: { type: 'string', default: 'all' },
    dtype: { type: 'string', default: 'both' },
    boxes: { type: 'string', default: '1000' },
    seed: { type: 'string', default: '1' },
    json: { type: 'boolean', default: false },
  })
  const { backend, dtype } = values
  const losses = someOf('losses', values.losses, LOSS_NAMES)
  const alpha = alphaOf(values.alpha, losses, LOSS_NAMES)
  return {
    losses,
    variants: values.variants,
    alpha: alpha === undefined ? {} : { alpha },
    backends: backend === 'all' ? available() : allOrOneOf('backend', backend, 'all', BACKENDS).map(resolveBackend),
    dtypes: allOrOneOf('dtype', dtype, 'both', DTYPES),
    boxes: numberOf('boxes', values.boxes, 'a whole number from 1 on', (n) => Number.isSafeInteger(n) && n >= 1),
    seed: numberOf('seed', values.seed, 'a whole number', Number.isSafeInteger),
    json: values.json,
  }
}

function available(): BackendName[] {
  const found = backends()
  return (Object.keys(found) as BackendName[]).filter((name) => found[name].available)
}

/** The reports of a loss with its options on a backend, one for each dtype. */
interface Row {
  label: string
  backend: BackendName
  reports: GradCheckReport[]
}

function check(
  { losses, variants, alpha, backends, dtypes, boxes, seed }: ReturnType<typeof parse>,
  progress: Progress,
  evaluate?: Evaluate,
): Row[] {
  const rows = losses.flatMap((name) => {
    const spec = specOf(name)
    const own = isFor(spec, alpha) ? alpha : {}
    const others = variants ? VARIANTS.filter((options) => isFor(spec, options)) : []
    return [{}, ...others].map((variant) => ({ name, own, variant }))
  })
  return rows.flatMap(({ name, own, variant }, i) => {
    const label = [name, ...Object.entries(variant).map(([option, value]) => `${option}=${value}`)].join(' ')
    progress.show(`${label} (${i + 1} of ${rows.length})`)
    const problem = drawProblem(name, { ...own, ...variant, boxes, seed })
    return backends.map((backend) => ({
      label,
      backend,
      reports: dtypes.map((dtype) => checkGradient(problem, { backend, dtype, gradTarget: true }, evaluate)),
    }))
  })
}

const ARGUMENTS = ['pred', 'target'] as const
const right = (title: string): Column => ({ title, align: 'right' })

function formatRows(rows: Row[], dtypes: readonly DType[]): string {
  const columns: Column[] = [
    { title: 'loss', align: 'left' },
    { title: 'backend', align: 'left' },
    ...dtypes.flatMap((dtype) => ARGUMENTS.map((argument) => right(`${dtype} ${argument}`))),
    right('at a kink'),
    { title: '', align: 'left' },
  ]
  const cells = rows.map(({ label, backend, reports }) => [
    label,
    backend,
    ...reports.flatMap(({ byArgument }) =>
      ARGUMENTS.map((argument) => byArgument[argument]!.worst.error.toExponential(1)),
    ),
    String(reports[0].skipped),
    reports.every(({ passed }) => passed) ? 'ok' : 'FAILED',
  ])
  return formatTable(columns, cells)
}

/** Describes what went wrong in a check, with the pair that shows it. */
function formatFailure(label: string, { backend, dtype, faults, worst }: GradCheckReport): string[] {
  const { argument, component, analytic, numeric } = worst
  return [
    '',
    `${label} on ${backend} in ${dtype}:`,
    ...faults.map((fault) => `  ${fault}`),
    `  pred [${worst.pred.join(', ')}], target [${worst.target.join(', ')}]`,
    `  component ${component} of the gradient for ${argument}: ${analytic}, by differences ${numeric}`,
  ]
}

/** Runs `scaloss gradcheck`: checks, prints, and returns the exit code, which is 1 if a gradient fails. Throws
 * `UsageError`, and `ScaLossError` for a backend that cannot run. `evaluate` is for tests. */
export function gradcheck(args: readonly string[], io: Io, evaluate?: Evaluate): number {
  const options = parse(args)
  const rows = withProgress(io, (progress) => check(options, progress, evaluate))
  const reports = rows.flatMap((row) => row.reports)
  const failed = rows.flatMap(({ label, reports }) =>
    reports.filter(({ passed }) => !passed).flatMap((report) => formatFailure(label, report)),
  )
  const passed = failed.length === 0
  if (options.json) io.stdout.write(`${JSON.stringify({ passed, reports }, null, 2)}\n`)
  else {
    const count = reports.filter(({ passed }) => passed).length
    io.stdout.write(
      [
        `${options.boxes} random pairs each, seed ${options.seed}; worst error of a component, of the largest one of its pair`,
        '',
        formatRows(rows, options.dtypes),
        `passed: ${count} of ${reports.length}`,
        ...failed,
        '',
      ].join('\n'),
    )
  }
  return passed ? 0 : 1
}
