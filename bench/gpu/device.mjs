import { checkTail } from './check.mjs'
import { BYTES, requiredOptions } from './inputs.mjs'
import { makePool } from './pool.mjs'
import { bandwidth, timeOnDevice, warmUp } from './timing.mjs'

// Times calls whose boxes, losses and gradients stay in device memory, so that each call only enqueues a kernel.

/**
 * @import { LossName } from 'scaloss'
 * @import { DType } from './inputs.mjs'
 * @import { Pool, Slice } from './pool.mjs'
 * @import { Budget, Device, Quartiles } from './timing.mjs'
 * @typedef {'fused' | 'forward'} Pass
 * @typedef {'mean' | 'sum' | 'none'} Reduction
 * @typedef {{ loss: LossName, axes: 2 | 3, dtype: DType, reduction: Reduction, pass: Pass, boxes: number }} Case
 * @typedef {Case & { ms: Quartiles, bytes: number, gbPerS: Quartiles }} Row `bytes`: of a box, read and written.
 * @typedef {object} Scope What to time.
 * @property {readonly { loss: LossName, axes: 2 | 3 }[]} losses
 * @property {readonly number[]} sizes
 * @property {readonly Pass[]} passes
 * @property {number} largestOfThreeAxes Boxes.
 * @property {number} tail Boxes whose gradients are compared with the CPU's at the largest size.
 * @property {number} rotateBytes More than any L2 holds.
 * @property {Budget} budget
 * @property {(text: string) => void} say
 * @property {(what: string, error: unknown) => void} failed
 * @typedef {object} OfStorage
 * @property {LossName[]} losses
 * @property {number} boxes
 * @property {(loss: LossName, dtype: DType) => boolean} isRight Whether the results are right; others are not timed.
 * @typedef {Omit<Scope, 'losses' | 'sizes' | 'passes' | 'tail' | 'largestOfThreeAxes'> & OfStorage} StorageScope
 */

/** @param {Case} what */
function bytesOfBox({ axes, dtype, reduction, pass }) {
  const row = 2 * axes * BYTES[dtype]
  return (pass === 'fused' ? 3 : 2) * row + (reduction === 'none' ? BYTES[dtype] : 0)
}

/**
 * @param {Pool} pool
 * @param {Slice[]} slices
 * @param {Case} what
 * @param {Budget} budget
 * @returns {Row}
 */
function timeCase(pool, slices, what, budget) {
  const { device, dtype } = pool
  const { loss: name, reduction, pass, boxes } = what
  const loss = reduction === 'none' ? device.tensor(boxes, dtype) : pool.loss
  const calls = slices.map(({ pred, target, grad }) => ({
    pred,
    target,
    options: {
      ...requiredOptions(name),
      reduction,
      grad: pass === 'fused',
      out: { loss, invalid: pool.invalid, ...(pass === 'fused' && { grad }) },
    },
  }))
  const enqueue = (/** @type {number} */ turn) => {
    const { pred, target, options } = calls[turn % calls.length]
    device.boxLoss(name, pred, target, options)
  }
  const ms = timeOnDevice(device.defaultStream, enqueue, budget)
  if (reduction === 'none') loss.dispose()
  const bytes = bytesOfBox(what)
  return { ...what, ms, bytes, gbPerS: bandwidth(ms, bytes * boxes) }
}

/**
 * GB/s of a device-to-device copy, bytes read and written.
 * @param {Pool} pool
 * @param {Budget} budget
 */
function timeCopy({ device, pred, grad }, budget) {
  const ms = timeOnDevice(device.defaultStream, () => grad.copyFrom(pred), budget)
  return bandwidth(ms, 2 * pred.byteLength)
}

/**
 * Times every loss at every size in float32. The copy is timed before each size and after the last, as the ceiling
 * under the same conditions.
 * @param {Device} device
 * @param {Row[]} rows Receives the rows one by one: what fails later does not take them along.
 * @param {Quartiles[]} copies Receives GB/s.
 * @param {Scope} scope
 */
export function timeLosses(device, rows, copies, scope) {
  const { rotateBytes, budget, say } = scope
  for (const axes of /** @type {const} */ ([2, 3])) {
    const losses = scope.losses.filter((loss) => loss.axes === axes)
    const sizes = scope.sizes.filter((boxes) => axes === 2 || boxes <= scope.largestOfThreeAxes)
    const largest = Math.max(...sizes)
    if (losses.length === 0 || sizes.length === 0) continue
    const boxes = Math.max(largest, Math.ceil(rotateBytes / (6 * axes * BYTES.float32)))
    const pool = makePool(device, { boxes, axes })
    warmUp(device, () => pool.grad.copyFrom(pool.pred), budget.warmUp)
    for (const boxes of sizes) {
      const slices = pool.slices(boxes, rotateBytes)
      copies.push(timeCopy(pool, budget))
      for (const { loss } of losses)
        try {
          if (boxes === largest) checkTail(pool, loss, { boxes, last: Math.min(boxes, scope.tail) })
          for (const pass of scope.passes) {
            const what = /** @type {const} */ ({ loss, axes, dtype: 'float32', reduction: 'mean', pass, boxes })
            rows.push(timeCase(pool, slices, what, budget))
          }
        } catch (error) {
          scope.failed(`${loss}, ${boxes} boxes`, error)
        }
      say(`${boxes} boxes, ${axes} axes: ${losses.length} losses, copy ${copies.at(-1)?.median.toFixed(0)} GB/s`)
    }
    copies.push(timeCopy(pool, budget))
    pool.dispose()
  }
}

const STORAGE = /** @type {const} */ ([
  ['float32', 'none'],
  ['float64', 'sum'],
  ['float16', 'sum'],
  ['bfloat16', 'sum'],
])

/**
 * Other storage than float32, and losses of each box.
 * @param {Device} device
 * @param {Row[]} rows Receives the rows.
 * @param {StorageScope} scope
 */
export function timeStorage(device, rows, { losses, boxes, rotateBytes, budget, say, failed, isRight }) {
  for (const [dtype, reduction] of STORAGE)
    try {
      const least = Math.ceil(rotateBytes / (12 * BYTES[dtype]))
      const pool = makePool(device, { boxes: Math.max(boxes, Math.ceil(least / boxes) * boxes), axes: 2, dtype })
      warmUp(device, () => pool.grad.copyFrom(pool.pred), budget.warmUp / 3)
      const slices = pool.slices(boxes, rotateBytes)
      for (const loss of losses.filter((loss) => isRight(loss, dtype))) {
        const what = /** @type {const} */ ({ loss, axes: 2, dtype, reduction, pass: 'fused', boxes })
        rows.push(timeCase(pool, slices, what, budget))
      }
      pool.dispose()
      say(`${dtype}, ${reduction}: ${boxes} boxes`)
    } catch (error) {
      failed(`${dtype}, ${reduction}`, error)
    }
}
