import { ScaLossError, type UnavailableReason } from '../core/errors.js'
import type { BackendName } from '../core/types.js'
import { type CudaDeviceInfo, defaultThreads, findNative, loadNative, type Native, type NativeCuda } from './addon.js'

export type { CudaDeviceInfo, UnavailableReason }

/** What the option `backend` takes; `auto` is the first of the others that can run. */
export const BACKENDS = ['auto', 'cuda', 'cpu', 'js'] as const satisfies (BackendName | 'auto')[]

/** A backend that cannot run here. */
export interface Unavailable {
  available: false
  reason: UnavailableReason
  message: string
}

/** The CUDA backend, where there is a device that it can use. */
export interface CudaBackend {
  available: true
  /** CUDA versions of the driver and of the runtime inside the addon, as `'13.0'`. */
  driver: string
  runtime: string
  /** Position = `device` option. */
  devices: CudaDeviceInfo[]
}

/** The CPU backend, where the addon could be loaded. */
export interface CpuBackend {
  available: true
  /** The SIMD level in force. The environment variable `SCALOSS_SIMD` can choose a narrower one. */
  simd: string
  /** The levels that this build has and this CPU can run. */
  simdLevels: string[]
  /** How many a call uses at most, unless its option `threads` says so. The environment variable `SCALOSS_THREADS` sets it. */
  threads: number
}

/** The JavaScript backend, which can always run. */
export interface JsBackend {
  available: true
}

/** What `backends` found: each backend, or why it cannot run. */
export interface Backends {
  cuda: CudaBackend | Unavailable
  cpu: CpuBackend | Unavailable
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

/** A backend that has an error to show for it. */
function unavailable(error: unknown): Unavailable {
  if (!(error instanceof ScaLossError)) throw error
  return { available: false, reason: error.reason ?? 'error', message: error.message }
}

/** What can run here, and why the rest cannot. Initialises the CUDA driver, if there is one. */
export function backends(): Backends {
  const js: JsBackend = { available: true }
  try {
    const native = loadNative()
    return { cuda: describeCuda(native.cuda()), cpu: describeCpu(native), js }
  } catch (error) {
    return { cuda: unavailable(error), cpu: unavailable(error), js }
  }
}

let autoBackend: BackendName | undefined

/** The backend to run on: the one asked for, if it can run, or the best there is. Asking for the CPU never probes CUDA. */
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
    case 'js':
      return asked
  }
}

function chooseBackend(): BackendName {
  const native = findNative()
  if (native instanceof ScaLossError) {
    process.emitWarning(native.message, { type: 'ScaLossWarning', code: 'SCALOSS_JS_FALLBACK' })
    return 'js'
  }
  return native.cuda().reason === '' ? 'cuda' : 'cpu'
}
