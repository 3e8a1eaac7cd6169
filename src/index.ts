/**
 * The losses with their gradients, plans, pairwise losses, the gradient checker and CUDA.
 * @module scaloss
 */

export { type AllocOptions, alloc } from './calls/alloc.js'
export { type BoxCoder, boxCoder, type DecodeOptions, type EncodeOptions } from './calls/box-coder.js'
export { boxLoss } from './calls/box-loss.js'
export { type AsyncBoxLossOptions, boxLossAsync } from './calls/box-loss-async.js'
export { headLoss } from './calls/head-loss.js'
export * from './calls/named-losses.js'
export { pairwise } from './calls/pairwise.js'
export { createPlan, type Plan, type PlanOptions, type RunOptions } from './calls/plan.js'
export type { CoderPreset } from './core/coder-presets.js'
export type { Activation, CoderKind, CoderOptions, CoderParams } from './core/coders.js'
export { ScaLossError, type ScaLossErrorCode } from './core/errors.js'
export type {
  ArrayOf,
  BackendName,
  BoxLossOptions,
  BoxLossResult,
  Convention,
  DetailedPairwise,
  DType,
  FloatArray,
  Format,
  HeadLossOptions,
  HeadLossResult,
  HeadOut,
  LossName,
  LossOptions,
  Mode,
  Out,
  PairwiseOptions,
  PairwiseResult,
  Reduction,
  SameDType,
} from './core/types.js'
export {
  type CudaDevice,
  type CudaEvent,
  type CudaStream,
  type CudaTensor,
  cuda,
  type DeviceBoxLossOptions,
  type DeviceBoxLossResult,
  type DeviceMemory,
  type DeviceOut,
  type TensorArray,
  type TensorDType,
} from './cuda/cuda.js'
export type { Deviation, WorstComponent } from './grad-check/deviation.js'
export {
  type GradCheckOptions,
  type GradCheckReport,
  type GradCheckTolerances,
  type GradCheckWorst,
  gradCheck,
} from './grad-check/grad-check.js'
export {
  type Backends,
  backends,
  type CpuBackend,
  type CudaBackend,
  type CudaDeviceInfo,
  type JsBackend,
  type Unavailable,
  type UnavailableReason,
  type WasmBackend,
} from './native/backends.js'
