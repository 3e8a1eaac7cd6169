import { checkBuffer, typeOf } from '../arguments/arrays.js'
import { argumentError, invalidArgument } from '../core/errors.js'
import type { FloatArray } from '../core/types.js'
import type { NativeHandle } from '../native/addon.js'
import { callNative, handleOf, NativeObject } from '../native/object.js'
import { streamOf } from './stream.js'
import type * as types from './types.js'
import type { TensorArray, TensorDType } from './types.js'

/** The dtypes of tensors. The addon relies on this order (`binding/cuda_objects.h`). */
export const TENSOR_DTYPES = ['float32', 'float64', 'float16', 'bfloat16'] as const satisfies TensorDType[]
export const BYTES_OF: Record<TensorDType, number> = { float32: 4, float64: 8, float16: 2, bfloat16: 2 }

/** The array types that each dtype accepts. The first is the type that `read()` returns. */
const ARRAYS: Record<TensorDType, readonly string[]> = {
  float32: ['Float32Array'],
  float64: ['Float64Array'],
  float16: ['Float32Array', 'Uint16Array'],
  bfloat16: ['Float32Array', 'Uint16Array'],
}

/** Returns the pointer as a number, which can hold any real address, so that calls compare addresses without
 * bigints. */
export let addressOf: (tensor: types.CudaTensor) => number

/** Implements the interface in types.ts, which has the documentation. */
export class CudaTensor extends NativeObject implements types.CudaTensor {
  readonly device: types.CudaDevice
  readonly dtype: TensorDType
  readonly length: number
  readonly #pointer: bigint
  readonly #address: number

  static {
    addressOf = (tensor) => (tensor as CudaTensor).#address
  }

  /** @internal */
  constructor(device: types.CudaDevice, handle: NativeHandle, dtype: TensorDType, length: number) {
    super(handle)
    this.device = device
    this.dtype = dtype
    this.length = length
    this.#pointer = callNative((native) => native.tensorPointer(handle))
    this.#address = Number(this.#pointer)
  }

  get byteLength(): number {
    return this.length * BYTES_OF[this.dtype]
  }

  get pointer(): bigint {
    handleOf(this, 'tensor')
    return this.#pointer
  }

  read(): FloatArray
  read<A extends TensorArray>(out: A): A
  read(out?: TensorArray): TensorArray {
    const array = out ?? (this.dtype === 'float64' ? new Float64Array(this.length) : new Float32Array(this.length))
    this.#check('out', array)
    callNative((native) => native.readTensor(handleOf(this, 'tensor'), array))
    return array
  }

  write(data: TensorArray): this {
    this.#check('data', data)
    callNative((native) => native.writeTensor(handleOf(this, 'tensor'), data))
    return this
  }

  copyFrom(other: types.CudaTensor, options: { stream?: types.CudaStream } = {}): this {
    checkTensor('other', other, this.device)
    if (other.dtype !== this.dtype) throw argumentError('other', `a tensor of ${this.dtype}`, `one of ${other.dtype}`)
    if (other.length !== this.length) throw argumentError('other', `length ${this.length}`, `${other.length}`)
    const stream = streamOf(this.device, options.stream)
    callNative((native) => native.copyTensor(stream, handleOf(this, 'tensor'), handleOf(other, 'other')))
    return this
  }

  subarray(begin = 0, end = this.length): CudaTensor {
    const isPart = Number.isInteger(begin) && Number.isInteger(end) && 0 <= begin && begin <= end && end <= this.length
    if (!isPart) {
      throw argumentError('begin, end', `whole numbers, 0 <= begin <= end <= ${this.length}`, `${begin}, ${end}`)
    }
    const handle = callNative((native) => native.subTensor(handleOf(this, 'tensor'), begin, end - begin))
    return new CudaTensor(this.device, handle, this.dtype, end - begin)
  }

  #check(argument: string, array: unknown): asserts array is TensorArray {
    checkTensorArray(argument, array, this.dtype)
    if (array.length !== this.length) throw invalidArgument(argument, `length ${this.length}`, array)
  }
}

/** Makes a tensor of zeros, or one with whatever the memory holds. */
export function newTensor(device: types.CudaDevice, length: number, dtype: TensorDType, zeros: boolean): CudaTensor {
  const home = handleOf(device.defaultStream, 'stream')
  const code = TENSOR_DTYPES.indexOf(dtype)
  return new CudaTensor(
    device,
    callNative((native) => native.newTensor(home, code, length, zeros)),
    dtype,
    length,
  )
}

export function checkTensorArray(argument: string, array: unknown, dtype: TensorDType): asserts array is TensorArray {
  if (!ARRAYS[dtype].includes(typeOf(array) ?? '')) {
    throw invalidArgument(argument, `a ${ARRAYS[dtype].join(' or a ')}, for a tensor of ${dtype}`, array)
  }
  checkBuffer(argument, array as TensorArray)
}

export function checkTensor(argument: string, value: unknown, device: types.CudaDevice): asserts value is CudaTensor {
  if (!(value instanceof CudaTensor)) throw invalidArgument(argument, 'a CudaTensor', value)
  handleOf(value, argument)
  if (value.device !== device) {
    throw argumentError(argument, `a tensor of CUDA device ${device.index}`, `one of device ${value.device.index}`)
  }
}
