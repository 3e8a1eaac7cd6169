import { expect, it } from 'vitest'
import { FIELD, FIELDS, type Field } from '../../src/core/block.js'
import { CODER_KINDS } from '../../src/core/coders.js'
import { HEAD_ARRAYS, type HeadArrayName } from '../../src/core/head-job.js'
import { LOSS_NAMES } from '../../src/core/losses.js'
import { loadNative } from '../../src/native/addon.js'

// The addon checks again what memory depends on, whatever TypeScript has checked.
const native = loadNative()
type Fields = Partial<Record<Field, number>>
const boxes = (length = 4) => new Float32Array(length)
const sca3 = LOSS_NAMES.indexOf('sca3')

function block(fields: Fields): Float64Array {
  const numbers = new Float64Array(FIELDS.length)
  numbers[FIELD.device] = -1
  for (const [field, value] of Object.entries(fields)) numbers[FIELD[field as Field]] = value
  return numbers
}

/** Arguments of `headLoss`: a row of `yolox`, but for some fields and arrays. */
const head = (fields: Fields, arrays: Partial<Record<HeadArrayName, unknown>>) => {
  const usual = { raw: boxes(), prior: new Float32Array(3).fill(8), target: boxes() }
  const numbers = { coder: CODER_KINDS.indexOf('yolox'), priorColumns: 3, priors: 1, divisor: 1, ...fields }
  return [block(numbers), ...HEAD_ARRAYS.map((name) => ({ ...usual, ...arrays })[name as 'raw'])]
}
const dfl = CODER_KINDS.indexOf('dfl')
const runHead = (args: unknown[]) => (native.headLoss as (...args: unknown[]) => void)(...args)

it('a call with a coder that is in order passes', () => {
  expect(() => runHead(head({}, { grad: boxes() }))).not.toThrow()
})

it.each<[string, Fields, Partial<Record<HeadArrayName, unknown>>, RegExp]>([
  ['a coder that does not exist', { coder: CODER_KINDS.length }, {}, /no such coder/],
  ['no bins', { coder: dfl, bins: 0 }, { raw: boxes(64) }, /no such bins/],
  ['too many bins', { coder: dfl, bins: 65 }, { raw: boxes(260) }, /no such bins/],
  ['bins without distances', { coder: dfl, bins: 16 }, { raw: boxes(64) }, /argument 3 is no typed array/],
  ['a loss of three axes', { loss: sca3 }, {}, /no such loss of a head/],
  ['raw with half a row', {}, { raw: boxes(6) }, /argument 1 is not|raw is not/],
  ['no prior', {}, { prior: undefined }, /argument 2 is no typed array/],
  ['a prior too short', {}, { prior: boxes(2) }, /argument 2 has the wrong type or length/],
  ['priors that do not divide the rows', { priors: 2 }, { prior: boxes(6) }, /no multiple/],
  ['a target too short', {}, { raw: boxes(8), target: boxes(4) }, /argument 4 has the wrong type or length/],
  ['a gradient too short', {}, { grad: boxes(3) }, /argument 8 has the wrong type or length/],
  ['boxes of another dtype', {}, { boxes: new Float64Array(4) }, /argument 11 has the wrong type or length/],
])('headLoss: %s', (_, fields, arrays, message) => {
  expect(() => runHead(head(fields, arrays))).toThrow(message)
})
