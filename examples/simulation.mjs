import { simulate } from 'scaloss/simulation'

// Moves 18,000 boxes onto their targets by gradient descent, once with each of three losses, and shows the mean IoU on
// the way: the simulation experiment of the SCALoss paper. `npx scaloss simulate` has the other losses, and options.

const ITERATIONS = 200
const LOSSES = /** @type {const} */ (['sca', 'so', 'cd'])

/** @param {(string | number)[]} cells */
const printRow = (cells) => console.log(cells.map((cell) => String(cell).padStart(9)).join(' '))

const started = performance.now()
// The three descents run in step, so that the table can grow while they do.
const runs = LOSSES.map((loss) => ({
  loss,
  steps: simulate(loss, { iterations: ITERATIONS, enlarge: true }),
  meanIou: 0,
  toHalf: 'never',
}))

for (let t = 0; t <= ITERATIONS; t++) {
  for (const run of runs) {
    const { value: state } = run.steps.next()
    if (!state) throw new Error(`${run.loss} ended before iteration ${t}`)
    if (run.toHalf === 'never' && state.meanIou >= 0.5) run.toHalf = String(t)
    run.meanIou = state.meanIou
    if (t === 0 && run === runs[0]) {
      console.log(`${state.boxes.length / 4} boxes, backend ${state.backend}. Mean IoU:\n`)
      printRow(['iteration', ...LOSSES])
    }
  }
  if (t === 10 || t % 20 === 0) printRow([t, ...runs.map((run) => run.meanIou.toFixed(4))])
}

const seconds = ((performance.now() - started) / 1000).toFixed(2)
const ends = runs.map((run) => `${run.loss} ${run.meanIou.toFixed(3)}`).join(', ')
const toHalf = runs.map((run) => `${run.loss} ${run.toHalf}`).join(', ')
console.log(`
Mean IoU after ${ITERATIONS} steps: ${ends}. Steps to a mean IoU of 0.5: ${toHalf}.
so measures the width and height two boxes share, cd how far apart their corners are; sca = so + 0.5 cd
does both at once. Its gradient is usually the longest too, so part of a lead at a small rate is mere step
size: see how the order changes with the rate (npx scaloss simulate --enlarge --lr 0.5) before calling a
loss the best.

${seconds} s in all: ${runs.length * (ITERATIONS + 1)} passes, each with loss, gradient and IoU, and the updates.`)
