import type { Block } from '../core/block.js'
import { invalidArgument, ScaLossError, type UnavailableReason } from '../core/errors.js'
import { builtin, ifAllowed, setting as settingOf } from '../core/host.js'
import type { ArrayList } from '../core/job.js'
import type { FloatArray } from '../core/types.js'
import { loadNativeFile } from './load.js'

/** A GPU that CUDA can see. */
export interface CudaDeviceInfo {
  /** The name of the GPU, from CUDA. */
  name: string
  /** The compute capability, such as `'9.0'`. */
  computeCapability: string
  /** The number of streaming multiprocessors. */
  multiprocessors: number
  /** The size of the device memory, in bytes. */
  memory: number
}

/** What the addon reports about CUDA. */
export interface NativeCuda {
  /** The reason why CUDA cannot be used, empty if it can. */
  reason: '' | UnavailableReason
  message: string
  /** CUDA versions as CUDA writes them: 13000 is 13.0, and 0 means none. */
  driver: number
  runtime: number
  devices: CudaDeviceInfo[]
}

declare const opaque: unique symbol
/** An object that only the addon can look into. It is freed when it is released or garbage collected. */
export interface NativeHandle {
  readonly [opaque]: true
}

/** The addon's functions for streams, events and tensors of CUDA devices (`binding/cuda_objects.h`). */
export interface NativeCudaObjects {
  openStream(device: number, pointer: bigint | undefined): NativeHandle
  streamPointer(stream: NativeHandle): bigint
  synchronizeStream(stream: NativeHandle): void
  synchronizeDevice(device: number): void
  recordEvent(stream: NativeHandle): NativeHandle
  synchronizeEvent(event: NativeHandle): void
  /** Returns milliseconds. Waits for the second event. */
  elapsedTime(from: NativeHandle, to: NativeHandle): number
  /** Makes a tensor of zeros, or one with whatever the memory holds. `dtype` is an index into `dtypes`. */
  newTensor(stream: NativeHandle, dtype: number, length: number, zeros: boolean): NativeHandle
  foreignTensor(stream: NativeHandle, dtype: number, length: number, pointer: bigint): NativeHandle
  /** Makes a tensor that shares part of the memory of another. */
  subTensor(tensor: NativeHandle, begin: number, length: number): NativeHandle
  tensorPointer(tensor: NativeHandle): bigint
  writeTensor(tensor: NativeHandle, data: FloatArray | Uint16Array): void
  readTensor(tensor: NativeHandle, out: FloatArray | Uint16Array): void
  copyTensor(stream: NativeHandle, to: NativeHandle, from: NativeHandle): void
  /** Returns bytes: total, free, allocated, reserved. */
  deviceMemory(device: number): [number, number, number, number]
  /** Enqueues one call over tensors. `loss` and `invalid` each receive one float64 number. */
  deviceBoxLoss(
    block: Block,
    stream: NativeHandle,
    loss: NativeHandle,
    invalid: NativeHandle,
    ...tensors: ArrayList<NativeHandle>
  ): void
}

/** Everything that the addon exports (`binding/addon.cpp`). `test/cpu/native.test.ts` compares the names. */
export interface Native extends NativeCudaObjects {
  /** The names of the losses, formats, modes, tensor dtypes, arrays of a call and numbers of a block, in the addon's
   * order. */
  readonly losses: string[]
  readonly formats: string[]
  readonly modes: string[]
  readonly dtypes: string[]
  readonly arrays: string[]
  readonly headArrays: string[]
  readonly fields: string[]
  /** Runs one call over host arrays. `block` holds its numbers and receives two results. */
  boxLoss(block: Block, ...arrays: ArrayList<FloatArray>): void
  /** Runs one call on another thread. No other code may touch the arrays until the promise settles. Returns the loss
   * and the number of invalid rows. */
  boxLossAsync(block: Block, ...arrays: ArrayList<FloatArray>): Promise<[loss: number, invalid: number]>
  /** Writes the values of all pairs of [N, 2 axes] and [M, 2 axes] boxes, N and M > 0, to the [N, M] array `out`.
   * `block` receives the number of invalid boxes. */
  pairwise(block: Block, a: FloatArray, b: FloatArray, out: FloatArray): void
  /** Runs one call with a coder. `arrays` are those of `HEAD_ARRAYS`; without a target the boxes alone are decoded. If
   * a prior is not one for the coder, nothing is computed and `resultInvalid` is −1. */
  headLoss(block: Block, ...arrays: readonly (FloatArray | undefined)[]): void
  /** Allocates zeroed memory aligned to 64 bytes. Pinned memory can be copied by CUDA without waiting. The memory lives
   * as long as either of the two returned objects. Returns undefined where the runtime does not allow external
   * buffers. */
  allocate(bytes: number, pinned: boolean): [NativeHandle, ArrayBuffer] | undefined
  /** Prepares a call of `boxLoss` that can be run many times. Block and arrays lie in `memory`, which the plan keeps
   * alive. Every run reads from the block what may have changed since the last one: rows and scales. */
  newPlan(memory: NativeHandle, block: Block, ...arrays: ArrayList<FloatArray>): NativeHandle
  runPlan(plan: NativeHandle): void
  /** Releases an object at once. It may have been released before. */
  release(handle: NativeHandle): void
  /** The SIMD levels that this build has and this CPU can run, from narrowest to widest. */
  simdLevels(): string[]
  /** The current SIMD level. */
  simd(): string
  /** Sets the SIMD level for the whole process. Returns false if there is no level of that name. */
  setSimd(level: string): boolean
  /** Describes CUDA. The first call initialises the CUDA driver, if there is one. */
  cuda(): NativeCuda
}

let loaded: Native | undefined
let failure: ScaLossError | undefined

/** Returns the addon, or the error that says why it cannot be loaded. Loading is tried once per process. */
export function findNative(): Native | ScaLossError {
  if (loaded) return loaded
  if (failure) return failure
  try {
    loaded = loadNativeFile() as Native
  } catch (error) {
    if (!(error instanceof ScaLossError)) throw error
    failure = error
    return failure
  }
  applySimdOverride(loaded)
  return loaded
}

const MOST_THREADS = 256
let threads: number | undefined

/** The default of the option `threads`: the environment variable `SCALOSS_THREADS`, or one thread per processor. */
export function defaultThreads(): number {
  if (threads !== undefined) return threads
  const setting = settingOf('SCALOSS_THREADS')
  const count = setting
    ? Number(setting)
    : Math.min(ifAllowed(() => builtin('os')?.availableParallelism()) ?? 1, MOST_THREADS)
  if (!isThreadCount(count)) throw invalidArgument('SCALOSS_THREADS', THREAD_COUNT, setting)
  threads = count
  return threads
}

export const THREAD_COUNT = `a whole number from 1 to ${MOST_THREADS}`
export const isThreadCount = (value: unknown): value is number =>
  Number.isInteger(value) && (value as number) >= 1 && (value as number) <= MOST_THREADS

/** Returns the addon, or throws the error that says why it cannot be loaded. */
export function loadNative(): Native {
  const native = findNative()
  if (native instanceof ScaLossError) throw native
  return native
}

/** The environment variable `SCALOSS_SIMD` selects a narrower level, for tests and comparisons. */
function applySimdOverride(native: Native): void {
  const level = settingOf('SCALOSS_SIMD')
  if (level && !native.setSimd(level)) {
    loaded = undefined
    throw invalidArgument(
      'SCALOSS_SIMD',
      `one of the levels this CPU can run: ${native.simdLevels().join(', ')}`,
      level,
    )
  }
}
