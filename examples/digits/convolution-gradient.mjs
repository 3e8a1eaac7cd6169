import * as tf from '@tensorflow/tfjs-core'

// TensorFlow.js' wasm backend runs convolutions but cannot train them: it has no kernel for the gradient of the filter
// (tensorflow/tfjs#8474), and its kernel for the gradient of the input is a plain loop, five to ten times slower than
// the forward pass. Here both are a product of matrices, which the backend computes fast as long as it need not
// transpose within it.

/**
 * @import { BackendWasm } from '@tensorflow/tfjs-backend-wasm'
 * @import { Tensor2D, Tensor4D } from '@tensorflow/tfjs-core'
 * @typedef {[number, number, number, number]} Shape4D
 * @typedef {import('@tensorflow/tfjs-core').backend_util.Conv2DInfo} Convolution
 * @typedef {object} Attributes Of the kernels, as TensorFlow.js passes them.
 * @property {number | [number, number]} strides
 * @property {'valid' | 'same' | number} pad
 * @property {'floor' | 'round' | 'ceil'} [dimRoundingMode]
 */

/**
 * Calls `run` for every row of outputs and number of the filter: what that number met within the image as the filter
 * went along the row. In the input these are steps apart, in the patches side by side.
 * @param {Convolution} convolution
 * @param {(input: number, step: number, patch: number, count: number) => void} run Offsets into the input [batch,
 *   height, width, channels] and the patches [filter height · filter width · channels, batch · output height · output
 *   width].
 */
function forEachRun(convolution, run) {
  const { batchSize, inHeight, inWidth, inChannels, outHeight, outWidth } = convolution
  const { filterHeight, filterWidth, strideHeight, strideWidth, padInfo } = convolution
  const places = batchSize * outHeight * outWidth
  const step = strideWidth * inChannels
  for (let fy = 0; fy < filterHeight; fy++)
    for (let fx = 0; fx < filterWidth; fx++) {
      const shift = fx - padInfo.left
      const first = Math.max(0, Math.ceil(-shift / strideWidth))
      const count = Math.min(outWidth, Math.ceil((inWidth - shift) / strideWidth)) - first
      for (let c = 0; c < inChannels; c++) {
        const row = ((fy * filterWidth + fx) * inChannels + c) * places
        for (let b = 0; b < batchSize; b++)
          for (let oy = 0; oy < outHeight; oy++) {
            const y = oy * strideHeight + fy - padInfo.top
            if (y < 0 || y >= inHeight) continue
            const input = ((b * inHeight + y) * inWidth + first * strideWidth + shift) * inChannels + c
            run(input, step, row + (b * outHeight + oy) * outWidth + first, count)
          }
      }
    }
}

/** @param {Convolution} convolution @returns {[number, number]} */
const patchesShape = ({ batchSize, outHeight, outWidth, filterHeight, filterWidth, inChannels }) => [
  filterHeight * filterWidth * inChannels,
  batchSize * outHeight * outWidth,
]

/**
 * Known as im2col.
 * @param {BackendWasm} backend
 * @param {Tensor4D} x
 * @param {Convolution} convolution
 */
function patchesOf(backend, x, convolution) {
  const patches = zeros(backend, patchesShape(convolution))
  const from = backend.typedArrayFromHeap(x)
  const to = backend.typedArrayFromHeap(patches)
  forEachRun(convolution, (at, step, patch, count) => {
    for (let i = 0; i < count; i++) to[patch + i] = from[at + i * step]
  })
  return /** @type {Tensor2D} */ (patches)
}

/**
 * Known as col2im: each number of the input is the sum of what the patches have in its place.
 * @param {BackendWasm} backend
 * @param {Tensor2D} patches
 * @param {Convolution} convolution
 */
function sumOfPatches(backend, patches, convolution) {
  const sum = zeros(backend, convolution.inShape)
  const from = backend.typedArrayFromHeap(patches)
  const to = backend.typedArrayFromHeap(sum)
  forEachRun(convolution, (at, step, patch, count) => {
    for (let i = 0; i < count; i++) to[at + i * step] += from[patch + i]
  })
  return sum
}

/**
 * A tensor to be filled in place. The views of the heap come after it: the heap may move as it grows.
 * @param {BackendWasm} backend
 * @param {number[]} shape
 */
function zeros(backend, shape) {
  const info = backend.makeOutput(shape, 'float32')
  backend.typedArrayFromHeap(info).fill(0)
  return tf.engine().makeTensorFromTensorInfo(info)
}

/** @param {Tensor4D} tensor @returns {Tensor2D} [.., channels] */
const rows = (tensor) => tf.reshape(tensor, [-1, tensor.shape[3]])

/**
 * @param {BackendWasm} backend
 * @param {{ x: Tensor4D, dy: Tensor4D }} inputs
 * @param {Attributes & { filterShape: Shape4D }} attributes
 */
function filterGradient(backend, { x, dy }, { strides, pad, dimRoundingMode, filterShape }) {
  const convolution = tf.backend_util.computeConv2DInfo(x.shape, filterShape, strides, 1, pad, dimRoundingMode)
  return tf.reshape(tf.matMul(patchesOf(backend, x, convolution), rows(dy)), filterShape)
}

/**
 * @param {BackendWasm} backend
 * @param {{ dy: Tensor4D, filter: Tensor4D }} inputs
 * @param {Attributes & { inputShape: Shape4D }} attributes
 */
function inputGradient(backend, { dy, filter }, { strides, pad, dimRoundingMode, inputShape }) {
  const shape = /** @type {Shape4D} */ (filter.shape)
  const convolution = tf.backend_util.computeConv2DInfo(inputShape, shape, strides, 1, pad, dimRoundingMode)
  return sumOfPatches(backend, tf.matMul(rows(filter), tf.transpose(rows(dy))), convolution)
}

/** Gives the wasm backend the two kernels. */
export function registerConvolutionGradients() {
  const kernels = { [tf.Conv2DBackpropFilter]: filterGradient, [tf.Conv2DBackpropInput]: inputGradient }
  for (const [kernelName, gradient] of Object.entries(kernels)) {
    if (tf.getKernel(kernelName, 'wasm')) tf.unregisterKernel(kernelName, 'wasm')
    const kernelFunc = (/** @type {any} */ { backend, inputs, attrs }) =>
      tf.tidy(() => gradient(backend, inputs, attrs))
    tf.registerKernel({ kernelName, backendName: 'wasm', kernelFunc })
  }
}
