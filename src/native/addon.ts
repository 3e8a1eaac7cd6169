import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { invalidArgument, ScaLossError, type UnavailableReason } from '../core/errors.js'
import type { ArrayList } from '../core/job.js'
import type { FloatArray } from '../core/types.js'
import type { Block } from './block.js'
import { loadNativeFile } from './load.js'

/** A GPU. */
export interface CudaDeviceInfo {
  name: string
  /** As `'9.0'`. */
  computeCapability: string
  multiprocessors: number
  /** Bytes. */
  memory: number
}

/** What the addon says of CUDA. */
export interface NativeCuda {
  /** Empty when usable. */
  reason: '' | UnavailableReason
  message: string
  /** CUDA versions as CUDA writes them: 13000 is 13.0; 0 if there is none. */
  driver: number
  runtime: number
  devices: CudaDeviceInfo[]
}

declare const opaque: unique symbol
/** An object of the addon, which alone can look into it. Goes when it is released or garbage. */
export interface NativeHandle {
  readonly [opaque]: true
}

/** Streams, events and tensors of CUDA devices (`binding/cuda_objects.h`). */
export interface NativeCudaObjects {
  openStream(device: number, pointer: bigint | undefined): NativeHandle
  streamPointer(stream: NativeHandle): bigint
  synchronizeStream(stream: NativeHandle): void
  synchronizeDevice(device: number): void
  recordEvent(stream: NativeHandle): NativeHandle
  synchronizeEvent(event: NativeHandle): void
  /** Milliseconds; waits for the second. */
  elapsedTime(from: NativeHandle, to: NativeHandle): number
  /** Of zeros or of what the memory holds. `dtype` is a position in `dtypes`. */
  newTensor(stream: NativeHandle, dtype: number, length: number, zeros: boolean): NativeHandle
  foreignTensor(stream: NativeHandle, dtype: number, length: number, pointer: bigint): NativeHandle
  /** Shares the memory. */
  subTensor(tensor: NativeHandle, begin: number, length: number): NativeHandle
  tensorPointer(tensor: NativeHandle): bigint
  writeTensor(tensor: NativeHandle, data: FloatArray | Uint16Array): void
  readTensor(tensor: NativeHandle, out: FloatArray | Uint16Array): void
  copyTensor(stream: NativeHandle, to: NativeHandle, from: NativeHandle): void
  /** Bytes: total, free, allocated, reserved. */
  deviceMemory(device: number): [number, number, number, number]
  /** Enqueues one call over tensors; `loss` and `invalid` take one number of float64. */
  deviceBoxLoss(
    block: Block,
    stream: NativeHandle,
    loss: NativeHandle,
    invalid: NativeHandle,
    ...tensors: ArrayList<NativeHandle>
  ): void
}

/** Everything the addon exports (`binding/addon.cpp`); `test/cpu/native.test.ts` compares name by name. */
export interface Native extends NativeCudaObjects {
  /** Names of the losses, formats, modes, dtypes of tensors, arrays of a call and numbers of a block, in the addon's order. */
  readonly losses: string[]
  readonly formats: string[]
  readonly modes: string[]
  readonly dtypes: string[]
  readonly arrays: string[]
  readonly fields: string[]
  /** One call over host arrays, whose numbers are in `block`; it takes two results. */
  boxLoss(block: Block, ...arrays: ArrayList<FloatArray>): void
  /** The same off this thread, over arrays that nobody else has until the promise is settled. Gives loss and invalid rows. */
  boxLossAsync(block: Block, ...arrays: ArrayList<FloatArray>): Promise<[loss: number, invalid: number]>
  /** Values of all pairs of [N, 2 axes] and [M, 2 axes] boxes, N and M > 0, to [N, M]. `block` takes the number of invalid boxes. */
  pairwise(block: Block, a: FloatArray, b: FloatArray, out: FloatArray): void
  /** Memory of zeros, aligned to 64 bytes; pinned: CUDA copies it without waiting. It lives as long as either of the two that are
   * returned. Undefined where the runtime allows no external buffers. */
  allocate(bytes: number, pinned: boolean): [NativeHandle, ArrayBuffer] | undefined
  /** A call of `boxLoss` to run again and again. Block and arrays lie within `memory`, which the plan keeps; what a run may
   * change, its rows and scales, is read from the block at every run. */
  newPlan(memory: NativeHandle, block: Block, ...arrays: ArrayList<FloatArray>): NativeHandle
  runPlan(plan: NativeHandle): void
  /** Lets an object go at once; it may have gone before. */
  release(handle: NativeHandle): void
  /** SIMD levels that this build has and this CPU can run, from narrowest to widest. */
  simdLevels(): string[]
  /** The SIMD level in force. */
  simd(): string
  /** Puts a level in force for the whole process; false if there is none of that name. */
  setSimd(level: string): boolean
  /** The first call initialises the CUDA driver, if there is one. */
  cuda(): NativeCuda
}

let loaded: Native | undefined
let failure: ScaLossError | undefined

/** The addon, or the reason why there is none. Tried once per process. */
export function findNative(): Native | ScaLossError {
  if (loaded) return loaded
  if (failure) return failure
  try {
    loaded = loadNativeFile(join(__dirname, '..')) as Native
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

/** How many threads a call on the CPU uses at most, unless it says so: `SCALOSS_THREADS`, or one a processor. */
export function defaultThreads(): number {
  if (threads !== undefined) return threads
  const setting = process.env.SCALOSS_THREADS
  const count = setting ? Number(setting) : Math.min(availableParallelism(), MOST_THREADS)
  if (!isThreadCount(count)) throw invalidArgument('SCALOSS_THREADS', THREAD_COUNT, setting)
  threads = count
  return threads
}

export const THREAD_COUNT = `a whole number from 1 to ${MOST_THREADS}`
export const isThreadCount = (value: unknown): value is number =>
  Number.isInteger(value) && (value as number) >= 1 && (value as number) <= MOST_THREADS

/** The addon. Throws the reason why there is none. */
export function loadNative(): Native {
  const native = findNative()
  if (native instanceof ScaLossError) throw native
  return native
}

/** `SCALOSS_SIMD` narrows the level, for tests and comparisons. */
function applySimdOverride(native: Native): void {
  const level = process.env.SCALOSS_SIMD
  if (level && !native.setSimd(level)) {
    loaded = undefined
    throw invalidArgument(
      'SCALOSS_SIMD',
      `one of the levels this CPU can run: ${native.simdLevels().join(', ')}`,
      level,
    )
  }
}
