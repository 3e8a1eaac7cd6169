import { checkDevice, checkDeviceIndex } from '../arguments/place.js'
import { loadNative } from '../native/addon.js'
import { resolveBackend } from '../native/backends.js'
import { CudaDevice as Device } from './device.js'
import type { CudaDevice } from './types.js'

export type {
  CudaDevice,
  CudaEvent,
  CudaStream,
  CudaTensor,
  DeviceBoxLossOptions,
  DeviceBoxLossResult,
  DeviceMemory,
  DeviceOut,
  TensorArray,
  TensorDType,
} from './types.js'

const devices = new Map<number, CudaDevice>()

/** CUDA devices, for calls over memory that stays on them. */
export const cuda = {
  /**
   * A device, the same object for every call.
   *
   * @param index as in `backends().cuda.devices`.
   * @throws {ScaLossError} `ERR_SCALOSS_BACKEND_UNAVAILABLE` where CUDA cannot be used; the message says why.
   */
  device(index = 0): CudaDevice {
    const known = devices.get(index)
    if (known) return known
    checkDeviceIndex('index', index)
    resolveBackend('cuda')
    checkDevice(index, 'cuda')
    const device = new Device(index, loadNative().cuda().devices[index])
    devices.set(index, device)
    return device
  },
}
