import { describe, expect, test } from 'vitest'
import { boxLoss } from '../../src/calls/box-loss.js'
import type { FloatArray, LossName } from '../../src/core/types.js'
import { deviationOf, faultsOf } from '../../src/grad-check/deviation.js'
import { slopesOfPairs } from '../../src/grad-check/slopes.js'
import { EVERY_BACKEND } from '../support/backends.js'
import { randomPairs } from '../support/random.js'

// Compares the conventions with the code that they stand for, which is written down here as its authors have it.

const CONFIGURATIONS = EVERY_BACKEND.flatMap((backend) => [
  { backend, Boxes: Float32Array, dtype: 'float32' },
  { backend, Boxes: Float64Array, dtype: 'float64' },
])
const N = 40
const eps = 1e-7
type Box = ArrayLike<number>
const row = (rows: FloatArray, i: number) => rows.subarray(4 * i, 4 * i + 4)

/** https://github.com/Turoad/SCALoss, utils/metrics.py */
function official([x1, y1, x2, y2]: number[], [X1, Y1, X2, Y2]: number[], alpha: number): number {
  const width = Math.max(x2, X2) - Math.min(x1, X1)
  const height = Math.max(y2, Y2) - Math.min(y1, Y1)
  const so = (Math.min(x2, X2) - Math.max(x1, X1)) / width + (Math.min(y2, Y2) - Math.max(y1, Y1)) / height
  const distance = (dx: number, dy: number) => Math.sqrt((dx + eps) ** 2 + (dy + eps) ** 2)
  const cd = (distance(x1 - X1, y1 - Y1) + distance(x2 - X2, y2 - Y2)) / (distance(width, height) + eps)
  return 1 - (so - alpha * cd - 1)
}

/**
 * torchvision/ops: giou_loss.py, diou_loss.py, ciou_loss.py and _utils.py. `held`: the pair that the weight of ciou is
 * of, which has no gradient there.
 */
function torchvision(name: 'giou' | 'diou' | 'ciou', box1: Box, box2: Box, held: [Box, Box] = [box1, box2]): number {
  const parts = (p: Box, q: Box) => {
    const [x1, y1, x2, y2] = Array.from(p)
    const [x1g, y1g, x2g, y2g] = Array.from(q)
    const [xkis1, ykis1, xkis2, ykis2] = [Math.max(x1, x1g), Math.max(y1, y1g), Math.min(x2, x2g), Math.min(y2, y2g)]
    const intersection = ykis2 > ykis1 && xkis2 > xkis1 ? (xkis2 - xkis1) * (ykis2 - ykis1) : 0
    const union = (x2 - x1) * (y2 - y1) + (x2g - x1g) * (y2g - y1g) - intersection
    const [xc1, yc1, xc2, yc2] = [Math.min(x1, x1g), Math.min(y1, y1g), Math.max(x2, x2g), Math.max(y2, y2g)]
    const v = (4 / Math.PI ** 2) * (Math.atan((x2g - x1g) / (y2g - y1g)) - Math.atan((x2 - x1) / (y2 - y1))) ** 2
    const distance = ((x2 + x1) / 2 - (x1g + x2g) / 2) ** 2 + ((y2 + y1) / 2 - (y1g + y2g) / 2) ** 2
    const diagonal = (xc2 - xc1) ** 2 + (yc2 - yc1) ** 2 + eps
    return { iou: intersection / (union + eps), union, areaC: (xc2 - xc1) * (yc2 - yc1), v, distance, diagonal }
  }
  const { iou, union, areaC, v, distance, diagonal } = parts(box1, box2)
  if (name === 'giou') return 1 - (iou - (areaC - union) / (areaC + eps))
  const diou = 1 - iou + distance / diagonal
  if (name === 'diou') return diou
  const fixed = parts(...held)
  return diou + (fixed.v / (1 - fixed.iou + fixed.v + eps)) * v
}

describe.each(CONFIGURATIONS)('$backend, $dtype', ({ backend, Boxes }) => {
  const epsilon = Boxes === Float32Array ? 2 ** -23 : 2 ** -52
  const all = { backend, reduction: 'none', gradTarget: true, iou: true } as const
  const drawn = randomPairs(Boxes, N, { seed: 21 })
  const at = (scale: number) => ({
    scale,
    p: drawn.pred.map((v) => v * scale),
    t: drawn.target.map((v) => v * scale),
  })
  /** [N] of a formula of two boxes. */
  const rows = (a: FloatArray, b: FloatArray, of: (a: FloatArray, b: FloatArray, i: number) => number) =>
    Float64Array.from({ length: a.length / 4 }, (_, i) => of(row(a, i), row(b, i), i))

  function expectSlopes(
    { p, t, scale }: ReturnType<typeof at>,
    grads: Record<'pred' | 'target', FloatArray>,
    loss: (a: FloatArray, b: FloatArray, i: number) => number,
  ) {
    const lossOf = (i: number) => (pair: Float64Array) => loss(pair.subarray(0, 4), pair.subarray(4), i)
    const slopes = slopesOfPairs(lossOf, { pred: p, target: t }, 4, 16 * scale)
    const bounds = { element: 1e-5, relativeL2: 1e-5, direction: 1e-10, bias: 1e-6 }
    expect(slopes.units.filter((unit) => unit === 0).length).toBeLessThan(4)
    for (const argument of ['pred', 'target'] as const) {
      expect(faultsOf(deviationOf(grads[argument], slopes[argument], slopes.units), bounds)).toEqual([])
    }
  }

  describe('official', () => {
    // Small boxes, so that 1e-7 counts: they differ by less than that where they are near.
    const small = at(1e-6)
    const { p, t } = small
    const options = { ...all, convention: 'official' } as const
    const formula = (alpha: number) => (a: FloatArray, b: FloatArray) => official([...a], [...b], alpha)

    test.each([undefined, 0.5, 2])('is the loss of the authors’ code, alpha %s (1 by default)', (alpha) => {
      const { loss } = boxLoss('sca', p, t, alpha === undefined ? options : { ...options, alpha })
      const exact = boxLoss('sca', p, t, { ...all, alpha: alpha ?? 1 }).loss
      const expected = rows(p, t, formula(alpha ?? 1))
      loss.forEach((l, i) => void expect(Math.abs(l - expected[i])).toBeLessThanOrEqual(32 * epsilon))
      expect(Math.max(...exact.map((l, i) => Math.abs(l - expected[i])))).toBeGreaterThan(1e-3)
    })

    test('has that loss’ gradient', () => {
      const { grad, gradTarget } = boxLoss('sca', p, t, options)
      expectSlopes(small, { pred: grad, target: gradTarget }, formula(1))
    })

    test.each([undefined, 0.5])('pushes a perfect match towards smaller coordinates, alpha %s', (alpha) => {
      const box = Boxes.of(10, 20, 40, 60) // diagonal 50
      const { loss, grad } = boxLoss('sca', box, box, alpha === undefined ? options : { ...options, alpha })
      const strength = (Math.SQRT1_2 * (alpha ?? 1)) / 50
      for (const g of grad) expect(Math.abs(g / strength - 1)).toBeLessThan(1e-4)
      expect(loss[0] / ((2 * Math.SQRT2 * 1e-7 * (alpha ?? 1)) / 50)).toBeCloseTo(1, 5)
    })

    test('leaves the side overlap as it is: all of it is in the corner distance', () => {
      expect(boxLoss('so', p, t, options)).toEqual(boxLoss('so', p, t, all))
      const { loss: cd } = boxLoss('cd', p, t, options)
      const expected = rows(p, t, (a, b) => official([...a], [...b], 1) - official([...a], [...b], 0))
      cd.forEach((l, i) => void expect(Math.abs(l - expected[i])).toBeLessThanOrEqual(32 * epsilon))
    })
  })

  describe.each(['giou', 'diou', 'ciou'] as const)('torchvision, %s', (name) => {
    const options = { ...all, convention: 'torchvision' } as const

    // An area of 1e-7 is that of small boxes.
    test.each([1, 1e-4, 1e-6])('is the loss of its function, at scale %d', (scale) => {
      const { p, t } = at(scale)
      const { loss, iou } = boxLoss(name, p, t, options)
      const exact = boxLoss(name, p, t, all)
      const expected = rows(p, t, (a, b) => torchvision(name, a, b))
      loss.forEach((l, i) => void expect(Math.abs(l - expected[i])).toBeLessThanOrEqual(32 * epsilon))
      if (scale < 1) {
        expect(Math.max(...exact.loss.map((l, i) => Math.abs(l - expected[i])))).toBeGreaterThan(1e-3)
      }
      // The IoU that is asked for has no epsilon.
      expect(iou).toEqual(exact.iou)
    })

    test.each([1, 1e-4])('has that loss’ gradient, at scale %d', (scale) => {
      const boxes = at(scale)
      const { grad, gradTarget } = boxLoss(name, boxes.p, boxes.t, options)
      expectSlopes(boxes, { pred: grad, target: gradTarget }, (a, b, i) =>
        torchvision(name, a, b, [row(boxes.p, i), row(boxes.t, i)]),
      )
    })
  })
})

describe.each(EVERY_BACKEND)("%s: 'official' of so", (backend) => {
  test('has no epsilon', () => {
    const tiny = (numbers: number[]) => Float32Array.from(numbers, (x) => x * 2 ** -149)
    const [pred, target] = [tiny([48, 6, 55, 7]), tiny([43, 15, 66, 31])]
    const none = { backend, reduction: 'none' } as const
    expect(boxLoss('so', pred, target, { ...none, convention: 'official' })).toEqual(boxLoss('so', pred, target, none))
  })

  test('takes its own default of alpha, and no other', () => {
    const boxes = Float32Array.of(0, 0, 1, 1)
    const so = (alpha: number) =>
      boxLoss('so' as LossName, boxes, boxes.slice(), { backend, convention: 'official', alpha })
    expect(so(1).loss).toBe(0)
    expect(() => so(0.5)).toThrow(/^alpha: /)
  })
})
