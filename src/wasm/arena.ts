import type { FloatArray } from '../core/types.js'
import type { WasmInstance } from './module.js'

// What calls need whose arrays pass through the memory of the module in parts.

/** Rows whose losses the module adds to one partial sum (`core/reduction.h`). Parts have whole tiles. */
export const TILE = 1024
/** Arrays in the arena start at multiples of so many bytes. */
export const ALIGNMENT = 64

export const aligned = (bytes: number) => Math.ceil(bytes / ALIGNMENT) * ALIGNMENT

const heapOf = ({ float32, float64 }: WasmInstance, array: FloatArray): FloatArray =>
  array.BYTES_PER_ELEMENT === 8 ? float64 : float32

export function copyIn(wasm: WasmInstance, array: FloatArray, first: number, count: number, address: number): void {
  const part = count === array.length ? array : array.subarray(first, first + count)
  heapOf(wasm, array).set(part, address / array.BYTES_PER_ELEMENT)
}

export function copyOut(wasm: WasmInstance, array: FloatArray, first: number, count: number, address: number): void {
  const begin = address / array.BYTES_PER_ELEMENT
  array.set(heapOf(wasm, array).subarray(begin, begin + count), first)
}
