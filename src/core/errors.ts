/** Says what went wrong. Codes are stable across versions, so match on the code and not on the message. */
export type ScaLossErrorCode =
  /** An argument has the wrong type, dtype, length or value. The message names the argument. */
  | 'ERR_SCALOSS_INVALID_ARGUMENT'
  /** With `onInvalid: 'throw'`, a box is not finite or is inverted. The message names the row. */
  | 'ERR_SCALOSS_INVALID_BOX'
  /** The requested backend cannot run here. `backends()` says why. */
  | 'ERR_SCALOSS_BACKEND_UNAVAILABLE'
  /** There is not enough host memory for the call, such as for its results. */
  | 'ERR_SCALOSS_OUT_OF_MEMORY'
  /** A CUDA call failed. The message contains CUDA's name for the error. */
  | 'ERR_SCALOSS_CUDA'
  /** There is not enough device memory for a CUDA allocation. */
  | 'ERR_SCALOSS_CUDA_OUT_OF_MEMORY'
  /** A tensor, stream, event or plan was used after `dispose()`. */
  | 'ERR_SCALOSS_DISPOSED'
  /** The request cannot be computed, such as a gradient of a gradient. */
  | 'ERR_SCALOSS_UNSUPPORTED'
  /** A file passed to the command line or to a function of `scaloss/coco` cannot be read or has the wrong content. */
  | 'ERR_SCALOSS_INVALID_FILE'

/** Says why a backend cannot be used. */
export type UnavailableReason =
  /** No addon file was found, or the addon was built without CUDA. */
  | 'not-built'
  /** A bundler merged the package into a bundle, and there is no addon beside that. */
  | 'bundled'
  /** This host cannot load addons, because it is not Node, Bun or Deno. */
  | 'no-node'
  /** Addons are forbidden: Node was started with `--no-addons`, or with `--permission` and without `--allow-addons`, or
   * Deno without `--allow-ffi`. */
  | 'addons-disabled'
  /** An addon file was found but cannot be loaded: it is damaged, or built for another platform or C library. */
  | 'misfit'
  /** No CUDA driver is installed. */
  | 'no-driver'
  /** The CUDA driver is too old for the addon's CUDA runtime. */
  | 'driver-too-old'
  /** The driver finds no GPU. */
  | 'no-device'
  /** The addon contains no code that the GPU can run. */
  | 'no-kernel-image'
  /** This host has no WebAssembly, or one without SIMD. */
  | 'no-wasm'
  /** Any other reason. The message describes it. */
  | 'error'

/** The error class of this package. `code` says what went wrong, and the message names the argument, file or
 * backend. */
export class ScaLossError extends Error {
  override readonly name = 'ScaLossError'
  /** The stable code of the error. */
  readonly code: ScaLossErrorCode
  /** Why the backend cannot run, as in `backends()`. Set only with the code `ERR_SCALOSS_BACKEND_UNAVAILABLE`. */
  declare readonly reason?: UnavailableReason

  constructor(code: ScaLossErrorCode, message: string, options: ErrorOptions & { reason?: UnavailableReason } = {}) {
    super(message, options)
    this.code = code
    if (options.reason) this.reason = options.reason
  }
}

/** Describes a value of any type in one line, short enough for an error message. */
export function show(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.length > 60 ? `${value.slice(0, 57)}...` : value)
  if (typeof value === 'bigint') return `${value}n`
  if (typeof value === 'function') return 'a function'
  if (Array.isArray(value)) return `an array of ${value.length}`
  if (ArrayBuffer.isView(value)) {
    const length = 'length' in value ? `(${value.length})` : ''
    return `${classOf(value)}${length}`
  }
  if (typeof value === 'object' && value !== null) return `an object (${classOf(value)})`
  return String(value)
}

/** Returns the class name of an object. The constructor may be missing, or its name may be anything. */
function classOf(value: object): string {
  const name: unknown = value.constructor?.name
  return typeof name === 'string' ? name : 'no class'
}

/** Creates the error for a wrong argument. The message names the argument, what was expected, and what was given in
 * `got`. */
export function argumentError(argument: string, expected: string, got: string): ScaLossError {
  return new ScaLossError('ERR_SCALOSS_INVALID_ARGUMENT', `${argument}: expected ${expected}, got ${got}`)
}

/** Creates the same error as `argumentError` and describes the given value. */
export function invalidArgument(argument: string, expected: string, value: unknown): ScaLossError {
  return argumentError(argument, expected, show(value))
}
