/// <reference lib="esnext.disposable" preserve="true" />
import { ScaLossError } from '../core/errors.js'
import { loadNative, type Native, type NativeHandle } from './addon.js'
import { fromNative } from './call.js'

/** Calls the addon and converts its errors to `ScaLossError`. */
export function callNative<T>(call: (native: Native) => T): T {
  try {
    return call(loadNative())
  } catch (error) {
    throw fromNative(error)
  }
}

/** Returns the native object behind `object`. Throws if it was disposed; the message calls it `argument`. */
export let handleOf: (object: NativeObject, argument: string) => NativeHandle

/** An object on a device. It lives until it is disposed, or at the latest until it is garbage collected. */
export abstract class NativeObject {
  #handle: NativeHandle | undefined

  static {
    handleOf = (object, argument) => {
      if (object.#handle) return object.#handle
      throw new ScaLossError(
        'ERR_SCALOSS_DISPOSED',
        `${argument}: expected a ${object.constructor.name} in use, got one that was disposed`,
      )
    }
  }

  protected constructor(handle: NativeHandle) {
    this.#handle = handle
  }

  /** Whether `dispose()` was called. */
  get disposed(): boolean {
    return this.#handle === undefined
  }

  /** Frees the memory after the work that was enqueued with it is done. Further calls have no effect. */
  dispose(): void {
    const handle = this.#handle
    if (!handle) return
    this.#handle = undefined
    callNative((native) => native.release(handle))
  }

  /** Calls `dispose`, so that the object can be declared with `using`. */
  [Symbol.dispose](): void {
    this.dispose()
  }
}
