import { boxLoss } from 'scaloss'
import { mixedBoxes, requiredOptions } from './inputs.mjs'

/**
 * @import { FloatArray, LossName } from 'scaloss'
 * @import { DType } from './inputs.mjs'
 * @import { Device } from './timing.mjs'
 * @import { Pool } from './pool.mjs'
 */

/**
 * Throws where the bits differ.
 * @param {string} what
 * @param {FloatArray | Uint16Array} got
 * @param {FloatArray | Uint16Array} expected
 */
export function sameBits(what, got, expected) {
  const bytes = (/** @type {FloatArray | Uint16Array} */ a) => Buffer.from(a.buffer, a.byteOffset, a.byteLength)
  if (bytes(got).equals(bytes(expected))) return
  const at = expected.findIndex((value, i) => !Object.is(value, got[i]))
  throw new Error(`${what} differs from backend 'cpu', first at ${at}: ${got[at]}, not ${expected[at]}`)
}

/**
 * @param {Device} device
 * @param {number} length
 * @param {DType} dtype
 */
const poisoned = (device, length, dtype) =>
  device.tensor(new (dtype === 'float64' ? Float64Array : Float32Array)(length).fill(NaN), dtype)

/**
 * Checks that loss and gradient have the bits of the CPU backend. With 16-bit storage they must be the rounded float32
 * results of that backend for the rounded boxes.
 * @param {Device} device
 * @param {LossName} name
 * @param {number} boxes
 * @param {1 | 2 | 3} axes
 * @param {DType} dtype
 */
export function checkBits(device, name, boxes, axes, dtype = 'float32') {
  const upload = (/** @type {FloatArray} */ array) =>
    device.tensor(dtype === 'float64' ? Float64Array.from(array) : array, dtype)
  const host = mixedBoxes(boxes, axes)
  const pred = upload(host.pred)
  const target = upload(host.target)
  // A sum: the mean's gradients would be subnormal numbers in 16 bits.
  const options = /** @type {const} */ ({ ...requiredOptions(name), reduction: dtype === 'float32' ? 'mean' : 'sum' })
  const expected = boxLoss(name, pred.read(), target.read(), { ...options, backend: 'cpu' })
  const out = {
    loss: poisoned(device, 1, 'float64'),
    grad: poisoned(device, pred.length, dtype),
    invalid: poisoned(device, 1, 'float64'),
  }
  const forward = { loss: poisoned(device, 1, 'float64'), invalid: out.invalid }
  const expectedGrad = upload(expected.grad)
  try {
    device.boxLoss(name, pred, target, { ...options, out })
    device.boxLoss(name, pred, target, { ...options, grad: false, out: forward })
    const lossOf = new Float64Array([expected.loss])
    sameBits(`${name}: loss`, out.loss.read(), lossOf)
    sameBits(`${name}: loss of the forward pass`, forward.loss.read(), lossOf)
    const stored = (/** @type {typeof pred} */ tensor) =>
      dtype === 'float16' || dtype === 'bfloat16' ? tensor.read(new Uint16Array(tensor.length)) : tensor.read()
    sameBits(`${name}: gradient`, stored(out.grad), stored(expectedGrad))
  } finally {
    for (const tensor of [pred, target, out.loss, out.grad, out.invalid, forward.loss, expectedGrad]) tensor.dispose()
  }
}

/**
 * The gradient of the last boxes of a large call, where a row number that overflows would show.
 * @param {Pool} pool
 * @param {LossName} name
 * @param {{ boxes: number, last: number }} what
 */
export function checkTail(pool, name, { boxes, last }) {
  const whole = pool.slice(0, boxes)
  const tail = pool.slice(boxes - last, last)
  tail.grad.write(new Float32Array(tail.grad.length).fill(NaN))
  const { loss, invalid } = pool
  pool.device.boxLoss(name, whole.pred, whole.target, {
    ...requiredOptions(name),
    out: { loss, invalid, grad: whole.grad },
  })
  const expected = boxLoss(name, tail.pred.read(), tail.target.read(), {
    ...requiredOptions(name),
    normalizer: boxes,
    backend: 'cpu',
  })
  sameBits(`${name}: gradient of the last of ${boxes} boxes`, tail.grad.read(), expected.grad)
}
