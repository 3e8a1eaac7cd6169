import { quartiles } from '../support.mjs'

/**
 * @import { cuda } from 'scaloss'
 * @typedef {ReturnType<typeof cuda.device>} Device
 * @typedef {Device['defaultStream']} Stream
 * @typedef {ReturnType<typeof quartiles>} Quartiles
 * @typedef {object} Budget Milliseconds.
 * @property {number} sample One timing: enough calls that the clock and the start of an idle GPU vanish in it.
 * @property {number} cell All timings of a row.
 * @property {number} warmUp Before a group of rows, so that the clocks of an idle GPU are up.
 */

/** @type {Budget} */
const FULL = { sample: 5, cell: 60, warmUp: 1500 }
/** @type {Budget} */
const QUICK = { sample: 0.5, cell: 2, warmUp: 10 }
/** @param {boolean} quick */
export const budgetOf = (quick) => (quick ? QUICK : FULL)

const MOST_CALLS = 1000
const SAMPLES = { least: 5, most: 100 }

/**
 * @param {number} low
 * @param {number} value
 * @param {number} high
 */
const clamp = (low, value, high) => Math.min(Math.max(low, Math.round(value)), high)

/**
 * Milliseconds of a call, from samples of as many calls as the budget wants. The first calls, which load code and make
 * workspaces, do not count.
 * @param {(calls: number) => number} sample Milliseconds that so many calls take.
 * @param {Budget} budget
 */
function samples(sample, budget) {
  sample(2)
  const estimate = Math.max(sample(3) / 3, 1e-5)
  const calls = clamp(1, budget.sample / estimate, MOST_CALLS)
  const count = clamp(SAMPLES.least, budget.cell / (calls * estimate), SAMPLES.most)
  return quartiles(Array.from({ length: count }, () => sample(calls) / calls))
}

/**
 * Milliseconds of a call on the device, between events.
 * @param {Stream} stream
 * @param {(turn: number) => void} enqueue Turn 0, 1, 2 ... so that it can take other buffers each time.
 * @param {Budget} budget
 */
export function timeOnDevice(stream, enqueue, budget) {
  let turn = 0
  const sample = (/** @type {number} */ calls) => {
    const start = stream.record()
    for (let i = 0; i < calls; i++) enqueue(turn++)
    const end = stream.record()
    const milliseconds = end.since(start)
    start.dispose()
    end.dispose()
    return milliseconds
  }
  return samples(sample, budget)
}

/**
 * Milliseconds of a call on the host's clock. What `after` does once the calls of a sample are over does not count.
 * @param {() => unknown} call
 * @param {Budget} budget
 * @param {() => void} [after]
 */
export function timeOnHost(call, budget, after = () => {}) {
  const sample = (/** @type {number} */ calls) => {
    const start = process.hrtime.bigint()
    for (let i = 0; i < calls; i++) call()
    const milliseconds = Number(process.hrtime.bigint() - start) / 1e6
    after()
    return milliseconds
  }
  return samples(sample, budget)
}

/**
 * Keeps the device at work.
 * @param {Device} device
 * @param {() => void} enqueue
 * @param {number} milliseconds
 */
export function warmUp(device, enqueue, milliseconds) {
  const end = performance.now() + milliseconds
  while (performance.now() < end) {
    for (let i = 0; i < 10; i++) enqueue()
    device.synchronize()
  }
}

/**
 * @param {Quartiles} times
 * @param {number} factor
 * @returns {Quartiles}
 */
export const scale = ({ median, q1, q3 }, factor) => ({ median: median * factor, q1: q1 * factor, q3: q3 * factor })

/**
 * Milliseconds of so many bytes as GB/s.
 * @param {Quartiles} times
 * @param {number} bytes
 * @returns {Quartiles}
 */
export const bandwidth = ({ median, q1, q3 }, bytes) => ({
  median: bytes / 1e6 / median,
  q1: bytes / 1e6 / q3,
  q3: bytes / 1e6 / q1,
})
