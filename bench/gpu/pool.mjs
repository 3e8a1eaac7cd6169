import { BYTES, mixedBoxes } from './inputs.mjs'

/**
 * @import { Device } from './timing.mjs'
 * @import { DType } from './inputs.mjs'
 * @typedef {ReturnType<Device['fromPointer']>} Tensor
 * @typedef {{ pred: Tensor, target: Tensor, grad: Tensor }} Slice
 * @typedef {ReturnType<typeof makePool>} Pool
 */

const BLOCK = 2 ** 20 // boxes of random numbers; a pool repeats them
const MOST_SETS = 512

/**
 * Device memory that all sizes share: predictions, targets and room for gradients, of which a call takes a slice.
 * @param {Device} device
 * @param {{ boxes: number, axes: 2 | 3, dtype?: DType }} what
 */
export function makePool(device, { boxes, axes, dtype = 'float32' }) {
  const columns = 2 * axes
  const part = (/** @type {Tensor} */ tensor, /** @type {number} */ start, /** @type {number} */ length) =>
    device.fromPointer(tensor.pointer + BigInt(start * BYTES[dtype]), length, dtype)

  /** @param {Float32Array} array */
  const repeated = (array) => {
    const block = device.tensor(dtype === 'float64' ? Float64Array.from(array) : array, dtype)
    const whole = device.tensor(boxes * columns, dtype)
    for (let at = 0; at < whole.length; at += block.length) {
      const length = Math.min(block.length, whole.length - at)
      part(whole, at, length).copyFrom(part(block, 0, length))
    }
    device.synchronize()
    block.dispose()
    return whole
  }

  const block = mixedBoxes(Math.min(boxes, BLOCK), axes)
  const pred = repeated(block.pred)
  const target = repeated(block.target)
  const grad = device.tensor(boxes * columns, dtype)
  const loss = device.tensor(1, 'float64')
  const invalid = device.tensor(1, 'float64')

  /**
   * @param {number} first
   * @param {number} count
   * @returns {Slice}
   */
  const slice = (first, count) => ({
    pred: part(pred, first * columns, count * columns),
    target: part(target, first * columns, count * columns),
    grad: part(grad, first * columns, count * columns),
  })

  return {
    device,
    boxes,
    axes,
    dtype,
    pred,
    target,
    grad,
    loss,
    invalid,
    slice,
    /**
     * There are so many slices that together they exceed `rotateBytes`. They are used in turns, so that none is still
     * in the L2 when its turn comes again.
     * @param {number} count
     * @param {number} rotateBytes
     */
    slices(count, rotateBytes) {
      const sets = Math.ceil(rotateBytes / (3 * columns * BYTES[dtype] * count))
      const most = Math.min(MOST_SETS, Math.floor(boxes / count))
      return Array.from({ length: Math.max(1, Math.min(sets, most)) }, (_, i) => slice(i * count, count))
    },
    dispose() {
      for (const tensor of [pred, target, grad, loss, invalid]) tensor.dispose()
    },
  }
}
