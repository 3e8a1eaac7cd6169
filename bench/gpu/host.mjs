import { alloc, boxLoss, createPlan } from 'scaloss'
import { sameBits } from './check.mjs'
import { BYTES, fill, mixedBoxes, requiredOptions } from './inputs.mjs'
import { bandwidth, timeOnHost, warmUp } from './timing.mjs'

// Times what the caller waits for, on the clock of the host: small calls, and boxes that lie in host memory.

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
 * @property {(what: string, error: unknown) => void} failed
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
 * Milliseconds of small calls of a loss.
 * @param {Device} device
 * @param {LossName} loss
 * @param {number} boxes
 * @param {Budget} budget
 * @returns {Record<keyof typeof CALLS, Quartiles>}
 */
function timeCalls(device, loss, boxes, budget) {
  const { pred, target } = mixedBoxes(boxes)
  const required = requiredOptions(loss)

  const tensors = { pred: device.tensor(pred), target: device.tensor(target) }
  const out = {
    loss: device.tensor(1, 'float64'),
    grad: device.tensor(pred.length, 'float32'),
    invalid: device.tensor(1, 'float64'),
  }
  const deviceOptions = { ...required, out }
  const enqueue = () => device.boxLoss(loss, tensors.pred, tensors.target, deviceOptions)
  const value = new Float64Array(1)
  const result = () => {
    enqueue()
    out.loss.read(value)
  }

  const onHost = (/** @type {'cuda' | 'cpu'} */ backend) => {
    const options = { ...required, backend, out: { grad: new Float32Array(pred.length) } }
    return () => boxLoss(loss, pred, target, options)
  }
  const onCuda = onHost('cuda')
  const onCpu = onHost('cpu')
  const plan = createPlan(loss, { ...required, boxes, backend: 'cuda' })
  plan.pred.set(pred)
  plan.target.set(target)

  const expected = onCpu()
  result()
  for (const [what, got] of Object.entries({
    'device tensors': { loss: value[0], grad: out.grad.read() },
    'host arrays': onCuda(),
    plan: plan.run(),
  })) {
    sameBits(`${what}: loss`, Float64Array.of(Number(got.loss)), Float64Array.of(expected.loss))
    sameBits(`${what}: gradient`, got.grad ?? new Float32Array(), expected.grad)
  }

  warmUp(device, enqueue, budget.warmUp / 10)
  const short = { ...budget, sample: Math.min(budget.sample, ENQUEUED) }
  const times = {
    enqueue: timeOnHost(enqueue, short, () => device.synchronize()),
    result: timeOnHost(result, budget),
    host: timeOnHost(onCuda, budget),
    plan: timeOnHost(() => plan.run(), budget),
    cpu: timeOnHost(onCpu, budget),
  }
  plan.dispose()
  for (const tensor of [...Object.values(tensors), ...Object.values(out)]) tensor.dispose()
  return times
}

/**
 * @param {Device} device
 * @param {LatencyRow[]} rows Receives the rows.
 * @param {What} what
 */
export function timeLatency(device, rows, { losses, sizes, budget, say, failed }) {
  for (const loss of losses)
    for (const boxes of sizes)
      try {
        const times = timeCalls(device, loss, boxes, budget)
        for (const [what, ms] of Object.entries(times)) rows.push({ what, loss, boxes, ms })
        say(`${loss}, ${boxes} boxes: ${(1e3 * times.result.median).toFixed(1)} µs to the result`)
      } catch (error) {
        failed(`small calls of ${loss}, ${boxes} boxes`, error)
      }
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
 * One call over arrays in host memory, on CUDA and on the CPU.
 * @param {LossName} loss
 * @param {Record<'pred' | 'target' | 'grad', Float32Array>} arrays
 * @param {Budget} budget
 */
function timeBackends(loss, { pred, target, grad }, budget) {
  const call = (/** @type {'cuda' | 'cpu'} */ backend) => {
    const options = { ...requiredOptions(loss), backend, out: { grad } }
    return () => boxLoss(loss, pred, target, options)
  }
  const onCpu = call('cpu')
  const onCuda = call('cuda')
  const { loss: expected } = onCpu()
  const expectedGrad = grad.slice()
  grad.fill(NaN)
  sameBits('loss', Float64Array.of(onCuda().loss), Float64Array.of(expected))
  sameBits('gradient', grad, expectedGrad)
  return { ms: timeOnHost(onCuda, budget), cpu: timeOnHost(onCpu, budget) }
}

/**
 * Times calls over ordinary arrays and over pinned ones. Their limit is the slower direction of the copies, because
 * both directions overlap.
 * @param {{ up: Quartiles, down: Quartiles }} copies
 * @param {HostRow[]} rows Receives the rows.
 * @param {What} what
 */
export function timeHostArrays(copies, rows, { losses, sizes, budget, say, failed }) {
  for (const boxes of sizes) {
    const limit = (boxes * Math.max(UP / copies.up.median, DOWN / copies.down.median)) / 1e6
    const block = mixedBoxes(Math.min(boxes, BLOCK))
    for (const memory of /** @type {const} */ (['ordinary', 'pinned'])) {
      const array = () =>
        memory === 'ordinary' ? new Float32Array(4 * boxes) : alloc(boxes, 'float32', { backend: 'cuda' })
      const arrays = { pred: fill(array(), block.pred), target: fill(array(), block.target), grad: array() }
      for (const loss of losses)
        try {
          const { ms, cpu } = timeBackends(loss, arrays, budget)
          rows.push({ loss, memory, boxes, ms, limit, cpu })
          say(`${loss}, ${boxes} boxes, ${memory}: ${ms.median.toFixed(2)} ms, CPU ${cpu.median.toFixed(2)} ms`)
        } catch (error) {
          failed(`${loss}, ${boxes} boxes in ${memory} arrays`, error)
        }
    }
  }
}
