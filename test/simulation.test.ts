import { describe, expect, test, vi } from 'vitest'
import { makeCases, simulate } from '../examples/simulation-core.mjs'
import type { LossName } from '../src/losses.js'
import { parameters, runs } from './data/simulation.json'

// The example imports the package as a user would; here that name stands for the sources, not for an earlier build of them.
vi.mock('scaloss', () => import('../src/index.js'))

test('the cases are 3600 anchors against 5 targets', () => {
  const { boxes, targets } = makeCases()
  expect(boxes).toHaveLength(4 * 18000)
  expect(targets).toHaveLength(4 * 18000)
})

// Both bounds are what rounding alone does: where cd overshoots at the slow rate, a last bit decides which way a box goes next.
describe.each([
  { dtype: 'float32', Boxes: Float32Array, tolerance: parameters.tolerance.float32 },
  { dtype: 'float64', Boxes: Float64Array, tolerance: parameters.tolerance.float64 },
])('descent in $dtype follows the reference', ({ Boxes, tolerance }) => {
  test.each(runs)('$loss at rate $lr', ({ loss, lr, iou }) => {
    const [name] = loss.split('@') // sca@0.5: its alpha is the default
    const curve = [...simulate(name as LossName, { lr, Boxes })].map((state) => state.meanIou)
    expect(curve).toHaveLength(iou.length)
    const drift = curve.map((value, t) => Math.abs(value - iou[t]))
    expect(Math.max(...drift)).toBeLessThanOrEqual(tolerance)
  })
})
