import { DTYPES } from '../core/dtypes.js'
import type { LossName } from '../core/losses.js'
import type { LossOptions } from '../core/types.js'
import { BACKENDS, resolveBackend } from '../native/backends.js'
import {
  GEOMETRIES,
  lossOptions,
  SIMULATION_LOSSES,
  type SimulationOptions,
  simulate,
  simulationCases,
} from '../simulation/simulation.js'
import { alphaOf, DEFAULT_ALPHA, usesAlpha } from './alpha.js'
import { type Progress, withProgress } from './progress.js'
import { type Column, formatTable } from './table.js'
import { type Io, inLines, numberOf, oneOf, parseOptions, someOf, UsageError } from './usage.js'

/** The losses of the paper's figure, and the two parts of SCALoss. */
const DEFAULT_LOSSES = 'iou,giou,diou,ciou,so,cd,sca'
/** The approximate number of rows in a table of iterations. */
const ROWS = 10

export const SIMULATE_HELP = `Usage: scaloss simulate [options]

The simulation experiment of the SCALoss paper: moves 3600 anchors onto each of 5 targets by gradient descent with each
loss, and prints the mean IoU and the total L1 distance on the way.

  --losses <names>    all, or some with commas between them (default: ${DEFAULT_LOSSES})
  --alpha <number>    weight of the corner distance in ${SIMULATION_LOSSES.filter(usesAlpha).join(', ')} (default: ${DEFAULT_ALPHA})
  --lr <number>       learning rate; a tenth of it after 80 % of the steps, a hundredth after 90 % (default: 0.1)
  --enlarge           multiply each step by 2 - IoU
  --geometry <name>   ${GEOMETRIES.join(', ')}: most anchors overlap their target, or most do not (default: dense)
  --iterations <n>    steps of gradient descent (default: 200)
  --dtype <name>      ${DTYPES.join(', ')} (default: float32)
  --backend <name>    ${BACKENDS.join(', ')} (default: auto)
  --json              print parameters and every iteration as JSON
  --csv               print every iteration as CSV: loss, iteration, mean_iou, total_l1

Losses: ${inLines(SIMULATION_LOSSES)}
`

function parse(args: readonly string[]) {
  const values = parseOptions(args, {
    losses: { type: 'string', default: DEFAULT_LOSSES },
    alpha: { type: 'string' },
    lr: { type: 'string', default: '0.1' },
    enlarge: { type: 'boolean', default: false },
    geometry: { type: 'string', default: 'dense' },
    iterations: { type: 'string', default: '200' },
    dtype: { type: 'string', default: 'float32' },
    backend: { type: 'string', default: 'auto' },
    json: { type: 'boolean', default: false },
    csv: { type: 'boolean', default: false },
  })
  const { json, csv } = values
  if (json && csv) throw new UsageError('--csv: expected one form of output, got --json too')
  const losses = someOf('losses', values.losses, SIMULATION_LOSSES)
  return {
    losses,
    alpha: alphaOf(values.alpha, losses, SIMULATION_LOSSES) ?? DEFAULT_ALPHA,
    lr: numberOf('lr', values.lr, 'a finite number above 0', (lr) => Number.isFinite(lr) && lr > 0),
    enlarge: values.enlarge,
    geometry: oneOf('geometry', values.geometry, GEOMETRIES),
    iterations: numberOf(
      'iterations',
      values.iterations,
      'a whole number from 1 on',
      (n) => Number.isSafeInteger(n) && n >= 1,
    ),
    dtype: oneOf('dtype', values.dtype, DTYPES),
    backend: resolveBackend(oneOf('backend', values.backend, BACKENDS)),
    form: json ? ('json' as const) : csv ? ('csv' as const) : ('table' as const),
  }
}

type Options = ReturnType<typeof parse>

/** The result of one loss. The curves have an entry for each t from 0 to T. */
interface Run {
  loss: LossName
  options: LossOptions
  meanIou: number[]
  totalL1: number[]
}

function runLoss(loss: LossName, { alpha, ...options }: Options, show: (done: number) => void): Run {
  const { geometry, lr, iterations, enlarge, dtype, backend } = options
  const own = lossOptions(loss, usesAlpha(loss) ? { alpha } : {})
  const how: SimulationOptions = { geometry, lr, iterations, enlarge, dtype, backend }
  const run: Run = { loss, options: own, meanIou: [], totalL1: [] }
  for (const { iteration, meanIou, totalL1 } of simulate(loss, { ...own, ...how })) {
    run.meanIou.push(meanIou)
    run.totalL1.push(totalL1)
    show(iteration)
  }
  return run
}

function runAll(options: Options, progress: Progress): Run[] {
  const { losses, iterations } = options
  return losses.map((loss, i) =>
    runLoss(loss, options, (t) =>
      progress.show(`${loss} (${i + 1} of ${losses.length}): iteration ${t} of ${iterations}`),
    ),
  )
}

/** The parameters of the run, for readers who see only the numbers. */
function parametersOf({ geometry, lr, enlarge, iterations, dtype, backend }: Options) {
  return { geometry, cases: simulationCases(geometry).boxes.length / 4, lr, enlarge, iterations, dtype, backend }
}

function formatCsv(runs: Run[]): string {
  const rows = runs.flatMap(({ loss, meanIou, totalL1 }) =>
    meanIou.map((value, t) => `${loss},${t},${value},${totalL1[t]}\n`),
  )
  return `loss,iteration,mean_iou,total_l1\n${rows.join('')}`
}

/** Returns about `ROWS` evenly spaced iterations, and the last one. */
function shownIterations(iterations: number): number[] {
  const step = Math.ceil(iterations / ROWS)
  const even = Array.from({ length: Math.ceil(iterations / step) }, (_, i) => i * step)
  return [...even, iterations]
}

function formatCurves(runs: Run[], iterations: number, cell: (run: Run, t: number) => string): string {
  const columns: Column[] = ['iteration', ...runs.map(({ loss }) => loss)].map((title) => ({ title, align: 'right' }))
  return formatTable(
    columns,
    shownIterations(iterations).map((t) => [String(t), ...runs.map((run) => cell(run, t))]),
  )
}

function formatOptions(runs: Run[]): string {
  const withOptions = runs.filter(({ options }) => Object.keys(options).length > 0)
  return withOptions
    .map(({ loss, options }) => {
      const pairs = Object.entries(options).map(([option, value]) => `${option} ${value}`)
      return `${loss}: ${pairs.join(', ')}\n`
    })
    .join('')
}

function formatReport(options: Options, runs: Run[]): string {
  const { cases, geometry, lr, enlarge, iterations, dtype, backend } = parametersOf(options)
  const step = enlarge ? ', steps times 2 - IoU' : ''
  return [
    `${cases} boxes, geometry ${geometry}, learning rate ${lr}${step}, ${dtype}, backend ${backend}`,
    formatOptions(runs),
    'mean IoU',
    formatCurves(runs, iterations, ({ meanIou }, t) => meanIou[t].toFixed(4)),
    'total L1',
    formatCurves(runs, iterations, ({ totalL1 }, t) => totalL1[t].toFixed(totalL1[t] < 1000 ? 2 : 0)),
  ].join('\n')
}

/** Runs `scaloss simulate`: runs the simulation and prints it. Throws `UsageError`, and `ScaLossError` for a backend
 * that cannot run. */
export function simulateCommand(args: readonly string[], io: Io): void {
  const options = parse(args)
  const runs = withProgress(io, (progress) => runAll(options, progress))
  if (options.form === 'json')
    io.stdout.write(`${JSON.stringify({ parameters: parametersOf(options), runs }, null, 2)}\n`)
  else io.stdout.write(options.form === 'csv' ? formatCsv(runs) : formatReport(options, runs))
}
