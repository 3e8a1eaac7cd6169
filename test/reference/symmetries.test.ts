import { describe, expect, test } from 'vitest'
import { type Corners, readCorners } from '../../src/core/boxes.js'
import { evaluateIou, evaluateLoss } from '../../src/reference/formulas.js'
import { jsBoxLoss, jsPairwise } from '../../src/reference/run.js'
import { mulberry32, randomPairs, VALID_KINDS } from '../support/random.js'
import {
  ALL,
  axesOf,
  EXACT,
  errorOf,
  evaluate,
  IOU_FAMILY,
  mapPair,
  OTHER_CONVENTIONS,
  type Pair,
  pairsOf,
  row,
  slopesOf,
  type Variant,
  valuesOf,
  variant,
} from '../support/variants.js'

// Relations between results of the reference: symmetries, losses that agree, and no NaN.

const samples = (v: Variant, step = 0) => VALID_KINDS.flatMap((kind) => pairsOf(axesOf(v), kind, 25, step))

/** The pairs whose loss and gradients are not as expected of them. */
function expectValues(
  pairs: Pair[],
  actual: (pair: Pair) => number[],
  expected: (pair: Pair) => number[],
  most = 1e-12,
) {
  const faults = pairs.filter((pair) => {
    const [[loss, ...slopes], [right, ...rightSlopes]] = [actual(pair), expected(pair)]
    const isRight = Math.abs(loss - right) <= most * Math.abs(right) + 1e-15 && errorOf(slopes, rightSlopes) <= most
    return !isRight
  })
  expect(faults.slice(0, 3)).toEqual([])
}

/** Loss and gradients with the gradients divided. */
const divided = (values: number[], factor: number) => values.map((x, k) => (k === 0 ? x : x / factor))

describe('symmetries', () => {
  test.each(EXACT)('$label: exchanging the boxes exchanges the gradients', (v) => {
    const exchanged = ({ pred, target }: Pair) => {
      const { loss, grad, gradTarget } = evaluate(v, { pred: target, target: pred })
      return [loss, ...gradTarget, ...grad]
    }
    expectValues(samples(v), exchanged, (pair) => valuesOf(v, pair))
  })

  test.each(ALL)('$label: moving both boxes changes nothing', (v) => {
    const moved = (pair: Pair) =>
      valuesOf(
        v,
        mapPair(pair, (x) => x + 1024),
      ) // exact on the grid
    expectValues(samples(v, 1 / 64), moved, (pair) => valuesOf(v, pair), 1e-10)
  })

  const scaleFree = EXACT.filter(({ name }) => !/l1|mpdiou|nwd/.test(name))
  test.each(scaleFree)('$label: scaling both boxes scales the gradient', (v) => {
    // The last two leave the range of squares of lengths.
    for (const scale of [8, 3, 2 ** 800, 2 ** -800]) {
      const scaled = (pair: Pair) =>
        valuesOf(
          v,
          mapPair(pair, (x) => x * scale),
        )
      expectValues(samples(v, 1 / 64), scaled, (pair) => divided(valuesOf(v, pair), scale))
    }
  })

  test.each(['so', 'iou', 'giou'] as const)('%s: each axis has a scale of its own', (name) => {
    const v = variant(name)
    const scale = [2 ** 900, 2 ** -900]
    const scaled = (pair: Pair) => {
      const far = mapPair(pair, (x, k) => x * scale[k % 2])
      return [evaluate(v, far).loss, ...slopesOf(v, far).map((g, k) => g * scale[k % 2])]
    }
    expectValues(samples(v), scaled, (pair) => valuesOf(v, pair))
  })

  test.each([0, 4])('smooth_l1, beta %d: scaling boxes and beta scales the loss', (beta) => {
    const [one, three] = [variant('smooth_l1', { beta }), variant('smooth_l1', { beta: 3 * beta })]
    const scaled = (pair: Pair) => {
      const [loss, ...slopes] = valuesOf(
        three,
        mapPair(pair, (x) => 3 * x),
      )
      return [loss / 3, ...slopes]
    }
    expectValues(samples(one), scaled, (pair) => valuesOf(one, pair))
  })

  test('mpdiou: the image scales with the boxes', () => {
    const [one, three] = [variant('mpdiou'), variant('mpdiou', { imageWidth: 3 * 640, imageHeight: 3 * 480 })]
    const scaled = (pair: Pair) =>
      valuesOf(
        three,
        mapPair(pair, (x) => 3 * x),
      )
    expectValues(samples(one), scaled, (pair) => divided(valuesOf(one, pair), 3))
  })
})

describe('identities', () => {
  test.each([
    { v: variant('iou', { power: 2 }), same: variant('iou', { mode: 'square' }) },
    { v: variant('smooth_l1', { beta: 0 }), same: variant('l1') },
    { v: variant('sca', { alpha: 0 }), same: variant('so') },
    { v: variant('so', { convention: 'official' }), same: variant('so') },
    { v: variant('iou_cd', { alpha: 0 }), same: variant('iou') },
  ])('$v.label is $same.label', ({ v, same }) => {
    expectValues(
      samples(v),
      (pair) => valuesOf(v, pair),
      (pair) => valuesOf(same, pair),
    )
  })

  test.each([
    { whole: 'sca', parts: ['so', 'cd'], factor: 0.5 },
    { whole: 'sca3', parts: ['so3', 'cd3'], factor: 0.5 },
    { whole: 'iou_cd', parts: ['iou', 'cd'], factor: 0.5 },
    { whole: 'diou', parts: ['iou', 'center2'], factor: 1 },
  ] as const)('$whole is $parts.0 + $factor · $parts.1', ({ whole, parts, factor }) => {
    const sum = (pair: Pair) => {
      const second = valuesOf(variant(parts[1]), pair)
      return valuesOf(variant(parts[0]), pair).map((x, k) => x + factor * second[k])
    }
    expectValues(samples(variant(whole)), (pair) => valuesOf(variant(whole), pair), sum)
  })

  test.each(IOU_FAMILY)('%s: an inner ratio near 1 is near the plain loss', (name) => {
    const [near, plain] = [variant(name, { inner: 1 + 1e-12 }), variant(name)]
    expectValues(
      samples(plain),
      (pair) => valuesOf(near, pair),
      (pair) => valuesOf(plain, pair),
      1e-8,
    )
  })

  test('ciou of equal aspects is diou', () => {
    const pair = { pred: [0, 0, 4, 2], target: [1, 1, 9, 5] }
    expect(valuesOf(variant('ciou'), pair)).toEqual(valuesOf(variant('diou'), pair))
  })

  test('a third axis on which the boxes match leaves so as it is', () => {
    const deepen = ([x1, y1, x2, y2]: Corners) => [x1, y1, 1, x2, y2, 2]
    const deep = ({ pred, target }: Pair) => {
      const { loss, grad } = evaluate(variant('so3'), { pred: deepen(pred), target: deepen(target) })
      return [loss, ...grad]
    }
    const flat = (pair: Pair) => {
      const { loss, grad } = evaluate(variant('so'), pair)
      return [loss, grad[0], grad[1], 0, grad[2], grad[3], 0]
    }
    expectValues(samples(variant('so')), deep, flat)
  })

  test.each(OTHER_CONVENTIONS)('$label: the epsilon fades as boxes grow', (v) => {
    const exact = variant(v.name, v.name === 'sca' ? { alpha: 1 } : {})
    const distance = (pair: Pair) => Math.abs(evaluate(v, pair).loss - evaluate(exact, pair).loss)
    const distances = (scale: number) => samples(v).map((pair) => distance(mapPair(pair, (x) => x * scale)))
    // The epsilon in the weight of ciou's aspect term has no unit, and stays.
    expect(Math.max(...distances(1000))).toBeLessThan(2e-9)
    expect(Math.max(...distances(0.01)) > 1e-8).toBe(v.name !== 'so')
  })
})

test.each(ALL)('$label: no finite boxes give NaN', (v) => {
  const random = mulberry32(90)
  const lengths = [0, 5e-324, 1e-320, 1e-300, 1e-160, 1e-8, 1, 1e8, 1e160, 1e300, Number.MAX_VALUE]
  const any = () => (random() < 0.5 ? -1 : 1) * lengths[Math.floor(random() * lengths.length)]
  const box = () => {
    const axes = Array.from({ length: axesOf(v) }, () => [any(), any()].sort((a, b) => a - b))
    return [...axes.map(([first]) => first), ...axes.map(([, second]) => second)]
  }
  const pairs = Array.from({ length: 2000 }, () => ({ pred: box(), target: box() }))
  const isNaNPair = (pair: Pair) => valuesOf(v, pair).some(Number.isNaN)
  expect(pairs.filter(isNaNPair).slice(0, 3)).toEqual([])
  const loss = ({ pred, target }: Pair) => evaluateLoss(v.name, pred, target, v.params)
  expect(pairs.map(loss)).toEqual(pairs.map((pair) => evaluate(v, pair).loss))
})

test('IoU of any finite boxes lies between 0 and 1', () => {
  const values = [-Number.MAX_VALUE, -1e160, -1, -5e-324, 0, 1e-300, 1e-160, 1, 1e300]
  const intervals = values.flatMap((first, i) => values.slice(i).map((second) => [first, second]))
  const random = mulberry32(91)
  const box = () => {
    const [x, y] = [0, 0].map(() => intervals[Math.floor(random() * intervals.length)])
    return [x[0], y[0], x[1], y[1]]
  }
  const ious = Array.from({ length: 5000 }, () => evaluateIou(box(), box()))
  expect(ious.filter((iou) => !(iou >= 0 && iou <= 1))).toEqual([])
})

const JS = { backend: 'js', device: 0, threads: 1 } as const

describe('all pairs', () => {
  const [a, b] = [randomPairs(Float64Array, 3, { seed: 80 }).pred, randomPairs(Float64Array, 5, { seed: 81 }).pred]
  const each = (f: (pred: Corners, target: Corners) => number) =>
    Float64Array.from({ length: 15 }, (_, at) => f(row(a, Math.floor(at / 5)), row(b, at % 5)))

  test.each([variant('iou'), variant('ciou'), variant('iou', { power: 3 })])('$label and its similarity', (v) => {
    const pairwise = (similarity: boolean) => {
      const out = new Float64Array(15)
      jsPairwise({ params: v.params, name: v.name, format: 'xyxy', a, b, out, similarity, place: JS })
      return out
    }
    const loss = each((pred, target) => evaluate(v, { pred, target }).loss)
    expect(pairwise(false)).toEqual(loss)
    // 1 − (1 − IoU) would round small values.
    expect(pairwise(true)).toEqual(v.label === 'iou' ? each(evaluateIou) : loss.map((l) => 1 - l))
  })
})

describe('boxes with three axes', () => {
  const v = variant('sca3')
  const [{ pred, target }] = pairsOf(3, 'overlap', 1, 1 / 64)
  const encode = {
    xyxy: (box: Corners) => [...box],
    xywh: ([x1, y1, z1, x2, y2, z2]: Corners) => [x1, y1, z1, x2 - x1, y2 - y1, z2 - z1],
    cxcywh: ([x1, y1, z1, x2, y2, z2]: Corners) => [
      ...[(x1 + x2) / 2, (y1 + y2) / 2, (z1 + z2) / 2],
      ...[x2 - x1, y2 - y1, z2 - z1],
    ],
  }

  test.each(['xyxy', 'xywh', 'cxcywh'] as const)('%s: corners, and gradients by the chain rule', (format) => {
    const boxes = Float64Array.from([...Array(6).fill(7), ...encode[format](pred)])
    expect(readCorners(boxes, 1, format, 3)).toEqual(pred)

    const grad = new Float64Array(6)
    const scales = {
      lossScale: 1,
      gradScale: 1,
      divisor: 1,
      onInvalid: 'propagate',
      ignoreAll: false,
      place: JS,
    } as const
    const none = { weight: undefined, gradOutput: undefined, loss: undefined, gradTarget: undefined, iou: undefined }
    const rows = { pred: boxes.slice(6), target: Float64Array.from(encode[format](target)), grad }
    const { loss } = jsBoxLoss({ params: v.params, ...scales, ...none, ...rows, name: 'sca3', format })
    expect(loss).toBe(evaluate(v, { pred, target }).loss)
    // The way the loss goes with a number of the format is the way it goes with the corners that the number moves.
    const expected = Array.from({ length: 6 }, (_, k) => {
      const [start, moved] = [0, 1].map((by) => readCorners(rows.pred.with(k, rows.pred[k] + by), 0, format, 3))
      return evaluate(v, { pred, target }).grad.reduce((slope, g, j) => slope + g * (moved[j] - start[j]), 0)
    })
    expect(errorOf([...grad], expected)).toBeLessThan(1e-14)
  })
})
