import { describe, expect, it } from 'vitest'
import { boxLoss, type LossName, pairwise } from '../../src/index.js'
import { EVERY_BACKEND } from '../support/backends.js'

describe.each(EVERY_BACKEND)('l1 and smooth_l1 sum over numbers in any order, %s', (backend) => {
  // Two boxes as centre and size, as DETR has them: as corners both would be inverted.
  const pred = new Float32Array([0.5, 0.6, 0.2, 0.3, 0.4, 0.4, 0.1, 0.2])
  const target = new Float32Array([0.25, 0.5, 0.25, 0.25, 0.5, 0.25, 0.25, 0.125])
  const sum = (f: (d: number) => number, i: number) =>
    [0, 1, 2, 3].reduce((total, k) => total + f(Math.abs(pred[4 * i + k]! - target[4 * i + k]!)), 0)

  it.each<[LossName, (d: number) => number]>([
    ['l1', (d) => d],
    ['smooth_l1', (d) => (d * d) / 2],
  ])('%s: no row is invalid, and none is an error', (name, of) => {
    const all = { backend, reduction: 'none', onInvalid: 'throw', gradTarget: true } as const
    const { loss, grad, gradTarget, invalid } = boxLoss(name, pred, target, all)
    expect(invalid).toBe(0)
    for (const i of [0, 1]) expect(loss[i]).toBeCloseTo(sum(of, i), 6)
    expect([...gradTarget]).toEqual([...grad].map((g) => -g))
    if (name === 'l1') expect([...grad]).toEqual([1, 1, -1, 1, -1, 1, -1, 1])
    expect(boxLoss(name, pred, target, { backend, reduction: 'none', onInvalid: 'ignore' }).loss).toEqual(loss)
    expect(pairwise(name, pred, target, { backend, detailed: true }).invalid).toBe(0)
  })

  it.each(['l1', 'smooth_l1'] as const)('%s: what is not finite is still invalid', (name) => {
    const holes = pred.map((x, k) => (k === 5 ? Number.NaN : x))
    expect(boxLoss(name, holes, target, { backend }).invalid).toBe(1)
    expect(pairwise(name, holes, target, { backend, detailed: true }).invalid).toBe(1)
    expect(() => boxLoss(name, holes, target, { backend, onInvalid: 'throw' })).toThrow(
      /^pred: row 1 is not a finite box: \[/,
    )
  })

  it('other losses refuse the same numbers', () => {
    expect(boxLoss('giou', pred, target, { backend }).invalid).toBe(2)
    expect(boxLoss('nwd', pred, target, { backend }).invalid).toBe(2)
  })
})
