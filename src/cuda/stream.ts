import { argumentError, invalidArgument } from '../core/errors.js'
import type { NativeHandle } from '../native/addon.js'
import { callNative, handleOf, NativeObject } from '../native/object.js'
import type * as types from './types.js'

/** Implements the interface in types.ts, which has the documentation. */
export class CudaStream extends NativeObject implements types.CudaStream {
  readonly device: types.CudaDevice

  /** @internal */
  constructor(device: types.CudaDevice, handle: NativeHandle) {
    super(handle)
    this.device = device
  }

  get pointer(): bigint {
    return callNative((native) => native.streamPointer(handleOf(this, 'stream')))
  }

  synchronize(): void {
    callNative((native) => native.synchronizeStream(handleOf(this, 'stream')))
  }

  record(): CudaEvent {
    return new CudaEvent(callNative((native) => native.recordEvent(handleOf(this, 'stream'))))
  }
}

/** Implements the interface in types.ts, which has the documentation. */
export class CudaEvent extends NativeObject implements types.CudaEvent {
  /** @internal */
  constructor(handle: NativeHandle) {
    super(handle)
  }

  synchronize(): void {
    callNative((native) => native.synchronizeEvent(handleOf(this, 'event')))
  }

  since(earlier: types.CudaEvent): number {
    if (!(earlier instanceof CudaEvent)) throw invalidArgument('earlier', 'a CudaEvent', earlier)
    return callNative((native) => native.elapsedTime(handleOf(earlier, 'earlier'), handleOf(this, 'event')))
  }
}

/** Returns the stream of a call. The default is the default stream of the device. */
export function streamOf(device: types.CudaDevice, stream: types.CudaStream | undefined): NativeHandle {
  if (stream === undefined) return handleOf(device.defaultStream, 'stream')
  if (!(stream instanceof CudaStream)) throw invalidArgument('stream', 'a CudaStream', stream)
  if (stream.device !== device) {
    throw argumentError('stream', `a stream of CUDA device ${device.index}`, `one of device ${stream.device.index}`)
  }
  return handleOf(stream, 'stream')
}
