import * as scaloss from 'scaloss'
import { LOSSES } from '../../dist/core/losses.js'

// Calls every CUDA kernel with every loss, for compute-sanitizer. The calls have few boxes, and sizes at which warps
// and tiles end early.

/**
 * @import { FloatArray, LossName, LossOptions } from 'scaloss'
 * @typedef {Float32ArrayConstructor | Float64ArrayConstructor} Float
 */

const SIZES = [1, 33, 2500]
const names = /** @type {LossName[]} */ (Object.keys(LOSSES))
let calls = 0

/**
 * @param {Float} Float
 * @param {number} length
 * @param {number} axes
 * @returns {FloatArray}
 */
const boxes = (Float, length, axes) =>
  new Float(length * 2 * axes).map((_, i) => (i % (2 * axes) < axes ? 0 : 60) + 50 * Math.random())

/**
 * The options of a loss without which it has no value, alone and with one that changes its formula.
 * @param {LossName} name
 * @returns {LossOptions[]}
 */
function lossOptions(name) {
  const known = /** @type {readonly string[]} */ (LOSSES[name].options)
  const demanded = known.includes('imageWidth') ? { imageWidth: 640, imageHeight: 480 } : {}
  return known.includes('inner') ? [demanded, { ...demanded, inner: 0.7 }] : [demanded]
}

/**
 * What asks for a kernel of its own, or for other memory.
 * @template T
 * @param {T} perRow
 */
const callOptions = (perRow) =>
  /** @type {const} */ ([
    {},
    { grad: false },
    { reduction: 'none', gradTarget: true, iou: true, weight: perRow, gradOutput: perRow },
    { grad: false, reduction: 'none', format: 'cxcywh', onInvalid: 'ignore' },
  ])

/**
 * Every loss, size and set of options, with the axes of the loss.
 * @template T
 * @param {(n: number) => T} perRow
 * @param {(name: LossName, n: number, options: object) => void} call
 */
function forAll(perRow, call) {
  for (const n of SIZES) {
    for (const options of callOptions(perRow(n))) {
      for (const name of names) {
        for (const more of lossOptions(name)) {
          call(name, n, { ...options, ...more })
          ++calls
        }
      }
    }
  }
}

for (const Float of [Float32Array, Float64Array]) {
  forAll(
    (n) => new Float(n).fill(0.5),
    (name, n, options) => {
      const { axes } = LOSSES[name]
      scaloss.boxLoss(name, boxes(Float, n, axes), boxes(Float, n, axes), { ...options, backend: 'cuda' })
    },
  )
  for (const name of names) {
    const { axes } = LOSSES[name]
    for (const similarity of [false, true]) {
      for (const options of lossOptions(name)) {
        const [a, b] = [boxes(Float, 40, axes), boxes(Float, 300, axes)]
        scaloss.pairwise(name, a, b, { ...options, similarity, backend: 'cuda' })
        ++calls
      }
    }
  }
}

// Tensors, in all the types that they store; now and then a wait, in which garbage is given back.
const device = scaloss.cuda.device(0)
for (const dtype of /** @type {const} */ (['float32', 'float64', 'float16', 'bfloat16'])) {
  const Float = dtype === 'float64' ? Float64Array : Float32Array
  forAll(
    (n) => device.tensor(new Float(n).fill(0.5), dtype),
    (name, n, options) => {
      const tensor = () => device.tensor(boxes(Float, n, LOSSES[name].axes), dtype)
      const [pred, target] = [tensor(), tensor()]
      const { loss, grad } = device.boxLoss(name, pred, target, options)
      loss.read()
      for (const used of [pred, target, loss, grad]) used?.dispose()
    },
  )
}

// So many boxes that blocks have several tiles.
const several = 3.5 * 1024 * device.multiprocessors
for (const Float of [Float32Array, Float64Array]) {
  for (const name of /** @type {const} */ (['sca', 'giou', 'nwd'])) {
    const tensor = () => device.tensor(boxes(Float, several, 2))
    device.boxLoss(name, tensor(), tensor()).loss.read()
    ++calls
  }
}
// Host arrays in so many parts that all of their memory is used again, ordinary and pinned.
const ordinary = boxes(Float32Array, 700_000, 2)
const pinned = scaloss.alloc(700_000, 'float32', { backend: 'cuda' })
pinned.set(ordinary)
for (const array of [ordinary, pinned]) {
  scaloss.boxLoss('sca', array, array, { backend: 'cuda' })
  ++calls
}
console.log(`${calls} calls`)
