import { type Block, FIELDS } from '../core/block.js'
import { ScaLossError } from '../core/errors.js'
import { MODULE } from './bytes.js'

// Compiles the WebAssembly module, makes instances of it and types what they export.

/** The exports of `wasm/module.cpp`. Addresses are byte offsets into the memory of the module, and 0 stands for no
 * array. `isFloat64` is 1 for float64 and 0 for float32. */
interface Exports {
  memory: { readonly buffer: ArrayBuffer; grow(pages: number): number }
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
  /** The same for a call of `headLoss`. Each part has its own priors. */
  beginHead(isFloat64: number): void
  runHead(isFloat64: number, rows: number, priors: number, ...arrays: number[]): void
  endHead(isFloat64: number): void
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

/** An instance of the module. Its memory has a fixed size, so views of it stay valid. */
export interface WasmInstance {
  exports: Exports
  buffer: ArrayBuffer
  float32: Float32Array<ArrayBuffer>
  float64: Float64Array<ArrayBuffer>
  /** The block of numbers in its memory. Calls are synchronous, so each writes all of it and reads it before the
   * next. */
  block: Block
  /** The address of the bytes that were asked for. */
  extra: number
}

/** The C library that is linked in asks for random numbers, but nothing here uses them. */
const IMPORTS = { wasi_snapshot_preview1: { random_get: () => 0 } }
const PAGE = 65_536

let compiled: object | undefined
let first: WasmInstance | ScaLossError | undefined

/** Returns the instance for arrays that lie in no memory of the module, or an error that says why there is none. Each
 * thread has one, made at the first call. */
export function findWasm(): WasmInstance | ScaLossError {
  first ??= firstInstance()
  return first
}

/** Returns that instance, and throws if the host cannot run the module. */
export function loadWasm(): WasmInstance {
  const wasm = findWasm()
  if (wasm instanceof ScaLossError) throw wasm
  return wasm
}

function firstInstance(): WasmInstance | ScaLossError {
  const unavailable = (why: string, cause?: unknown) =>
    new ScaLossError('ERR_SCALOSS_BACKEND_UNAVAILABLE', `backend 'wasm': ${why}`, { reason: 'no-wasm', cause })
  if (!('WebAssembly' in globalThis)) return unavailable('this host has no WebAssembly')
  try {
    return newInstance(0)
  } catch (error) {
    // The host has no SIMD or no memory for it, or a policy forbids compiling.
    return unavailable(`the module cannot be loaded: ${(error as Error).message}`, error)
  }
}

/** Makes an instance with so many more bytes of memory. The host throws a RangeError if it has none. */
export function newInstance(bytes: number): WasmInstance {
  const { WebAssembly } = globalThis as unknown as { WebAssembly: WebAssemblyLike }
  compiled ??= new WebAssembly.Module(bytesOf(MODULE))
  const exports = new WebAssembly.Instance(compiled, IMPORTS).exports as Exports
  exports._initialize()
  // Growing detaches all views, so it comes before the first one is made.
  const extra = exports.memory.grow(Math.ceil(bytes / PAGE)) * PAGE
  const { buffer } = exports.memory
  return {
    exports,
    buffer,
    float32: new Float32Array(buffer),
    float64: new Float64Array(buffer),
    block: new Float64Array(buffer, exports.numbers(), FIELDS.length),
    extra,
  }
}

/** Decodes base64. Buffer is ten times as quick as `atob`, and hosts without it have that. */
function bytesOf(base64: string): Uint8Array {
  const { Buffer } = globalThis as { Buffer?: { from(text: string, encoding: 'base64'): Uint8Array } }
  return Buffer?.from(base64, 'base64') ?? Uint8Array.from(atob(base64), (character) => character.charCodeAt(0))
}
