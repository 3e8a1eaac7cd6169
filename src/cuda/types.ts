import type { NoOptions, OptionsArgument } from '../core/checked-options.js'
import type { LossName } from '../core/losses.js'
import type { CallOptions, FloatArray, Given, Out, Untold } from '../core/types.js'
import type { NativeObject } from '../native/object.js'

// What users see of CUDA. A device makes streams and tensors, and these know their device: the classes, each in a file that knows only
// those before it, implement interfaces that know each other.

/** A CUDA device, for calls over memory that stays there. Made by `cuda.device()`. */
export interface CudaDevice {
  readonly index: number
  readonly name: string
  /** As `'9.0'`. */
  readonly computeCapability: string
  readonly multiprocessors: number
  /** What calls without a stream use. Never CUDA's legacy default stream. */
  readonly defaultStream: CudaStream
  /** A new stream. */
  stream(): CudaStream
  /** A stream of other native code, by its `cudaStream_t`; 0n is the legacy default stream. It stays the other code's. */
  streamFromPointer(pointer: bigint): CudaStream
  /**
   * A tensor on this device.
   *
   * @param data numbers to copy there, or how many zeros. Numbers of 16 bits are given as Float32Array, and rounded to nearest even, or
   *   as their bits, in a Uint16Array.
   * @param dtype default: that of the array, or `'float32'`.
   * @throws {ScaLossError} `ERR_SCALOSS_CUDA_OUT_OF_MEMORY`; the device can be used as before.
   */
  tensor(data: TensorArray | number, dtype?: TensorDType): CudaTensor
  /**
   * A tensor over memory of other native code on this device, which must outlive it. Its work and work of this package meet in
   * a stream that both use, or by waiting.
   *
   * @param pointer address on the device; a loss needs it to be a multiple of 16.
   * @param length in numbers.
   */
  fromPointer(pointer: bigint, length: number, dtype?: TensorDType): CudaTensor
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
  /** Waits until all work of this device is done, that of other code in this process too. */
  synchronize(): void
  /** What is taken and what is free on the device, now. */
  memory(): DeviceMemory
}

/** A queue of work on a device. Work of one stream runs in its order; work of two may overlap. Made by `device.stream()`. */
export interface CudaStream extends NativeObject {
  readonly device: CudaDevice
  /** The `cudaStream_t`, for other native code. */
  readonly pointer: bigint
  /** Waits until all work of this stream is done. */
  synchronize(): void
  /** Marks this point of the stream. */
  record(): CudaEvent
}

/** A point of a stream, reached when all earlier work is done. Made by `stream.record()`. */
export interface CudaEvent extends NativeObject {
  /** Waits until the stream gets here. */
  synchronize(): void
  /** Milliseconds on the device between an earlier event and this one. Waits for this one. */
  since(earlier: CudaEvent): number
}

/** An array of numbers on a device: boxes, weights, losses, gradients. Made by `device.tensor()` and `device.boxLoss()`. */
export interface CudaTensor extends NativeObject {
  readonly device: CudaDevice
  readonly dtype: TensorDType
  /** In numbers. */
  readonly length: number
  /** Of its numbers on the device. */
  readonly byteLength: number
  /** The address on the device, for other native code. */
  readonly pointer: bigint
  /** The numbers, once earlier work with this tensor is done, in a new array. */
  read(): FloatArray
  /**
   * The numbers, once earlier work with this tensor is done.
   *
   * @param out array to fill, of this length: Float32Array (Float64Array for float64), or for dtypes of 16 bits Uint16Array, which
   *   takes the bits.
   */
  read<A extends TensorArray>(out: A): A
  /** Sets the numbers from an array as `read` takes it, rounding to nearest even. The array can be changed afterwards. */
  write(data: TensorArray): this
  /** Enqueues a copy of the numbers of another tensor of the same device, dtype and length. */
  copyFrom(other: CudaTensor, options?: { stream?: CudaStream }): this
  /** Numbers `begin` to `end`, exclusive, in the same memory. */
  subarray(begin?: number, end?: number): CudaTensor
}

/** How a tensor stores its numbers. Those of 16 bits are computed with as float32. */
export type TensorDType = 'float32' | 'float64' | 'float16' | 'bfloat16'

/** What a tensor is written from and read to: its numbers, or the bits of those of 16 bits. */
export type TensorArray = FloatArray | Uint16Array

/** Tensors for the results of a call: as of `boxLoss`, and the two numbers that it computes. */
export interface DeviceOut extends Out<CudaTensor> {
  /** [N] in the dtype of `pred` with `reduction: 'none'`, otherwise one number of float64. */
  loss?: CudaTensor | undefined
  /** One number of float64. */
  invalid?: CudaTensor | undefined
}

/** Options of a call over tensors: those of `boxLoss` but for the place. */
export interface DeviceBoxLossOptions extends CallOptions<CudaTensor> {
  /** `'throw'` would have to wait for the device, and is an error. */
  onInvalid?: 'propagate' | 'ignore' | undefined
  /** On which the call is enqueued. Default: the device's own. */
  stream?: CudaStream | undefined
  out?: DeviceOut | undefined
}

/** Results of a call over tensors, which are there once its stream gets to them. */
export interface DeviceBoxLossResult<O = Untold> {
  /** The reduced loss, one number of float64; with `reduction: 'none'` [N] in the dtype of `pred`. */
  loss: CudaTensor
  grad: Given<O, 'grad'> extends infer G ? (G extends false ? undefined : CudaTensor) : never
  gradTarget: Given<O, 'gradTarget'> extends infer G ? (G extends true ? CudaTensor : undefined) : never
  iou: Given<O, 'iou'> extends infer I ? (I extends true ? CudaTensor : undefined) : never
  /** The number of invalid rows, one number of float64. */
  invalid: CudaTensor
}

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
