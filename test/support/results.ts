import { expect } from 'vitest'
import { boxLoss } from '../../src/calls/box-loss.js'
import type { BackendName, FloatArray } from '../../src/core/types.js'
import type { Variant } from './variants.js'

// Everything that a call computes for each row, and two ways to compare it: by bits and by ulp.

export interface Rows {
  pred: FloatArray
  target: FloatArray
  weight?: FloatArray
  gradOutput?: FloatArray
}

export interface Results {
  loss: FloatArray
  grad: FloatArray
  gradTarget: FloatArray
  iou: FloatArray
  invalid: number
}
export const ARRAYS = ['loss', 'grad', 'gradTarget', 'iou'] as const

export function evaluate({ name, options }: Variant, rows: Rows, backend: BackendName): Results {
  const { pred, target, ...perRow } = rows
  const all = { ...options, ...perRow, backend, reduction: 'none', gradTarget: true, iou: true } as const
  const { loss, grad, gradTarget, iou, invalid } = boxLoss(name, pred, target, all)
  return { loss, grad, gradTarget, iou, invalid }
}

/** The largest of `columns` numbers from row i on. */
export const largestOf = (rows: FloatArray, i: number, columns: number) =>
  Math.max(...rows.subarray(columns * i, columns * (i + 1)).map(Math.abs))

/** The same bits: Object.is tells +0 from −0 and takes NaN for itself. `toEqual` does, too, but is slow. */
export function expectSame(actual: Results, expected: Results) {
  for (const key of ARRAYS) {
    expect(actual[key]).toHaveLength(expected[key].length)
    const at = expected[key].findIndex((e, j) => !Object.is(actual[key][j], e))
    expect([key, at, actual[key][at], expected[key][at]]).toEqual([key, -1, undefined, undefined])
  }
  expect(actual.invalid).toBe(expected.invalid)
}

/** What numbers may differ by, in units of the loss or IoU and of the largest component of the row's gradient. */
export interface Most {
  loss: number
  grad: number
}

/** `sizes`: results that errors are measured in, where those expected do not say how large the terms are. */
export function expectClose(actual: Results, expected: Results, most: Most, sizes: Results = expected) {
  const n = expected.loss.length
  const smallest = expected.loss instanceof Float32Array ? 2 ** -149 : Number.MIN_VALUE
  const faults = ARRAYS.flatMap((key) => {
    const columns = expected[key].length / n
    const bound = columns > 1 ? most.grad : most.loss
    return Array.from({ length: n }, (_, i) => i).flatMap((i) => {
      const room = bound * largestOf(sizes[key], i, columns) + (bound > 0 ? 4 * smallest : 0)
      const row = Array.from({ length: columns }, (_, k) => columns * i + k)
      return row
        .filter((j) => !(Math.abs(actual[key][j] - expected[key][j]) <= room))
        .map((j) => ({ key, row: i, component: j % columns, actual: actual[key][j], expected: expected[key][j], room }))
    })
  })
  expect(faults.slice(0, 3)).toEqual([])
  expect(actual.invalid).toBe(expected.invalid)
}

/** What errors of a loss' results are measured in: for `nwd` more than themselves, for the exponential magnifies by its
 * exponent, which its gradient tells. */
export function sizesOf({ name, params }: Variant, results: Results): Results {
  if (name !== 'nwd') return results
  const sizeOf = (g: number) => Math.abs(g) * (1 - Math.log(Math.min(1, Math.abs(g) * params.constant || 1)))
  return { ...results, grad: results.grad.map(sizeOf), gradTarget: results.gradTarget.map(sizeOf) }
}

/** Results put together from others, number by number; the last argument of `of` is the row. */
export function combine(parts: Results[], of: (values: number[], row: number) => number): Results {
  const combined = structuredClone(parts[0])
  for (const key of ARRAYS) {
    const columns = combined[key].length / combined.loss.length
    for (const j of combined[key].keys()) {
      const values = parts.map((part) => part[key][j])
      combined[key][j] = of(values, Math.floor(j / columns))
    }
  }
  return combined
}
