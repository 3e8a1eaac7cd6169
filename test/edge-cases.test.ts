import { describe, expect, it } from 'vitest'
import { type BackendName, boxLoss } from '../src/index.js'

// Corners of the number range and of the options, one by one; the rest of the range is walked in invalid-boxes.test.ts.
const BACKENDS: BackendName[] = ['cpu', 'js']

describe.each(BACKENDS)('%s', (backend) => {
  const all = { backend, reduction: 'none', gradTarget: true } as const

  describe('boxes of denormal size keep their digits', () => {
    const tiny = { float32: 2 ** -149, float64: 2 ** -1074 }
    it.each([
      ['float32', Float32Array.of(0, 0, 3 * tiny.float32, 1), Float32Array.of(0, 0, tiny.float32, 1), 2 / 3],
      [
        'float32',
        Float32Array.of(0, 0, 1, 4 * tiny.float32),
        Float32Array.of(0, 4 * tiny.float32, 1, 8 * tiny.float32),
        1,
      ],
      ['float64', Float64Array.of(0, 0, 3 * tiny.float64, 1), Float64Array.of(0, 0, tiny.float64, 1), 2 / 3],
      ['float64', Float64Array.of(0, 0, tiny.float64, 0), new Float64Array(4), 1],
    ])('%s: so of %o and %o', (_dtype, pred, target, expected) => {
      const { loss, grad, gradTarget } = boxLoss('so', pred, target, all)
      expect(loss[0]).toBeCloseTo(expected, 6)
      expect([...grad, ...gradTarget].some(Number.isNaN)).toBe(false)
    })
  })

  it('corners are rounded to the dtype before they are judged: all backends count the same rows as invalid', () => {
    const one = Float32Array.of(0, 0, 1, 1)
    const count = (...xywh: number[]) =>
      boxLoss('sca', Float32Array.from(xywh), one, { backend, format: 'xywh' }).invalid
    expect(count(3e38, 0, 3e38, 1)).toBe(1) // the second corner overflows
    expect(count(1e8, 0, -1, 1)).toBe(0) // 1e8 - 1 rounds to 1e8: flat, not inverted
    expect(count(1, 0, -1, 1)).toBe(1)
    expect(() =>
      boxLoss('sca', Float32Array.of(3e38, 0, 3e38, 1), one, { backend, format: 'xywh', onInvalid: 'throw' }),
    ).toThrow(/^pred: row 0 is not a finite box/)
  })

  it('weight 0 gives +0 under a negative loss weight too', () => {
    const pred = Float32Array.of(0, 0, 1, 1)
    const target = Float32Array.of(0, 0, 2, 2)
    const { loss, grad } = boxLoss('sca', pred, target, { ...all, weight: new Float32Array(1), lossWeight: -1 })
    for (const value of [...loss, ...grad]) expect(Object.is(value, 0)).toBe(true)
  })

  const match = Float32Array.of(0, 0, 1, 1)
  it.each([
    ['alpha', { alpha: 1e39 }, match],
    ['lossWeight', { lossWeight: 1e39 }, match],
    ['lossWeight', { lossWeight: -1e39 }, match],
    ['gradOutput', { gradOutput: 1e39 }, match],
    ['gradOutput', { gradOutput: 1e200, lossWeight: 1e200 }, Float64Array.from(match)],
    ['normalizer', { normalizer: 1e-39 }, match],
    ['normalizer', { normalizer: 1e-320 }, Float64Array.from(match)],
  ])('%s: %o leaves the range of the dtype, and is refused rather than made NaN of a 0', (name, options, boxes) => {
    expect(() => boxLoss('sca', boxes, boxes.slice(), { ...options, backend })).toThrow(
      expect.objectContaining({
        code: 'ERR_SCALOSS_INVALID_ARGUMENT',
        message: expect.stringMatching(new RegExp(`^${name}: expected a number.* within the range of Float`)),
      }),
    )
  })

  it('options as an array are refused', () => {
    expect(() => boxLoss('sca', match, match, [] as never)).toThrow(/^options: expected an object, got an array of 0$/)
  })
})
