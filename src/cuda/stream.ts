import { invalidArgument } from '../core/errors.js'
import type { NativeHandle } from '../native/addon.js'
import { callNative, handleOf, NativeObject } from '../native/object.js'
import type { CudaDevice } from './device.js'

/** A queue of work on a device. Work of one stream runs in its order; work of two may overlap. Made by `device.stream()`. */
export class CudaStream extends NativeObject {
  readonly device: CudaDevice

  /** @internal */
  constructor(device: CudaDevice, handle: NativeHandle) {
    super(handle)
    this.device = device
  }

  /** The `cudaStream_t`, for other native code. */
  get pointer(): bigint {
    return callNative((native) => native.streamPointer(handleOf(this, 'stream')))
  }

  /** Waits until all work of this stream is done. */
  synchronize(): void {
    callNative((native) => native.synchronizeStream(handleOf(this, 'stream')))
  }

  /** Marks this point of the stream. */
  record(): CudaEvent {
    return new CudaEvent(callNative((native) => native.recordEvent(handleOf(this, 'stream'))))
  }
}

/** A point of a stream, reached when all earlier work is done. Made by `stream.record()`. */
export class CudaEvent extends NativeObject {
  /** @internal */
  constructor(handle: NativeHandle) {
    super(handle)
  }

  /** Waits until the stream gets here. */
  synchronize(): void {
    callNative((native) => native.synchronizeEvent(handleOf(this, 'event')))
  }

  /** Milliseconds on the device between an earlier event and this one. Waits for this one. */
  since(earlier: CudaEvent): number {
    if (!(earlier instanceof CudaEvent)) throw invalidArgument('earlier', 'a CudaEvent', earlier)
    return callNative((native) => native.elapsedTime(handleOf(earlier, 'earlier'), handleOf(this, 'event')))
  }
}
