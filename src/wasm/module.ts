import { ScaLossError } from '../core/errors.js'
import { MODULE } from './bytes.js'

// Compiles the WebAssembly module and types what it exports.

/** The exports of `wasm/module.cpp`. Addresses are byte offsets into the memory of the module, and 0 stands for no
 * array. `isFloat64` is 1 for float64 and 0 for float32. */
interface Exports {
  memory: { readonly buffer: ArrayBuffer }
  /** Must be called before anything else. */
  _initialize(): void
  /** The address of the block of numbers (`core/block.ts`). */
  numbers(): number
  /** The address and the size of the memory for the arrays of a part of a call. */
  arena(): number
  arenaBytes(): number
  /** Starts a call of `boxLoss`, whose numbers are in the block. */
  begin(isFloat64: number): void
  /** Computes so many rows. All parts of a call but the last have whole tiles of 1,024 rows. */
  run(isFloat64: number, rows: number, ...arrays: number[]): void
  /** Writes the results of the call into the block. */
  end(isFloat64: number): void
  /** Starts a call of `pairwise`, whose numbers are in the block. */
  beginPairwise(isFloat64: number): void
  /** Computes [rows, columns] values. */
  runPairwise(isFloat64: number, rows: number, columns: number, a: number, b: number, out: number): void
  /** Returns how many boxes are invalid for the loss of the call of `pairwise`. */
  countInvalid(isFloat64: number, rows: number, boxes: number): number
}

// The types of Node 20 have no WebAssembly.
interface WebAssemblyLike {
  Module: new (bytes: Uint8Array) => object
  Instance: new (module: object, imports: object) => { exports: unknown }
}

/** An instance of the module. Its memory never grows, so views of it stay valid. */
export interface WasmModule {
  exports: Exports
  buffer: ArrayBuffer
  float32: Float32Array<ArrayBuffer>
  float64: Float64Array<ArrayBuffer>
}

/** The C library that is linked in asks for random numbers, but nothing here uses them. */
const IMPORTS = { wasi_snapshot_preview1: { random_get: () => 0 } }

let loaded: WasmModule | ScaLossError | undefined

/** Returns the module, or an error that says why there is none. It is compiled once per thread, at the first call. */
export function findWasm(): WasmModule | ScaLossError {
  loaded ??= instantiate()
  return loaded
}

/** Returns the module, and throws if the host cannot run it. */
export function loadWasm(): WasmModule {
  const wasm = findWasm()
  if (wasm instanceof ScaLossError) throw wasm
  return wasm
}

function instantiate(): WasmModule | ScaLossError {
  const { WebAssembly } = globalThis as { WebAssembly?: WebAssemblyLike }
  const unavailable = (why: string, cause?: unknown) =>
    new ScaLossError('ERR_SCALOSS_BACKEND_UNAVAILABLE', `backend 'wasm': ${why}`, { reason: 'no-wasm', cause })
  if (WebAssembly === undefined) return unavailable('this host has no WebAssembly')
  try {
    const instance = new WebAssembly.Instance(new WebAssembly.Module(bytesOf(MODULE)), IMPORTS)
    const exports = instance.exports as Exports
    exports._initialize()
    const { buffer } = exports.memory
    return { exports, buffer, float32: new Float32Array(buffer), float64: new Float64Array(buffer) }
  } catch (error) {
    // The host has no SIMD or no memory for it, or a policy forbids compiling.
    return unavailable(`the module cannot be loaded: ${(error as Error).message}`, error)
  }
}

/** Decodes base64. Buffer is ten times as quick as `atob`, and hosts without it have that. */
function bytesOf(base64: string): Uint8Array {
  const { Buffer } = globalThis as { Buffer?: { from(text: string, encoding: 'base64'): Uint8Array } }
  return Buffer?.from(base64, 'base64') ?? Uint8Array.from(atob(base64), (character) => character.charCodeAt(0))
}
