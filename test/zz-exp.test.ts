import { test } from 'vitest'
import { slopesOf } from '../src/grad-check/slopes.js'
import { randomPairs } from '../src/grad-check/pairs.js'
import { evaluateLoss, evaluatePair } from '../src/reference.js'
import { ALL, TOGETHER, axesOf } from './support/variants.js'
const KINDS = ['overlap', 'disjoint', 'nested', 'near', 'mixed'] as const
test('exp', () => {
  for (const v of [...ALL, ...TOGETHER]) {
    const axes = axesOf(v)
    const N = 600
    const { pred, target } = randomPairs(Float64Array, N, { kinds: KINDS, step: 2 ** -13, axes })
    const t0 = performance.now()
    let worst = 0,
      at = ''
    const kinks: Record<string, number> = {}
    for (let i = 0; i < N; ++i) {
      const c = 2 * axes
      const scale = v.params.epsilon ? 2 ** -9 : 1
      const x = Float64Array.from(
        [...pred.subarray(c * i, c * i + c), ...target.subarray(c * i, c * i + c)],
        (v) => v * scale,
      )
      const params = { ...v.params, held: {} }
      const f = (x: Float64Array) => evaluateLoss(v.name, [...x.subarray(0, c)], [...x.subarray(c)], params)
      const { slopes, atKink } = slopesOf(f, x, 16 * scale)
      if (atKink) {
        const k = KINDS[i % 5]
        kinks[k] = (kinks[k] ?? 0) + 1
        continue
      }
      const { grad, gradTarget } = evaluatePair(v.name, [...x.subarray(0, c)], [...x.subarray(c)], v.params)
      const unit = Math.max(...slopes.map(Math.abs)) || 1
      ;[...grad, ...gradTarget].forEach((g, k) => {
        const e = Math.abs(g - slopes[k]) / unit
        if (e > worst) {
          worst = e
          at = `${KINDS[i % 5]} ${scale}`
        }
      })
    }
    console.log(
      v.label.padEnd(50),
      worst.toExponential(1),
      at,
      JSON.stringify(kinks),
      (performance.now() - t0).toFixed(0),
      'ms',
    )
  }
}, 600000)
