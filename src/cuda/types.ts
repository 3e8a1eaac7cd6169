import type { NoOptions, OptionsArgument } from '../core/checked-options.js'
import type { LossName } from '../core/losses.js'
import type { CallOptions, FloatArray, Given, Out, Untold } from '../core/types.js'
import type { NativeObject } from '../native/object.js'

// The public CUDA interfaces. A device makes streams and tensors, and these refer to their device. The classes that
// implement the interfaces are in separate files, each of which imports only the ones before it; so only the interfaces
// refer to each other.

/** A CUDA device, for calls over memory that stays on it. Made by `cuda.device()`. */
export interface CudaDevice {
  /** The index of the device in `backends().cuda.devices`. */
  readonly index: number
  /** The name of the device, from CUDA. */
  readonly name: string
  /** The compute capability, such as `'9.0'`. */
  readonly computeCapability: string
  /** The number of streaming multiprocessors. */
  readonly multiprocessors: number
  /** The stream of calls that name no other. It is never CUDA's legacy default stream. */
  readonly defaultStream: CudaStream
  /** Makes a new stream. */
  stream(): CudaStream
  /** Wraps a stream of other native code, given its `cudaStream_t`; 0n is the legacy default stream. The other code
   * keeps ownership. */
  streamFromPointer(pointer: bigint): CudaStream
  /**
   * Makes a tensor on this device.
   *
   * @param data the numbers to copy to the device, or the length of a tensor of zeros. Numbers of 16 bits are given
   *   either as a Float32Array, which is rounded to nearest even, or as their bits in a Uint16Array.
   * @param dtype the dtype of the tensor. Default: that of the array, or `'float32'`.
   * @throws {ScaLossError} `ERR_SCALOSS_CUDA_OUT_OF_MEMORY`: there is not enough device memory. The device remains
   *   usable.
   */
  tensor(data: TensorArray | number, dtype?: TensorDType): CudaTensor
  /**
   * Makes a tensor over memory that other native code owns on this device. The memory must outlive the tensor. To order
   * the other code's work and calls of this package, use one stream for both, or wait.
   *
   * @param pointer the address on the device, which must be a multiple of the size of a number. `boxLoss` needs boxes
   *   and their gradients at a multiple of 16.
   * @param length the number of elements.
   * @param dtype the dtype of the numbers. Default `'float32'`.
   * @throws {ScaLossError} `ERR_SCALOSS_INVALID_ARGUMENT`: the address is not in memory of this device, or is not
   *   aligned.
   */
  fromPointer(pointer: bigint, length: number, dtype?: TensorDType): CudaTensor
  /**
   * Computes `boxLoss` over tensors. The call only enqueues the work: the results are ready once the stream reaches it,
   * and `read()` waits for that.
   *
   * @param name the loss. docs/losses.md has the formula, the source and the options of each.
   * @param pred [N, 4] predicted boxes ([N, 6] for the losses of three axes), N > 0, in any tensor dtype.
   * @param target target boxes with the length and dtype of `pred`.
   * @throws {ScaLossError} an argument is not as described, or CUDA fails.
   */
  boxLoss<L extends LossName, const O extends DeviceBoxLossOptions = NoOptions>(
    name: L,
    pred: CudaTensor,
    target: CudaTensor,
    ...options: OptionsArgument<O, DeviceBoxLossOptions, L>
  ): DeviceBoxLossResult<O>
  /** Waits until all work of this process on the device is done, including work of other code. */
  synchronize(): void
  /** Returns how much memory of the device is currently used and free. */
  memory(): DeviceMemory
}

/** A queue of work on a device. Work in one stream runs in order; work in different streams may overlap. Made by
 * `device.stream()`. */
export interface CudaStream extends NativeObject {
  /** The device of the stream. */
  readonly device: CudaDevice
  /** The `cudaStream_t`, for use by other native code. */
  readonly pointer: bigint
  /** Waits until all work in this stream is done. */
  synchronize(): void
  /** Records an event at this point of the stream. */
  record(): CudaEvent
}

/** A point in a stream, reached when all earlier work in it is done. Made by `stream.record()`. */
export interface CudaEvent extends NativeObject {
  /** Waits until the stream reaches this point. */
  synchronize(): void
  /** Returns the milliseconds on the device between an earlier event and this one. Waits for this event. */
  since(earlier: CudaEvent): number
}

/** An array of numbers on a device, such as boxes, weights, losses or gradients. Made by `device.tensor()`,
 * `device.fromPointer()` and `device.boxLoss()`. */
export interface CudaTensor extends NativeObject {
  /** The device that holds the numbers. */
  readonly device: CudaDevice
  /** The type in which the numbers are stored. */
  readonly dtype: TensorDType
  /** The number of elements. */
  readonly length: number
  /** The size of the elements on the device, in bytes. */
  readonly byteLength: number
  /** The address on the device, for use by other native code. */
  readonly pointer: bigint
  /** Waits until earlier work with this tensor is done, and returns its numbers in a new array: a Float64Array for
   * float64, otherwise a Float32Array. */
  read(): FloatArray
  /**
   * Waits until earlier work with this tensor is done, and copies its numbers to an array.
   *
   * @param out the array to fill, with the length of the tensor: a Float64Array for float64, otherwise a Float32Array.
   *   For dtypes of 16 bits it may also be a Uint16Array, which receives the bits.
   * @returns `out`.
   */
  read<A extends TensorArray>(out: A): A
  /** Copies numbers from an array of a type that `read` accepts, rounding to nearest even. The array may be changed
   * afterwards. */
  write(data: TensorArray): this
  /** Enqueues a copy of the numbers of another tensor, which must have the same device, dtype and length. */
  copyFrom(other: CudaTensor, options?: { stream?: CudaStream }): this
  /** Returns a tensor of the numbers from `begin` to before `end`, in the same memory. */
  subarray(begin?: number, end?: number): CudaTensor
}

/** The type in which a tensor stores its numbers. Numbers of 16 bits are converted to float32 for the computation. */
export type TensorDType = 'float32' | 'float64' | 'float16' | 'bfloat16'

/** An array that a tensor is written from or read into. A Uint16Array holds the bits of numbers of 16 bits. */
export type TensorArray = FloatArray | Uint16Array

/** Tensors that a call writes its results to: those of `boxLoss`, plus the two numbers that it computes. */
export interface DeviceOut extends Out<CudaTensor> {
  /** The loss: [N] in the dtype of `pred` with `reduction: 'none'`, otherwise one float64 number. */
  loss?: CudaTensor | undefined
  /** The number of invalid rows, one float64 number. */
  invalid?: CudaTensor | undefined
}

/** Options of a call over tensors: those of `boxLoss`, without `backend`, `device` and `threads`. */
export interface DeviceBoxLossOptions extends CallOptions<CudaTensor> {
  /** What to do with an invalid row, as for `boxLoss`. `'throw'` is not allowed, because it would have to wait for the
   * device. */
  onInvalid?: 'propagate' | 'ignore' | undefined
  /** The stream that the call is enqueued on. Default: the default stream of the device. */
  stream?: CudaStream | undefined
  /** Tensors to write the results to. A result that has a tensor here is not allocated. */
  out?: DeviceOut | undefined
}

/** The results of a call over tensors. They are ready once the stream of the call reaches them. */
export interface DeviceBoxLossResult<O = Untold> {
  /** The reduced loss, one float64 number; with `reduction: 'none'`, [N] losses in the dtype of `pred`. */
  loss: CudaTensor
  /** [N, 4] ([N, 6] with three axes) gradient for the prediction in the format of the boxes, or undefined with
   * `grad: false`. */
  grad: Given<O, 'grad'> extends infer G ? (G extends false ? undefined : CudaTensor) : never
  /** [N, 4] ([N, 6] with three axes) gradient for the target with `gradTarget: true`, otherwise undefined. */
  gradTarget: Given<O, 'gradTarget'> extends infer G ? (G extends true ? CudaTensor : undefined) : never
  /** [N] plain IoU of each pair with `iou: true`, otherwise undefined. */
  iou: Given<O, 'iou'> extends infer I ? (I extends true ? CudaTensor : undefined) : never
  /** The number of invalid rows, one float64 number. */
  invalid: CudaTensor
}

/** How the memory of a device is used, in bytes. */
export interface DeviceMemory {
  /** The size of the memory. */
  total: number
  /** The memory that no program uses. */
  free: number
  /** The memory used by tensors, and by streams for their own needs. */
  allocated: number
  /** The memory that this package holds for `allocated` and for later allocations. */
  reserved: number
}
