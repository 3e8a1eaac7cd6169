import { typeOf } from '../arguments/arrays.js'
import { checkOneOf } from '../arguments/checks.js'
import { argumentError, invalidArgument } from '../core/errors.js'
import type { LossName } from '../core/losses.js'
import type { CudaDeviceInfo } from '../native/addon.js'
import { callNative, handleOf } from '../native/object.js'
import { deviceBoxLoss } from './box-loss.js'
import { CudaStream } from './stream.js'
import { BYTES_OF, CudaTensor, checkTensorArray, newTensor, TENSOR_DTYPES } from './tensor.js'
import type * as types from './types.js'

/** Implements the interface in types.ts, which has the documentation. */
export class CudaDevice implements types.CudaDevice {
  readonly index: number
  readonly name: string
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

  get defaultStream(): CudaStream {
    if (!this.#defaultStream || this.#defaultStream.disposed) this.#defaultStream = this.stream()
    return this.#defaultStream
  }

  stream(): CudaStream {
    return new CudaStream(
      this,
      callNative((native) => native.openStream(this.index, undefined)),
    )
  }

  streamFromPointer(pointer: bigint): CudaStream {
    checkPointer(pointer)
    return new CudaStream(
      this,
      callNative((native) => native.openStream(this.index, pointer)),
    )
  }

  tensor(data: types.TensorArray | number, dtype?: types.TensorDType): CudaTensor {
    const type = dtype ?? (typeOf(data) === 'Float64Array' ? 'float64' : 'float32')
    checkOneOf('dtype', type, TENSOR_DTYPES)
    if (typeof data === 'number') {
      checkLength('data', data)
      return newTensor(this, data, type, true)
    }
    checkTensorArray('data', data, type)
    return newTensor(this, data.length, type, false).write(data)
  }

  fromPointer(pointer: bigint, length: number, dtype: types.TensorDType = 'float32'): CudaTensor {
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

  boxLoss(
    name: LossName,
    pred: types.CudaTensor,
    target: types.CudaTensor,
    options?: types.DeviceBoxLossOptions,
  ): types.DeviceBoxLossResult {
    return deviceBoxLoss(this, name, pred, target, options)
  }

  synchronize(): void {
    callNative((native) => native.synchronizeDevice(this.index))
  }

  memory(): types.DeviceMemory {
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
