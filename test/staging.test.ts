import { expect, it } from 'vitest'
import { Staging } from '../src/staging.js'

it('copies lie apart, also past 2 GiB', () => {
  // Its memory is asked for, but never touched.
  const large = new Float32Array(2 ** 29 + 1)
  const small = Float32Array.of(1, 2, 3, 4)
  const staging = new Staging([large, small])
  const copies = [staging.copy(large, false), staging.copy(small)]
  expect(copies.map(({ length }) => length)).toEqual([large.length, 4])
  expect(copies[1].byteOffset).toBeGreaterThanOrEqual(large.byteLength)
  expect([...copies[1]]).toEqual([1, 2, 3, 4])
})
