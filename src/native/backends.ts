import { ScaLossError, type UnavailableReason } from '../core/errors.js'
import { setting, warn } from '../core/host.js'
import type { BackendName } from '../core/types.js'
import { findWasm, loadWasm } from '../wasm/module.js'
import { type CudaDeviceInfo, defaultThreads, findNative, loadNative, type Native, type NativeCuda } from './addon.js'

export type { CudaDeviceInfo, UnavailableReason }

/** The values of the option `backend`. `'auto'` is the first of the others that can run here. */
export const BACKENDS = ['auto', 'cuda', 'cpu', 'wasm', 'js'] as const satisfies (BackendName | 'auto')[]

/** Says why a backend cannot run here. */
export interface Unavailable {
  /** False: the backend cannot run here. */
  available: false
  /** The reason in one word, to match on. */
  reason: UnavailableReason
  /** The reason in full, to read. */
  message: string
}

/** Describes the CUDA backend, if there is a device that it can use. */
export interface CudaBackend {
  /** True: the backend can run here. */
  available: true
  /** The CUDA version that the driver supports, such as `'13.0'`. */
  driver: string
  /** The version of the CUDA runtime in the addon, such as `'13.0'`. */
  runtime: string
  /** The devices. The index of a device is the value of the option `device`. */
  devices: CudaDeviceInfo[]
}

/** Describes the CPU backend, if the addon could be loaded. */
export interface CpuBackend {
  /** True: the backend can run here. */
  available: true
  /** The current SIMD level, such as `'avx2'`. The environment variable `SCALOSS_SIMD` can select a narrower one. */
  simd: string
  /** The SIMD levels that this build has and this CPU can run, from narrowest to widest. */
  simdLevels: string[]
  /** The largest number of threads of a call without the option `threads`. The environment variable `SCALOSS_THREADS`
   * sets it. */
  threads: number
}

/** Describes the WebAssembly backend, if this host has WebAssembly with SIMD. */
export interface WasmBackend {
  /** True: the backend can run here. */
  available: true
}

/** Describes the JavaScript backend, which can always run. */
export interface JsBackend {
  /** True: this backend can run everywhere. */
  available: true
}

/** The result of `backends`: a description of each backend, or why it cannot run. */
export interface Backends {
  /** The CUDA kernels, on an NVIDIA GPU. */
  cuda: CudaBackend | Unavailable
  /** The native code for the CPU. */
  cpu: CpuBackend | Unavailable
  /** The native code for the CPU as WebAssembly. */
  wasm: WasmBackend | Unavailable
  /** Plain JavaScript. */
  js: JsBackend
}

const version = (cuda: number) => `${Math.floor(cuda / 1000)}.${Math.floor((cuda % 1000) / 10)}`

function describeCuda(cuda: NativeCuda): CudaBackend | Unavailable {
  if (cuda.reason !== '') return { available: false, reason: cuda.reason, message: cuda.message }
  return { available: true, driver: version(cuda.driver), runtime: version(cuda.runtime), devices: cuda.devices }
}

function describeCpu(native: Native): CpuBackend | Unavailable {
  try {
    return { available: true, simd: native.simd(), simdLevels: native.simdLevels(), threads: defaultThreads() }
  } catch (error) {
    return unavailable(error)
  }
}

function describeWasm(): WasmBackend | Unavailable {
  const wasm = findWasm()
  return wasm instanceof ScaLossError ? unavailable(wasm) : { available: true }
}

/** Describes a backend that failed with an error. */
function unavailable(error: unknown): Unavailable {
  if (!(error instanceof ScaLossError)) throw error
  return { available: false, reason: error.reason ?? 'error', message: error.message }
}

/** Says which backends can run here, and why the others cannot. Initialises the CUDA driver, if there is one. */
export function backends(): Backends {
  const js: JsBackend = { available: true }
  const wasm = describeWasm()
  try {
    const native = loadNative()
    return { cuda: describeCuda(native.cuda()), cpu: describeCpu(native), wasm, js }
  } catch (error) {
    return { cuda: unavailable(error), cpu: unavailable(error), wasm, js }
  }
}

let autoBackend: BackendName | undefined

/** Chooses the backend to run on: the requested one, if it can run, or with `'auto'` the best available. Asking for the
 * CPU never probes CUDA. */
export function resolveBackend(asked: BackendName | 'auto'): BackendName {
  switch (asked) {
    case 'auto':
      autoBackend ??= chooseBackend()
      return autoBackend
    case 'cuda': {
      const { reason, message } = loadNative().cuda()
      if (reason !== '')
        throw new ScaLossError('ERR_SCALOSS_BACKEND_UNAVAILABLE', `backend 'cuda': ${reason}: ${message}`, { reason })
      return asked
    }
    case 'cpu':
      loadNative()
      return asked
    case 'wasm':
      loadWasm()
      return asked
    case 'js':
      return asked
  }
}

function chooseBackend(): BackendName {
  const native = findNative()
  if (native instanceof ScaLossError) {
    const wasm = findWasm()
    // WebAssembly gives the same bits in a few times the time, and is what a host without an addon should use. An addon
    // that is there and cannot be loaded is a mistake that somebody can mend.
    if (wasm instanceof ScaLossError) {
      warn('SCALOSS_JS_FALLBACK', `${native.message}\n${wasm.message}`)
      return 'js'
    }
    if (native.reason === 'misfit' || setting('SCALOSS_PREBUILD')) warn('SCALOSS_WASM_FALLBACK', native.message)
    return 'wasm'
  }
  return native.cuda().reason === '' ? 'cuda' : 'cpu'
}
