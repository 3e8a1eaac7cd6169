import type { FloatArray } from '../core/types.js'
import { loadWasm, newInstance, type WasmInstance } from './module.js'

// Memory of instances of the module, for arrays that calls read and write in place.

/** A call computes in one memory, so arrays should share one. A heap therefore has room for as many arrays as a call
 * can have, each as large as the first. Memory that is never touched costs none of the machine's. */
const ARRAYS_OF_A_CALL = 8
const LEAST_BYTES = 2 ** 24
/** What the module itself needs is far less than the rest of the 4 GiB that it can address. */
const MOST_BYTES = 2 ** 32 - 2 ** 24
/** Arrays start at multiples of so many bytes, which is a cache line. */
const ALIGNMENT = 64

/** The instances that have heaps, by their memory. They live as long as an array of it does. */
const instances = new WeakMap<ArrayBufferLike, WasmInstance>()
/** The heap that the next arrays go to, while they fit. */
let current = { buffer: new ArrayBuffer(0), next: 0 }

/** Returns `bytes` bytes of zeros in the memory of an instance, or undefined if the host has no such memory. A heap is
 * freed as a whole, when no array in it is in use any more. */
export function allocateInHeap(bytes: number): { buffer: ArrayBuffer; offset: number } | undefined {
  const size = Math.ceil(bytes / ALIGNMENT) * ALIGNMENT
  if (size > MOST_BYTES) return undefined
  if (current.next + size > current.buffer.byteLength) {
    try {
      const instance = newInstance(Math.min(MOST_BYTES, Math.max(LEAST_BYTES, size * ARRAYS_OF_A_CALL)))
      instances.set(instance.buffer, instance)
      current = { buffer: instance.buffer, next: instance.extra }
    } catch {
      return undefined
    }
  }
  const offset = current.next
  current.next += size
  return { buffer: current.buffer, offset }
}

/** The instance with the most room for parts of calls that the arena is too small for. */
let widest: { instance: WasmInstance; bytes: number } | undefined

/** Returns an instance and the address of at least so many bytes in it, for a part of a call. */
export function roomFor(bytes: number): { wasm: WasmInstance; address: number; bytes: number } {
  const wasm = loadWasm()
  const arena = wasm.exports.arenaBytes()
  if (bytes <= arena) return { wasm, address: wasm.exports.arena(), bytes: arena }
  if (!widest || widest.bytes < bytes) widest = { instance: newInstance(bytes), bytes }
  return { wasm: widest.instance, address: widest.instance.extra, bytes: widest.bytes }
}

/** Returns the instance in whose heap an array lies, if any. */
export const instanceOf = (array: FloatArray): WasmInstance | undefined => instances.get(array.buffer)
