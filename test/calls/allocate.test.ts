import { expect, it } from 'vitest'
import { alloc } from '../../src/calls/alloc.js'
import { createPlan } from '../../src/calls/plan.js'
import { newArray, outOfMemory } from '../../src/memory/allocate.js'
import { Staging } from '../../src/memory/staging.js'

// The errors for memory that cannot be allocated, which give the number of bytes that were requested.

const ADVICE = 'more than there is: take fewer boxes at a time'

it.each<[string, () => unknown, string]>([
  ['results, float32', () => newArray('results', new Float32Array(0), 2 ** 43), 'results need 32768.0'],
  ['results, float64', () => newArray('results', new Float64Array(0), 2 ** 43), 'results need 65536.0'],
  ['copies', () => new Staging([{ byteLength: 2 ** 50 } as never]), 'boxLossAsync: copies of arrays need 1048576.0'],
  ['alloc, float64', () => alloc(2 ** 39, 'float64'), 'alloc: [549755813888, 4] numbers of float64 need 16384.0'],
  [
    'alloc, with columns',
    () => alloc(2 ** 30, 'float32', { columns: 2 ** 21 }),
    'alloc: [1073741824, 2097152] numbers of float32 need 8388608.0',
  ],
  [
    'a plan: boxes, targets and gradients',
    () => createPlan('sca', { boxes: 2 ** 38 }),
    'createPlan: arrays of 274877906944 boxes need 12288.0',
  ],
])('%s', (_, call, said) => {
  const message = `${said} GiB, ${ADVICE}`
  expect(call).toThrow(expect.objectContaining({ code: 'ERR_SCALOSS_OUT_OF_MEMORY', message }))
})

it.each([
  [2 ** 30, '1.0'],
  [1.25e9, '1.2'],
  [2 ** 26, '0.1'],
])('%d bytes are %s GiB', (bytes, said) => {
  const cause = new RangeError('too many')
  expect(outOfMemory('all', bytes, cause)).toMatchObject({ message: `all need ${said} GiB, ${ADVICE}`, cause })
})

it.each<[string, () => unknown, string]>([
  ['boxes of alloc', () => alloc(-1), 'boxes: expected a whole number from 0 to below 2^40, got -1'],
  ['too many boxes', () => alloc(2 ** 40), 'boxes: expected a whole number from 0 to below 2^40, got 1099511627776'],
  [
    'columns',
    () => alloc(1, 'float32', { columns: 0 }),
    'columns: expected a whole number from 1 to below 2^40, got 0',
  ],
  [
    'boxes of a plan',
    () => createPlan('sca', { boxes: 0 }),
    'boxes: expected a whole number from 1 to below 2^40, got 0',
  ],
])('a count that is none, %s', (_, call, message) => {
  expect(call).toThrow(expect.objectContaining({ code: 'ERR_SCALOSS_INVALID_ARGUMENT', message }))
})
