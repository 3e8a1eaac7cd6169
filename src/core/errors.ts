/** What went wrong, stable across versions: match on this, not on the message. */
export type ScaLossErrorCode =
  /** An argument has the wrong type, dtype, length or value; the message names it. */
  | 'ERR_SCALOSS_INVALID_ARGUMENT'
  /** `onInvalid: 'throw'` met a box that is not finite or is inverted. */
  | 'ERR_SCALOSS_INVALID_BOX'
  /** The backend asked for cannot run here; `backends()` says why. */
  | 'ERR_SCALOSS_BACKEND_UNAVAILABLE'
  /** A result does not fit into memory. */
  | 'ERR_SCALOSS_OUT_OF_MEMORY'
  /** A CUDA call failed; the message carries CUDA's own name for the error. */
  | 'ERR_SCALOSS_CUDA'
  /** A CUDA allocation did not fit into device memory. */
  | 'ERR_SCALOSS_CUDA_OUT_OF_MEMORY'
  /** A tensor, stream, event or plan was used after `dispose()`. */
  | 'ERR_SCALOSS_DISPOSED'
  /** What cannot be computed, such as a gradient of a gradient. */
  | 'ERR_SCALOSS_UNSUPPORTED'
  /** A file given to the command line cannot be read or does not hold what it should. */
  | 'ERR_SCALOSS_INVALID_FILE'

/** Why a backend cannot be used. */
export type UnavailableReason =
  /** No file of the addon was found, or the addon was built without CUDA. */
  | 'not-built'
  /** Node was started with a flag that forbids addons: `--no-addons`, or `--permission` without `--allow-addons`. */
  | 'addons-disabled'
  /** A file of the addon was found, but it cannot be loaded: it is damaged, or made for another platform or C library. */
  | 'misfit'
  | 'no-driver'
  | 'driver-too-old'
  | 'no-device'
  /** The addon holds no code that the GPU can run. */
  | 'no-kernel-image'
  /** Something else; the message says what. */
  | 'error'

/** The one error type of this package. */
export class ScaLossError extends Error {
  override readonly name = 'ScaLossError'
  readonly code: ScaLossErrorCode
  /** Why the backend cannot run, as in `backends()`: only with the code `ERR_SCALOSS_BACKEND_UNAVAILABLE`. */
  declare readonly reason?: UnavailableReason

  constructor(code: ScaLossErrorCode, message: string, options: ErrorOptions & { reason?: UnavailableReason } = {}) {
    super(message, options)
    this.code = code
    if (options.reason) this.reason = options.reason
  }
}

/** One line that shows a value of any type in an error message, short enough to read. */
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

/** An object may have a constructor of any kind, or none. */
function classOf(value: object): string {
  const name: unknown = value.constructor?.name
  return typeof name === 'string' ? name : 'no class'
}

/** The error for an argument that is not what was expected: names it, says what was expected and what came. */
export function argumentError(argument: string, expected: string, got: string): ScaLossError {
  return new ScaLossError('ERR_SCALOSS_INVALID_ARGUMENT', `${argument}: expected ${expected}, got ${got}`)
}

/** The same, showing the value that came. */
export function invalidArgument(argument: string, expected: string, value: unknown): ScaLossError {
  return argumentError(argument, expected, show(value))
}
