/// <reference lib="esnext.disposable" preserve="true" />
import { ScaLossError } from '../core/errors.js'
import { loadNative, type Native, type NativeHandle } from './addon.js'
import { fromNative } from './call.js'

/** Calls the addon; what it throws comes out as a `ScaLossError`. */
export function callNative<T>(call: (native: Native) => T): T {
  try {
    return call(loadNative())
  } catch (error) {
    throw fromNative(error)
  }
}

/** The native object behind `object`. Throws if that was disposed; `argument` names it in the message. */
export let handleOf: (object: NativeObject, argument: string) => NativeHandle

/** Something that lives on a device until it is disposed or, at the latest, until it is garbage. */
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

  /** Whether it is released. */
  get disposed(): boolean {
    return this.#handle === undefined
  }

  /** Gives the memory back, once work that was enqueued with it is done. May be called again. */
  dispose(): void {
    const handle = this.#handle
    if (!handle) return
    this.#handle = undefined
    callNative((native) => native.release(handle))
  }

  /** `dispose`, for `using`. */
  [Symbol.dispose](): void {
    this.dispose()
  }
}
