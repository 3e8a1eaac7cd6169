import { parseArgs } from 'node:util'
import { makeCases, simulate } from './simulation-core.mjs'

const HELP = `usage: node examples/simulation.mjs [options]

Moves 18,000 boxes onto their targets by gradient descent, once with each of three losses, and shows
the mean IoU on the way (the simulation experiment of the SCALoss paper).

  --lr <number>          learning rate (default 0.1)
  --iterations <count>   steps of gradient descent (default 200)
  --backend <name>       auto, cuda, cpu or js (default auto)
  --help                 this text`

const LOSSES = /** @type {const} */ (['sca', 'so', 'cd'])
const BACKENDS = /** @type {const} */ (['auto', 'cuda', 'cpu', 'js'])

/** @param {string} message */
function usageError(message) {
  console.error(`${message}\n\n${HELP}`)
  process.exit(2)
}

function readOptions() {
  const { values } = parseArgs({
    options: {
      lr: { type: 'string', default: '0.1' },
      iterations: { type: 'string', default: '200' },
      backend: { type: 'string', default: 'auto' },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) {
    console.log(HELP)
    process.exit(0)
  }
  const lr = Number(values.lr)
  if (!(lr > 0 && Number.isFinite(lr))) usageError(`--lr must be a positive number, not '${values.lr}'`)
  const iterations = Number(values.iterations)
  if (!(Number.isInteger(iterations) && iterations > 0))
    usageError(`--iterations must be a positive whole number, not '${values.iterations}'`)
  const backend = BACKENDS.find((name) => name === values.backend)
  if (!backend) usageError(`--backend must be one of ${BACKENDS.join(', ')}, not '${values.backend}'`)
  return { lr, iterations, backend: backend ?? 'auto' }
}

/** @param {(string | number)[]} cells */
const printRow = (cells) => console.log(cells.map((cell) => String(cell).padStart(9)).join(' '))

const { lr, iterations, backend } = readOptions()
const started = performance.now()
// The three descents run in step, so that the table can grow while they do.
const runs = LOSSES.map((loss) => ({
  loss,
  steps: simulate(loss, { lr, iterations, backend }),
  meanIou: 0,
  toHalf: 'never',
}))

for (let t = 0; t <= iterations; t++) {
  for (const run of runs) {
    const { value: state } = run.steps.next()
    if (!state) throw new Error(`${run.loss} ended before iteration ${t}`)
    if (run.toHalf === 'never' && state.meanIou >= 0.5) run.toHalf = String(t)
    run.meanIou = state.meanIou
    if (t === 0 && run === runs[0]) {
      console.log(`${makeCases().boxes.length / 4} boxes, backend ${state.backend}, learning rate ${lr}. Mean IoU:\n`)
      printRow(['iteration', ...LOSSES])
    }
  }
  const shown = t === 10 || t % 20 === 0 || t === iterations
  if (shown) printRow([t, ...runs.map((run) => run.meanIou.toFixed(4))])
}

const seconds = ((performance.now() - started) / 1000).toFixed(2)
const ends = runs.map((run) => `${run.loss} ${run.meanIou.toFixed(3)}`).join(', ')
const toHalf = runs.map((run) => `${run.loss} ${run.toHalf}`).join(', ')
console.log(`
Mean IoU after ${iterations} steps: ${ends}. Steps to a mean IoU of 0.5: ${toHalf}.
so measures the width and height two boxes share, cd how far apart their corners are; sca = so + 0.5 cd
does both at once. Its gradient is usually the longest too, so part of a lead at a small rate is mere step
size: see how the order changes with the rate (--lr 0.5) before calling a loss the best.

${seconds} s in all: ${runs.length * (iterations + 1)} calls of boxLoss, each with gradient and IoU, and the updates.`)
