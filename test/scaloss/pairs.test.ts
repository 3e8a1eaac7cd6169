import { describe, expect, test } from 'vitest'
import { mulberry32, PLACES, type Place, randomPairs } from '../../src/grad-check/pairs.js'

// The pairs that gradCheck draws: how each kind lies relative to its target, and that a seed gives the same pairs
// everywhere.

const N = 2000
type Kind = keyof typeof PLACES

/**
 * Where both edges of the prediction lie on one axis, in sides of the target from its first edge and from its second.
 */
function edgesOf(place: Place) {
  const { pred, target } = randomPairs(Float64Array, N, { seed: 5, places: [place], step: 0, axes: 2 })
  return Array.from({ length: 2 * N }, (_, i) => {
    const [row, axis] = [4 * (i >> 1), i & 1]
    const [a, b] = [target[row + axis], target[row + axis + 2]]
    const [p, q] = [pred[row + axis], pred[row + axis + 2]]
    return {
      length: (q - p) / (b - a),
      first: (p - a) / (b - a),
      second: (q - b) / (b - a),
      past: (p - b) / (b - a),
      before: (q - a) / (b - a),
    }
  })
}

/**
 * Whether numbers are spread evenly over [low, high]: within it, near both ends, and on both sides of its middle alike.
 */
function expectSpread(values: readonly number[], [low, high]: readonly [number, number]) {
  const [slack, range] = [1e-12, high - low]
  expect(Math.min(...values)).toBeGreaterThanOrEqual(low - slack)
  expect(Math.max(...values)).toBeLessThanOrEqual(high + slack)
  for (const quarter of [0, 1, 2, 3]) {
    const within = values.filter((v) => Math.min(3, Math.floor((4 * (v - low)) / range)) === quarter)
    expect(within.length / values.length).toBeCloseTo(0.25, 1)
  }
}

describe('kinds', () => {
  test.each([
    ['overlap', [-0.4, 0.4], [-0.4, 0.4]],
    ['near', [-1e-3, 1e-3], [-1e-3, 1e-3]],
    ['nested', [0.05, 0.4], [-0.4, -0.05]],
    ['around', [-0.4, -0.05], [0.05, 0.4]],
  ] as const)('%s: the first edge moves by %o sides of the target, the second by %o', (kind, first, second) => {
    const edges = edgesOf(PLACES[kind])
    expectSpread(
      edges.map((edge) => edge.first),
      first,
    )
    expectSpread(
      edges.map((edge) => edge.second),
      second,
    )
    // Each edge for itself.
    const outwards = edges.filter(
      (edge) => edge.first < (first[0] + first[1]) / 2 === edge.second > (second[0] + second[1]) / 2,
    )
    expect(outwards.length / edges.length).toBeCloseTo(0.5, 1)
  })

  test.each([
    ['disjoint', [0.1, 1]],
    ['touching', [-0.1, 0.1]],
  ] as const)('%s: %o sides away, before the target or behind it, 0.5 to 2 sides long', (kind, gap) => {
    const edges = edgesOf(PLACES[kind])
    // By the middles: one that touches may reach into the target.
    const behind = edges.filter(({ first, second }) => first + second > 0)
    const before = edges.filter(({ first, second }) => first + second < 0)
    expect(behind.length / edges.length).toBeCloseTo(0.5, 1)
    expectSpread(
      behind.map(({ past }) => past),
      gap,
    )
    // `touching` draws where the edge is, `disjoint` how far away.
    expectSpread(
      before.map((edge) => (kind === 'touching' ? edge.before : -edge.before)),
      gap,
    )
    expectSpread(
      edges.map(({ length }) => length),
      [0.5, 2],
    )
  })

  test('mixed: on each axis one of the others', () => {
    const edges = edgesOf(PLACES.mixed)
    const share = (is: (edge: (typeof edges)[number]) => boolean) => edges.filter(is).length / edges.length
    const shares = {
      near: share(({ first, second }) => Math.abs(first) < 1e-3 && Math.abs(second) < 1e-3),
      nested: share(({ first, second }) => first > 0.05 && second < -0.05),
      around: share(({ first, second }) => first < -0.05 && second > 0.05 && first > -0.4 && second < 0.4),
      apart: share(({ past, before }) => past > 0.1 || before < -0.1),
    }
    expect(shares.near).toBeCloseTo(1 / 6, 1)
    expect(shares.apart).toBeCloseTo(1 / 6, 1)
    // And a part of those that overlap.
    expect(shares.nested).toBeGreaterThan(1 / 6)
    expect(shares.around).toBeGreaterThan(1 / 6)
  })

  test('targets lie in 0 to 310 and have sides of 10 to 110', () => {
    const { target } = randomPairs(Float64Array, N, { seed: 6, places: [PLACES.near], step: 0, axes: 3 })
    const at = (k: number) => Array.from({ length: N }, (_, i) => target[6 * i + k])
    for (const axis of [0, 1, 2]) {
      const [first, second] = [at(axis), at(axis + 3)]
      expectSpread(first, [0, 200])
      expectSpread(
        second.map((v, i) => v - first[i]),
        [10, 110],
      )
    }
  })
})

describe('the same everywhere', () => {
  test('random numbers of a seed', () => {
    const random = mulberry32(1)
    expect([random(), random(), random()].map((v) => v * 2 ** 32)).toEqual([2693262067, 11749833, 2265367787])
    expect(mulberry32(2 ** 32 + 1)()).toBe(mulberry32(1)())
  })

  test.each<[Kind, number[], number[]]>([
    ['overlap', [125.640625, 197.109375, 139.640625, 238.515625], [125.421875, 193.671875, 135.6875, 231.78125]],
    ['disjoint', [141.59375, 180.875, 161.84375, 262.046875], [125.421875, 56.21875, 135.6875, 127.5]],
    ['nested', [127.828125, 203.75, 131.640625, 220.265625], [125.421875, 193.671875, 135.6875, 231.78125]],
    ['near', [125.421875, 193.6875, 135.703125, 231.796875], [125.421875, 193.671875, 135.6875, 231.78125]],
    ['around', [123, 183.59375, 139.734375, 243.3125], [125.421875, 193.671875, 135.6875, 231.78125]],
    ['touching', [135.75, 130.65625, 156, 211.828125], [125.421875, 56.21875, 135.6875, 127.5]],
    ['mixed', [125.421875, 42.03125, 135.703125, 155.890625], [125.421875, 56.21875, 135.6875, 127.5]],
  ])('a pair of kind %s', (kind, pred, target) => {
    const pair = randomPairs(Float64Array, 1, { seed: 1, places: [PLACES[kind]], step: 2 ** -6, axes: 2 })
    expect([[...pair.pred], [...pair.target]]).toEqual([pred, target])
  })

  test('kinds take turns, and numbers are rounded to the step', () => {
    const { pred, target } = randomPairs(Float64Array, 4, {
      seed: 3,
      places: [PLACES.near, PLACES.disjoint],
      step: 0.25,
      axes: 2,
    })
    for (const v of [...pred, ...target]) expect(v % 0.25).toBe(0)
    const distance = (i: number) => Math.abs(pred[4 * i] - target[4 * i])
    expect([0, 1, 2, 3].map((i) => distance(i) > 5)).toEqual([false, true, false, true])
  })
})
