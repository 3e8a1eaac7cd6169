import { expect, it } from 'vitest'
import { Staging } from '../../src/memory/staging.js'

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

it('keeps 64 MiB at most for later calls, and those for good', () => {
  const large = new Float32Array(10 * 2 ** 20) // 40 MiB: one of two is kept
  const use = (mark: number) => {
    const stagings = [new Staging([large]), new Staging([large])]
    const found = stagings.map((staging) => {
      const copy = staging.copy(large, false)
      const before = copy[0]
      copy[0] = mark
      return before
    })
    for (const staging of stagings) staging.release()
    return found
  }
  expect([use(1), use(2), use(3)]).toEqual([
    [0, 0],
    [1, 0],
    [2, 0],
  ])
})
