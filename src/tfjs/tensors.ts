import { getBackend, Tensor } from '@tensorflow/tfjs-core'
import { typeOf } from '../arguments/arrays.js'
import { checkItems } from '../arguments/checks.js'
import { argumentError, invalidArgument, ScaLossError } from '../core/errors.js'

/** One weight per box: a tensor in the shape of `yPred` without its last dimension, or that many numbers. */
export type Weight = Tensor | Float32Array | Float64Array | readonly number[]

const shapeOf = (shape: readonly number[]) => `[${shape.join(', ')}]`

/** Checks that a value is a tensor that is not disposed and has one of these dtypes. */
export function checkTensor(argument: string, value: unknown, dtypes: readonly string[]): asserts value is Tensor {
  if (!(value instanceof Tensor)) throw invalidArgument(argument, 'a tensor', value)
  if (value.isDisposed)
    throw new ScaLossError('ERR_SCALOSS_DISPOSED', `${argument}: expected a tensor in use, got one that was disposed`)
  if (!dtypes.includes(value.dtype))
    throw argumentError(argument, `a tensor of ${dtypes.join(' or ')}`, `one of ${value.dtype}`)
}

export function checkShape(argument: string, { shape }: Tensor, expected: readonly number[], why: string): void {
  if (shape.length !== expected.length || shape.some((size, i) => size !== expected[i]))
    throw argumentError(argument, `shape ${shapeOf(expected)} (${why})`, shapeOf(shape))
}

/** Checks two tensors: boxes [..., width], and predictions [..., columns], which are boxes too or raw numbers. */
export function checkPair(yTrue: unknown, yPred: unknown, width: number, columns = width): asserts yPred is Tensor {
  checkTensor('yPred', yPred, ['float32'])
  checkTensor('yTrue', yTrue, ['float32', 'int32'])
  if (yPred.shape.at(-1) !== columns) throw argumentError('yPred', `shape [..., ${columns}]`, shapeOf(yPred.shape))
  const isSame = columns === width
  checkShape('yTrue', yTrue, [...yPred.shape.slice(0, -1), width], isSame ? 'as yPred' : 'the boxes of yPred')
}

/** Converts the values of a tensor to those that the package takes. */
const floatsOf = (values: Float32Array | Int32Array | Uint8Array): Float32Array =>
  values instanceof Float32Array ? values : Float32Array.from(values)

/** Reads the values of a tensor. */
export const readAsync = async (tensor: Tensor): Promise<Float32Array> => floatsOf(await tensor.data())

/** Reads the values of a tensor synchronously. */
export function read(argument: string, tensor: Tensor): Float32Array {
  try {
    return floatsOf(tensor.dataSync())
  } catch (cause) {
    const message =
      `${argument}: expected a tensor that can be read synchronously, got one of the backend '${getBackend()}'; ` +
      `there, use boxLossAsync of 'scaloss/tfjs'`
    throw new ScaLossError('ERR_SCALOSS_INVALID_ARGUMENT', message, { cause })
  }
}

export function checkWeight(weight: unknown): asserts weight is Weight {
  if (weight instanceof Tensor) return
  if (/^Float(32|64)Array$/.test(typeOf(weight) ?? '')) return
  checkItems('weight', 'a tensor or an array of numbers, one a box', weight, (value) => typeof value === 'number')
}

/** Reads the weights of boxes in this shape, such as [N] or [B, N]. Tensors are read by `readTensor`. */
export function readWeight<T>(weight: Weight, shape: readonly number[], readTensor: (tensor: Tensor) => T) {
  if (weight instanceof Tensor) {
    checkTensor('weight', weight, ['float32', 'int32', 'bool'])
    checkShape('weight', weight, shape, 'one a box')
    return readTensor(weight)
  }
  const boxes = shape.reduce((product, size) => product * size, 1)
  if (weight.length !== boxes) throw invalidArgument('weight', `length ${boxes} (one a box)`, weight)
  return Float32Array.from(weight)
}
