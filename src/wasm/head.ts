import { FIELD, writeHead } from '../core/block.js'
import { CODERS, rawColumns } from '../core/coders.js'
import { HEAD_ARRAYS, HEAD_INPUTS, type HeadArrayName, type HeadJob } from '../core/head-job.js'
import type { Summary } from '../core/job.js'
import type { FloatArray } from '../core/types.js'
import { ALIGNMENT, aligned, copyIn, copyOut, TILE } from './arena.js'
import { instanceOf, roomFor } from './heap.js'

// Calls of the WebAssembly module with a coder. If all arrays lie in one memory of the module, they are read and
// written in place. Otherwise all of them pass through it in parts.

/** Runs a checked job with a coder that has rows. */
export function wasmHeadLoss(job: HeadJob): Summary {
  const { coder, raw, prior, rows } = job
  const isFloat64 = raw.BYTES_PER_ELEMENT === 8 ? 1 : 0
  const priorColumns = prior ? CODERS[coder.kind].prior.length : 0
  const priors = prior ? prior.length / priorColumns : 0
  const own = instanceOf(raw)
  const given = HEAD_ARRAYS.map((name) => job[name])
  if (own && given.every((array) => array === undefined || array.buffer === own.buffer)) {
    writeHead(own.block, job)
    own.exports.beginHead(isFloat64)
    own.exports.runHead(isFloat64, rows, priors, ...given.map((array) => array?.byteOffset ?? 0))
    own.exports.endHead(isFloat64)
    return { loss: own.block[FIELD.resultLoss], invalid: own.block[FIELD.resultInvalid] }
  }

  const columnsOf = (name: HeadArrayName) =>
    name === 'raw' || name === 'grad' ? rawColumns(coder) : name === 'prior' ? priorColumns : WIDTHS[name]
  const widths = HEAD_ARRAYS.map((name) => (job[name] ? columnsOf(name) : 0))
  const size = raw.BYTES_PER_ELEMENT
  const rowBytes = size * widths.reduce((sum, width) => sum + width, 0)
  const fixed = aligned(size * coder.bins) + ALIGNMENTS
  const { wasm, address, bytes } = roomFor(rowBytes * Math.min(rows, TILE) + fixed)
  const part = Math.min(rows, Math.max(TILE, Math.floor((bytes - fixed) / rowBytes / TILE) * TILE))
  let next = address
  const addresses = HEAD_ARRAYS.map((name, k) => {
    const length = name === 'project' ? coder.bins : widths[k] * part
    const at = next
    next += aligned(size * length)
    return job[name] ? at : 0
  })

  const { exports, block } = wasm
  writeHead(block, job)
  exports.beginHead(isFloat64)
  if (job.project) copyIn(wasm, job.project, 0, coder.bins, addresses[HEAD_ARRAYS.indexOf('project')])
  for (let first = 0; first < rows; first += part) {
    const count = Math.min(part, rows - first)
    HEAD_ARRAYS.forEach((name, k) => {
      const array = job[name]
      if (!array || k >= HEAD_INPUTS || name === 'project') return
      if (name !== 'prior') copyIn(wasm, array, widths[k] * first, widths[k] * count, addresses[k])
      // The priors of one image may have to be repeated.
      for (let row = 0; name === 'prior' && row < count; ) {
        const from = (first + row) % priors
        const some = Math.min(count - row, priors - from)
        copyIn(wasm, array, widths[k] * from, widths[k] * some, addresses[k] + size * widths[k] * row)
        row += some
      }
    })
    exports.runHead(isFloat64, count, prior ? count : 0, ...addresses)
    HEAD_ARRAYS.forEach((name, k) => {
      const array: FloatArray | undefined = job[name]
      if (array && k >= HEAD_INPUTS) copyOut(wasm, array, widths[k] * first, widths[k] * count, addresses[k])
    })
  }
  exports.endHead(isFloat64)
  return { loss: block[FIELD.resultLoss], invalid: block[FIELD.resultInvalid] }
}

/** The numbers a row of arrays that are as wide for every coder. `project` has none. */
const WIDTHS = { project: 0, target: 4, weight: 1, gradOutput: 1, loss: 1, gradTarget: 4, iou: 1, boxes: 4 }
/** What rounding the sizes of all arrays up to whole cache lines takes at most. */
const ALIGNMENTS = ALIGNMENT * HEAD_ARRAYS.length
