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

/** Gives access to CUDA devices, for calls over memory that stays on them. */
export const cuda = {
  /**
   * Returns a device. Every call with the same index returns the same object.
   *
   * @param index the index of the device in `backends().cuda.devices`. Default 0.
   * @throws {ScaLossError} `ERR_SCALOSS_BACKEND_UNAVAILABLE`: CUDA cannot be used, and the message says why.
   *   `ERR_SCALOSS_INVALID_ARGUMENT`: there is no device with this index.
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
