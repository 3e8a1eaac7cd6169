import { alloc, boxLoss, createPlan } from 'scaloss'
import { BYTES, fill, mixedBoxes, requiredOptions } from './inputs.mjs'
import { bandwidth, timeOnHost, warmUp } from './timing.mjs'

// What the caller waits for, on the host's clock: small calls, and boxes that lie in host memory.

/**
 * @import { LossName } from 'scaloss'
 * @import { Budget, Device, Quartiles } from './timing.mjs'
 * @typedef {{ what: string, loss: LossName, boxes: number, ms: Quartiles }} LatencyRow
 * @typedef {'ordinary' | 'pinned'} Memory
 * @typedef {object} HostRow
 * @property {LossName} loss
 * @property {Memory} memory
 * @property {number} boxes
 * @property {Quartiles} ms
 * @property {number} limit Milliseconds of the slower copy direction alone.
 * @property {Quartiles} cpu Milliseconds of the CPU backend over the same arrays.
 * @typedef {object} What
 * @property {LossName[]} losses
 * @property {number[]} sizes
 * @property {Budget} budget
 * @property {(text: string) => void} say
 */

const BLOCK = 2 ** 20 // boxes of random numbers; larger arrays repeat them
const UP = 8 * BYTES.float32 // bytes a box: prediction and target
const DOWN = 4 * BYTES.float32
const ENQUEUED = 0.5 // ms of calls between two waits: short of what fills the queue

/** The kinds of call in the order of the tables. */
export const CALLS = {
  enqueue: 'device tensors, call returns',
  result: 'device tensors, loss on the host',
  host: 'host arrays',
  plan: 'plan.run()',
  cpu: "host arrays, backend 'cpu'",
}

/**
 * Milliseconds of small calls.
 * @param {Device} device
 * @param {What} what
 */
export function timeLatency(device, { losses, sizes, budget, say }) {
  /** @type {LatencyRow[]} */
  const rows = []
  for (const loss of losses)
    for (const boxes of sizes) {
      const { pred, target } = mixedBoxes(boxes)
      const required = requiredOptions(loss)

      const tensors = { pred: device.tensor(pred), target: device.tensor(target) }
      const out = {
        loss: device.tensor(1, 'float64'),
        grad: device.tensor(pred.length, 'float32'),
        invalid: device.tensor(1, 'float64'),
      }
      const enqueue = () => device.boxLoss(loss, tensors.pred, tensors.target, { ...required, out })
      const value = new Float64Array(1)
      const result = () => {
        enqueue()
        out.loss.read(value)
      }

      const hostOut = { grad: new Float32Array(pred.length) }
      const onHost = (/** @type {'cuda' | 'cpu'} */ backend) => {
        const options = { ...required, backend, out: hostOut }
        return () => boxLoss(loss, pred, target, options)
      }
      const plan = createPlan(loss, { ...required, boxes, backend: 'cuda' })
      plan.pred.set(pred)
      plan.target.set(target)

      warmUp(device, enqueue, budget.warmUp / 10)
      const short = { ...budget, sample: Math.min(budget.sample, ENQUEUED) }
      const times = {
        enqueue: timeOnHost(enqueue, short, () => device.synchronize()),
        result: timeOnHost(result, budget),
        host: timeOnHost(onHost('cuda'), budget),
        plan: timeOnHost(() => plan.run(), budget),
        cpu: timeOnHost(onHost('cpu'), budget),
      }
      for (const [what, ms] of Object.entries(times)) rows.push({ what, loss, boxes, ms })
      plan.dispose()
      for (const tensor of [...Object.values(tensors), ...Object.values(out)]) tensor.dispose()
      say(`${loss}, ${boxes} boxes: ${(1e3 * times.result.median).toFixed(1)} µs to the result`)
    }
  return rows
}

/**
 * GB/s of copies between a pinned array and the device, each direction alone.
 * @param {Device} device
 * @param {{ bytes: number, budget: Budget }} what
 */
export function timePinnedCopies(device, { bytes, budget }) {
  const host = alloc(bytes / (4 * BYTES.float32), 'float32', { backend: 'cuda' })
  fill(host, mixedBoxes(Math.min(BLOCK, host.length / 4)).pred)
  const tensor = device.tensor(host.length, 'float32')
  const write = () => {
    tensor.write(host)
    device.synchronize()
  }
  const up = bandwidth(timeOnHost(write, budget), host.byteLength)
  const down = bandwidth(
    timeOnHost(() => tensor.read(host), budget),
    host.byteLength,
  )
  tensor.dispose()
  return { up, down }
}

/**
 * One call over ordinary arrays and over pinned ones, both directions of the copies overlapped, against the slower direction alone.
 * @param {{ up: Quartiles, down: Quartiles }} copies
 * @param {What} what
 */
export function timeHostArrays(copies, { losses, sizes, budget, say }) {
  const limitOf = (/** @type {number} */ boxes) =>
    Math.max((UP * boxes) / copies.up.median, (DOWN * boxes) / copies.down.median) / 1e6
  /** @type {HostRow[]} */
  const rows = []
  for (const boxes of sizes) {
    const block = mixedBoxes(Math.min(boxes, BLOCK))
    /** @type {Record<Memory, () => Float32Array>} */
    const memories = {
      ordinary: () => new Float32Array(4 * boxes),
      pinned: () => alloc(boxes, 'float32', { backend: 'cuda' }),
    }
    for (const memory of /** @type {Memory[]} */ (Object.keys(memories))) {
      const array = memories[memory]
      const pred = fill(array(), block.pred)
      const target = fill(array(), block.target)
      const out = { grad: array() }
      for (const loss of losses) {
        const call = (/** @type {'cuda' | 'cpu'} */ backend) => {
          const options = { ...requiredOptions(loss), backend, out }
          return () => boxLoss(loss, pred, target, options)
        }
        const expected = call('cpu')()
        const grad = out.grad.slice()
        out.grad.fill(NaN)
        const { loss: got } = call('cuda')()
        if (got !== expected.loss || Buffer.compare(Buffer.from(grad.buffer), bytesOf(out.grad)) !== 0)
          throw new Error(`${loss} over ${boxes} boxes in ${memory} arrays differs from backend 'cpu'`)
        const ms = timeOnHost(call('cuda'), budget)
        const cpu = timeOnHost(call('cpu'), budget)
        rows.push({ loss, memory, boxes, ms, limit: limitOf(boxes), cpu })
        say(`${loss}, ${boxes} boxes, ${memory}: ${ms.median.toFixed(2)} ms, CPU ${cpu.median.toFixed(2)} ms`)
      }
    }
  }
  return rows
}

/** @param {Float32Array} array */
const bytesOf = ({ buffer, byteOffset, byteLength }) => Buffer.from(buffer, byteOffset, byteLength)
