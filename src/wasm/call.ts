import { type Block, FIELD, FIELDS, writeBoxLoss, writePairwise } from '../core/block.js'
import { ARRAYS, type BoxLossJob, hasBoxes, INPUTS, listOf, type PairwiseJob, type Summary } from '../core/job.js'
import { LOSSES } from '../core/losses.js'
import type { FloatArray } from '../core/types.js'
import { loadWasm, type WasmModule } from './module.js'

// Calls of the WebAssembly module. Arrays pass through its memory in parts of about the size of a second-level cache,
// so that they may be of any size and the memory never grows.

/** Rows whose losses the module adds to one partial sum (`core/reduction.h`). Parts have whole tiles. */
const TILE = 1024
/** Arrays in the module's memory start at multiples of so many bytes. */
const ALIGNMENT = 64

const aligned = (bytes: number) => Math.ceil(bytes / ALIGNMENT) * ALIGNMENT

/** Runs a checked job of `boxLoss`. */
export function wasmBoxLoss(job: BoxLossJob): Summary {
  const wasm = loadWasm()
  const { exports } = wasm
  const width = 2 * LOSSES[job.name].axes
  const rows = job.pred.length / width
  const isFloat64 = job.pred.BYTES_PER_ELEMENT === 8 ? 1 : 0
  const size = job.pred.BYTES_PER_ELEMENT
  const block = blockOf(wasm)
  writeBoxLoss(block, job)

  const arrays = listOf(job)
  const widths = ARRAYS.map((name, k) => (arrays[k] === undefined ? 0 : hasBoxes(name) ? width : 1))
  const rowBytes = size * widths.reduce((sum, columns) => sum + columns, 0)
  const most = Math.floor((exports.arenaBytes() - ARRAYS.length * ALIGNMENT) / rowBytes / TILE) * TILE
  const part = Math.min(rows, most)
  let next = exports.arena()
  const addresses = widths.map((columns) => {
    const address = next
    next += aligned(columns * part * size)
    return columns === 0 ? 0 : address
  })

  exports.begin(isFloat64)
  for (let first = 0; first < rows; first += part) {
    const count = Math.min(part, rows - first)
    for (let k = 0; k < INPUTS.length; ++k) {
      const array = arrays[k]
      if (array) copyIn(wasm, array, widths[k] * first, widths[k] * count, addresses[k])
    }
    exports.run(isFloat64, count, ...addresses)
    for (let k = INPUTS.length; k < ARRAYS.length; ++k) {
      const array = arrays[k]
      if (array) copyOut(wasm, array, widths[k] * first, widths[k] * count, addresses[k])
    }
  }
  exports.end(isFloat64)
  return { loss: block[FIELD.resultLoss], invalid: block[FIELD.resultInvalid] }
}

/** Runs a checked `pairwise` job that has boxes on both sides. Returns the number of invalid boxes. */
export function wasmPairwise(job: PairwiseJob): number {
  const wasm = loadWasm()
  const { exports } = wasm
  const width = 2 * LOSSES[job.name].axes
  const [rows, columns] = [job.a.length / width, job.b.length / width]
  const size = job.a.BYTES_PER_ELEMENT
  const isFloat64 = size === 8 ? 1 : 0
  writePairwise(blockOf(wasm), job)

  const bytes = exports.arenaBytes() - 3 * ALIGNMENT
  const columnPart = Math.min(columns, TILE)
  const rowPart = Math.min(rows, Math.floor((bytes / size - width * columnPart) / (columnPart + width)))
  const b = exports.arena()
  const a = b + aligned(width * columnPart * size)
  const out = a + aligned(width * rowPart * size)
  let invalid = 0
  exports.beginPairwise(isFloat64)
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

/** The block of numbers in the module's memory. Calls are synchronous, so each writes all of it and reads it before the
 * next. */
const blockOf = ({ buffer, exports }: WasmModule): Block => new Float64Array(buffer, exports.numbers(), FIELDS.length)

const heapOf = ({ float32, float64 }: WasmModule, array: FloatArray): FloatArray =>
  array.BYTES_PER_ELEMENT === 8 ? float64 : float32

function copyIn(wasm: WasmModule, array: FloatArray, first: number, count: number, address: number): void {
  const part = count === array.length ? array : array.subarray(first, first + count)
  heapOf(wasm, array).set(part, address / array.BYTES_PER_ELEMENT)
}

function copyOut(wasm: WasmModule, array: FloatArray, first: number, count: number, address: number): void {
  const begin = address / array.BYTES_PER_ELEMENT
  array.set(heapOf(wasm, array).subarray(begin, begin + count), first)
}
