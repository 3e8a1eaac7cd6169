import { checkOneOf, typeOf } from '../arguments/checks.js'
import type { NoOptions, OptionsArgument } from '../core/checked-options.js'
import { argumentError, invalidArgument } from '../core/errors.js'
import type { LossName } from '../core/losses.js'
import type { CudaDeviceInfo } from '../native/addon.js'
import { callNative, handleOf } from '../native/object.js'
import { type DeviceBoxLossOptions, type DeviceBoxLossResult, deviceBoxLoss } from './box-loss.js'
import { CudaStream } from './stream.js'
import {
  BYTES_OF,
  CudaTensor,
  checkTensorArray,
  newTensor,
  TENSOR_DTYPES,
  type TensorArray,
  type TensorDType,
} from './tensor.js'

/** Bytes of a device's memory. */
export interface DeviceMemory {
  total: number
  /** Used by no program. */
  free: number
  /** Used by tensors, and by what streams need for themselves. */
  allocated: number
  /** Kept by this package for `allocated` and for what comes. */
  reserved: number
}

/** A CUDA device, for calls over memory that stays there. Made by `cuda.device()`. */
export class CudaDevice {
  readonly index: number
  readonly name: string
  /** As `'9.0'`. */
  readonly computeCapability: string
  readonly multiprocessors: number
  #defaultStream: CudaStream | undefined

  /** @internal */
  constructor(index: number, info: CudaDeviceInfo) {
    this.index = index
    this.name = info.name
    this.computeCapability = info.computeCapability
    this.multiprocessors = info.multiprocessors
  }

  /** What calls without a stream use. Never CUDA's legacy default stream. */
  get defaultStream(): CudaStream {
    if (!this.#defaultStream || this.#defaultStream.disposed) this.#defaultStream = this.stream()
    return this.#defaultStream
  }

  /** A new stream. */
  stream(): CudaStream {
    return new CudaStream(
      this,
      callNative((native) => native.openStream(this.index, undefined)),
    )
  }

  /** A stream of other native code, by its `cudaStream_t`; 0n is the legacy default stream. It stays the other code's. */
  streamFromPointer(pointer: bigint): CudaStream {
    checkPointer(pointer)
    return new CudaStream(
      this,
      callNative((native) => native.openStream(this.index, pointer)),
    )
  }

  /**
   * A tensor on this device.
   *
   * @param data numbers to copy there, or how many zeros. Numbers of 16 bits are given as Float32Array, and rounded to nearest even, or
   *   as their bits, in a Uint16Array.
   * @param dtype default: that of the array, or `'float32'`.
   * @throws {ScaLossError} `ERR_SCALOSS_CUDA_OUT_OF_MEMORY`; the device can be used as before.
   */
  tensor(data: TensorArray | number, dtype?: TensorDType): CudaTensor {
    const type = dtype ?? (typeOf(data) === 'Float64Array' ? 'float64' : 'float32')
    checkOneOf('dtype', type, TENSOR_DTYPES)
    if (typeof data === 'number') {
      checkLength('data', data)
      return newTensor(this, data, type, true)
    }
    checkTensorArray('data', data, type)
    return newTensor(this, data.length, type, false).write(data)
  }

  /**
   * A tensor over memory of other native code on this device, which must outlive it. Its work and work of this package meet in
   * a stream that both use, or by waiting.
   *
   * @param pointer address on the device; a loss needs it to be a multiple of 16.
   * @param length in numbers.
   */
  fromPointer(pointer: bigint, length: number, dtype: TensorDType = 'float32'): CudaTensor {
    checkPointer(pointer)
    checkLength('length', length)
    checkOneOf('dtype', dtype, TENSOR_DTYPES)
    if (pointer % BigInt(BYTES_OF[dtype]) !== 0n) {
      throw argumentError('pointer', `a multiple of ${BYTES_OF[dtype]}, for ${dtype}`, `0x${pointer.toString(16)}`)
    }
    const code = TENSOR_DTYPES.indexOf(dtype)
    const home = handleOf(this.defaultStream, 'stream')
    try {
      const handle = callNative((native) => native.foreignTensor(home, code, length, pointer))
      return new CudaTensor(this, handle, dtype, length)
    } catch (error) {
      if (!(error instanceof TypeError)) throw error
      throw argumentError('pointer', `an address in memory of CUDA device ${this.index}`, `0x${pointer.toString(16)}`)
    }
  }

  /**
   * `boxLoss` over tensors. Only enqueues: results are there when the stream gets to them, and `read()` waits for that.
   *
   * @param pred [N, 4] boxes ([N, 6] for the losses of three axes), N > 0, in any dtype of tensors.
   * @param target likewise.
   * @throws {ScaLossError} an argument is not as described, or CUDA fails.
   */
  boxLoss<L extends LossName, const O extends DeviceBoxLossOptions = NoOptions>(
    name: L,
    pred: CudaTensor,
    target: CudaTensor,
    ...options: OptionsArgument<O, DeviceBoxLossOptions, L>
  ): DeviceBoxLossResult<O>
  boxLoss(name: LossName, pred: CudaTensor, target: CudaTensor, options?: DeviceBoxLossOptions): DeviceBoxLossResult {
    return deviceBoxLoss(this, name, pred, target, options)
  }

  /** Waits until all work of this device is done, that of other code in this process too. */
  synchronize(): void {
    callNative((native) => native.synchronizeDevice(this.index))
  }

  /** What is taken and what is free on the device, now. */
  memory(): DeviceMemory {
    const [total, free, allocated, reserved] = callNative((native) => native.deviceMemory(this.index))
    return { total, free, allocated, reserved }
  }
}

function checkLength(argument: string, length: unknown): void {
  if (!Number.isSafeInteger(length) || (length as number) < 0 || (length as number) >= 2 ** 50) {
    throw invalidArgument(argument, 'a number of elements, below 2^50', length)
  }
}

function checkPointer(pointer: unknown): void {
  if (typeof pointer !== 'bigint' || pointer < 0n || pointer >= 1n << 64n) {
    throw invalidArgument('pointer', 'an address as a bigint', pointer)
  }
}
