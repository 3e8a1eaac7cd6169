import { describe, expect, it } from 'vitest'
import { boxLoss, type FloatArray } from '../../src/index.js'
import { EVERY_BACKEND } from '../support/backends.js'
import { mapRows, mulberry32 } from '../support/random.js'
import { evaluate } from '../support/results.js'
import { axesOf, EXACT, IOU_FAMILY, PLAIN, TOGETHER } from '../support/variants.js'

// Corners of the number range and of the options, one by one; the rest of the range is walked in invalid-boxes.test.ts.

describe.each(EVERY_BACKEND)('%s', (backend) => {
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
        message: expect.stringMatching(new RegExp(`^${name}: expected a number.* within the range of float`)),
      }),
    )
  })

  it('options as an array are refused', () => {
    expect(() => boxLoss('sca', match, match, [] as never)).toThrow(
      /^options: expected a plain object, got an array of 0$/,
    )
  })
})

describe.each(
  EVERY_BACKEND.flatMap((backend) => [
    { backend, dtype: 'float32', Boxes: Float32Array },
    { backend, dtype: 'float64', Boxes: Float64Array },
  ]),
)('a perfect match on $backend in $dtype', ({ backend, Boxes }) => {
  /** Boxes of all sizes and places, down to points. */
  function boxes(axes: 2 | 3): FloatArray {
    const random = mulberry32(6)
    const n = backend === 'js' ? 300 : 1500
    const corners = new Boxes(2 * axes * n).map(() => (random() - 0.3) * 10 ** Math.round(40 * random() - 20))
    const intervals = [
      ...[
        [0, 0],
        [5, 5],
        [2, 2],
        [-1, 3],
        [0, 1e-45],
        [1e-38, 1e-37],
        [-1e30, 1e38],
      ],
      ...(Boxes === Float32Array
        ? [[-3e38, 3e38]]
        : [
            [-1.7e308, 1.7e308],
            [0, 5e-324],
          ]),
    ]
    for (const [i, edges] of intervals.entries()) {
      for (let k = 0; k < 2 * axes; ++k) corners[2 * axes * i + k] = edges[k < axes ? 0 : 1]
    }
    const ordered = (row: number[]) => {
      const edges = Array.from({ length: axes }, (_, k) => [row[k], row[k + axes]].sort((a, b) => a - b))
      return [...edges.map(([first]) => first), ...edges.map(([, second]) => second)]
    }
    return mapRows(corners, ordered, 2 * axes)
  }
  const rows = { 2: boxes(2), 3: boxes(3) }
  const variants = backend === 'js' ? PLAIN : [...EXACT, ...TOGETHER]

  it.each(variants)('$label: loss and gradients of exactly +0', (v) => {
    const [axes, match] = [axesOf(v), rows[axesOf(v)]]
    const { loss, grad, gradTarget, iou, invalid } = evaluate(v, { pred: match, target: match.slice() }, backend)
    expect(invalid).toBe(0)
    // The IoU of points and lines is 0, and what is left of the loss of a box is the term 1 - IoU.
    const isEmpty = (_: number, i: number) => {
      const row = match.subarray(2 * axes * i, 2 * axes * (i + 1))
      return row.subarray(0, axes).some((first, k) => first === row[axes + k])
    }
    const empty = Array.from(loss, isEmpty)
    const { focal, mode, logFloor } = v.params
    const ofNoOverlap = focal > 0 ? 0 : mode === 'log' ? -Math.log(new Boxes([logFloor])[0]) : 1
    const lossOfEmpty = IOU_FAMILY.includes(v.name) ? ofNoOverlap : 0
    expect(empty.filter(Boolean).length).toBeGreaterThan(2)
    expect(iou).toEqual(Boxes.from(empty.map((e) => (e ? 0 : 1))))
    expect(loss).toEqual(Boxes.from(empty.map((e) => (e ? lossOfEmpty : 0))))
    expect([...grad, ...gradTarget].filter((g) => !Object.is(g, 0))).toEqual([])
  })

  it.each(PLAIN.filter(({ name }) => !IOU_FAMILY.includes(name)))('$label of inverted boxes: 0', (v) => {
    const axes = axesOf(v)
    const inverted = mapRows(rows[axes], (row) => [...row.slice(axes), ...row.slice(0, axes)], 2 * axes)
    const { loss, grad, gradTarget } = evaluate(v, { pred: inverted, target: inverted.slice() }, backend)
    expect([...loss, ...grad, ...gradTarget].filter((x) => x !== 0)).toEqual([])
  })
})
