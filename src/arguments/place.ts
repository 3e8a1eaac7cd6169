import { invalidArgument } from '../core/errors.js'
import type { Place } from '../core/job.js'
import type { BackendName } from '../core/types.js'
import { defaultThreads, isThreadCount, loadNative, THREAD_COUNT } from '../native/addon.js'
import { BACKENDS, resolveBackend } from '../native/backends.js'
import { checkOneOf } from './checks.js'

/** Checks the options that say where a call runs, and fills in the defaults. */
export function placeOf(
  backend: BackendName | 'auto' | undefined,
  device: number | undefined = 0,
  threads: number | undefined,
): Place {
  const chosen = backendOf(backend)
  checkDevice(device, chosen)
  return { backend: chosen, device, threads: threadsOf(threads, chosen) }
}

/** Returns the backend that an option asks for. */
export function backendOf(backend: BackendName | 'auto' = 'auto'): BackendName {
  checkOneOf('backend', backend, BACKENDS)
  return resolveBackend(backend)
}

export function checkDeviceIndex(argument: string, index: unknown): void {
  if (!Number.isInteger(index) || (index as number) < 0) {
    throw invalidArgument(argument, 'the index of a CUDA device', index)
  }
}

/** Checks the option `device`. With the backend CUDA, the device must exist. */
export function checkDevice(device: unknown, backend: BackendName): void {
  checkDeviceIndex('device', device)
  if (backend !== 'cuda') return
  const { devices } = loadNative().cuda()
  if ((device as number) >= devices.length) {
    throw invalidArgument('device', `the index of one of ${devices.length} CUDA devices`, device)
  }
}

/** Checks the option `threads` and fills in its default. Backends other than the CPU ignore it. */
function threadsOf(value: unknown, backend: BackendName): number {
  if (value === undefined) return backend === 'cpu' ? defaultThreads() : 1
  if (!isThreadCount(value)) throw invalidArgument('threads', THREAD_COUNT, value)
  return value
}
