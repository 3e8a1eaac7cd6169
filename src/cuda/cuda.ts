import { checkDevice, checkDeviceIndex } from '../arguments/place.js'
import { loadNative } from '../native/addon.js'
import { resolveBackend } from '../native/backends.js'
import { CudaDevice } from './device.js'

export type { DeviceBoxLossOptions, DeviceBoxLossResult, DeviceOut } from './box-loss.js'
export type { CudaDevice, DeviceMemory } from './device.js'
export type { CudaEvent, CudaStream } from './stream.js'
export type { CudaTensor, TensorArray, TensorDType } from './tensor.js'

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
    const device = new CudaDevice(index, loadNative().cuda().devices[index])
    devices.set(index, device)
    return device
  },
}
