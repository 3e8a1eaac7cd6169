import { FIELD, writeBoxLoss, writePairwise } from '../core/block.js'
import {
  ARRAYS,
  type ArrayList,
  type BoxLossJob,
  hasBoxes,
  INPUTS,
  listOf,
  type PairwiseJob,
  type Summary,
} from '../core/job.js'
import { LOSSES } from '../core/losses.js'
import type { FloatArray } from '../core/types.js'
import { ALIGNMENT, aligned, copyIn, copyOut, TILE } from './arena.js'
import { instanceOf } from './heap.js'
import { loadWasm, type WasmInstance } from './module.js'

// Calls of the WebAssembly module. Arrays in its memory are read and written in place. Others pass through the arena in
// its memory, in parts of about the size of a second-level cache, so that they may be of any size.

/** Runs a checked job of `boxLoss`. */
export function wasmBoxLoss(job: BoxLossJob): Summary {
  const { pred } = job
  const wasm = instanceOf(pred) ?? loadWasm()
  const { exports, block } = wasm
  const isFloat64 = pred.BYTES_PER_ELEMENT === 8 ? 1 : 0
  const width = 2 * LOSSES[job.name].axes
  const rows = pred.length / width
  const arrays = listOf(job)
  const addresses: number[] = []
  let passing = 0
  for (const array of arrays) {
    const isInside = array !== undefined && array.buffer === wasm.buffer
    if (array && !isInside) passing += array.byteLength / rows
    addresses.push(isInside ? array.byteOffset : 0)
  }
  writeBoxLoss(block, job)
  exports.begin(isFloat64)
  if (passing === 0) exports.run(isFloat64, rows, ...addresses)
  else runInParts(wasm, arrays, addresses, rows, passing)
  exports.end(isFloat64)
  return { loss: block[FIELD.resultLoss], invalid: block[FIELD.resultInvalid] }
}

/** Computes the rows in parts. Arrays without an address pass through the arena; they have `rowBytes` bytes a row
 * together. */
function runInParts(
  wasm: WasmInstance,
  arrays: ArrayList<FloatArray>,
  inside: readonly number[],
  rows: number,
  rowBytes: number,
): void {
  const { exports } = wasm
  const isFloat64 = arrays[0].BYTES_PER_ELEMENT === 8 ? 1 : 0
  const most = Math.floor((exports.arenaBytes() - ARRAYS.length * ALIGNMENT) / rowBytes / TILE) * TILE
  const part = Math.min(rows, most)
  const width = arrays[0].length / rows
  const columnsOf = (k: number) => (hasBoxes(ARRAYS[k]) ? width : 1)
  const addresses = [...inside]
  let next = exports.arena()
  for (let k = 0; k < ARRAYS.length; ++k) {
    const array = arrays[k]
    if (array === undefined || inside[k] > 0) continue
    addresses[k] = next
    next += aligned((array.byteLength / rows) * part)
  }
  for (let first = 0; first < rows; first += part) {
    const count = Math.min(part, rows - first)
    for (let k = 0; k < ARRAYS.length; ++k) {
      const array = arrays[k]
      if (array === undefined) continue
      if (inside[k] > 0) addresses[k] = inside[k] + (array.byteLength / rows) * first
      else if (k < INPUTS.length) copyIn(wasm, array, columnsOf(k) * first, columnsOf(k) * count, addresses[k])
    }
    exports.run(isFloat64, count, ...addresses)
    for (let k = INPUTS.length; k < ARRAYS.length; ++k) {
      const array = arrays[k]
      if (array && inside[k] === 0) copyOut(wasm, array, columnsOf(k) * first, columnsOf(k) * count, addresses[k])
    }
  }
}

/** Runs a checked `pairwise` job that has boxes on both sides. Returns the number of invalid boxes. */
export function wasmPairwise(job: PairwiseJob): number {
  const wasm = instanceOf(job.out) ?? loadWasm()
  const { exports } = wasm
  const width = 2 * LOSSES[job.name].axes
  const [rows, columns] = [job.a.length / width, job.b.length / width]
  const size = job.a.BYTES_PER_ELEMENT
  const isFloat64 = size === 8 ? 1 : 0
  writePairwise(wasm.block, job)
  exports.beginPairwise(isFloat64)
  if ([job.a, job.b, job.out].every(({ buffer }) => buffer === wasm.buffer)) {
    const [a, b, out] = [job.a.byteOffset, job.b.byteOffset, job.out.byteOffset]
    exports.runPairwise(isFloat64, rows, columns, a, b, out)
    return exports.countInvalid(isFloat64, rows, a) + exports.countInvalid(isFloat64, columns, b)
  }

  const bytes = exports.arenaBytes() - 3 * ALIGNMENT
  const columnPart = Math.min(columns, TILE)
  const rowPart = Math.min(rows, Math.floor((bytes / size - width * columnPart) / (columnPart + width)))
  const b = exports.arena()
  const a = b + aligned(width * columnPart * size)
  const out = a + aligned(width * rowPart * size)
  let invalid = 0
  for (let column = 0; column < columns; column += columnPart) {
    const columnCount = Math.min(columnPart, columns - column)
    copyIn(wasm, job.b, width * column, width * columnCount, b)
    invalid += exports.countInvalid(isFloat64, columnCount, b)
    for (let row = 0; row < rows; row += rowPart) {
      const rowCount = Math.min(rowPart, rows - row)
      copyIn(wasm, job.a, width * row, width * rowCount, a)
      if (column === 0) invalid += exports.countInvalid(isFloat64, rowCount, a)
      exports.runPairwise(isFloat64, rowCount, columnCount, a, b, out)
      if (columnCount === columns) {
        copyOut(wasm, job.out, row * columns, rowCount * columns, out)
      } else {
        for (let i = 0; i < rowCount; ++i) {
          copyOut(wasm, job.out, (row + i) * columns + column, columnCount, out + i * columnCount * size)
        }
      }
    }
  }
  return invalid
}
