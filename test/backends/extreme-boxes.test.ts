import { describe, expect, it } from 'vitest'
import { type BoxLossOptions, boxLoss, type Format, type LossName } from '../../src/index.js'
import { COMPILED } from '../support/backends.js'
import { mulberry32 } from '../support/random.js'

// Cases that the fuzzer of the core found (test/fuzz/core.mjs): finite valid boxes at the ends of the range of float32.

/** The options that a loss demands. */
const demanded = (name: LossName) => (name === 'mpdiou' ? { imageWidth: 640, imageHeight: 480 } : {})

describe.each([...COMPILED, 'js'] as const)('%s', (backend) => {
  const run = (
    name: LossName,
    pred: number[],
    target: number[],
    options: BoxLossOptions<Float32Array<ArrayBuffer>>,
  ) => {
    const all = { backend, gradTarget: true, ...demanded(name), ...options }
    const { loss, grad, gradTarget } = boxLoss(name, Float32Array.from(pred), Float32Array.from(target), all)
    return { loss, gradients: [...(grad ?? []), ...(gradTarget ?? [])] }
  }

  it.each(['xywh', 'cxcywh'] as Format[])(
    '%s: edges of infinite opposite slopes, which the format adds up',
    (format) => {
      const pred = [0, 2 ** -128, 3 * 2 ** -148, 2 ** -61]
      const target = [-(2 ** -143), 0, 2 ** -139, 2 ** -37]
      const { gradients } = run('eiou', pred, target, { format })
      expect(gradients).toHaveLength(8)
      expect(gradients).not.toContainEqual(Number.NaN)
    },
  )

  it('an infinite slope times 0 is 0', () => {
    const pred = [0, -1.4e-45, 1e20, 1e-40]
    const target = [-1e38, -1.4e-45, -1, 0]
    for (const name of ['giou', 'siou', 'eiou'] as const) {
      const { gradients } = run(name, pred, target, { gradOutput: 0 })
      expect(gradients.map(Math.abs), name).toEqual([0, 0, 0, 0, 0, 0, 0, 0])
    }
  })

  it('an infinite loss times a lossWeight of 0 is 0', () => {
    for (const name of ['l1', 'smooth_l1', 'mpdiou'] as const) {
      const [pred, target] = [
        [-3e38, 0, 0, 1],
        [0, 0, 3e38, 1],
      ]
      const { loss, gradients } = run(name, pred, target, { lossWeight: 0 })
      expect([loss, ...gradients], name).toEqual([0, 0, 0, 0, 0, 0, 0, 0, 0])
      expect(run(name, pred, target, { lossWeight: 0, reduction: 'none' }).loss, name).toEqual(Float32Array.of(0))
    }
  })
})

// The difference of two sides, taken from edges that lie far apart, had lost what the sides themselves have.
describe.each(COMPILED)('%s: small boxes far apart', (backend) => {
  it.each(['siou', 'ciou', 'eiou'] as const)('%s', (name) => {
    const random = mulberry32(1)
    const box = () => {
      const [x, y] = [1e4 * random(), 1e4 * random()]
      return [x, y, x + 1 + random(), y + 1 + random()]
    }
    const boxes = () => Float32Array.from(Array.from({ length: 1000 }, box).flat())
    const [pred, target] = [boxes(), boxes()]
    const options = { reduction: 'none', grad: false } as const
    const { loss } = boxLoss(name, pred, target, { ...options, backend })
    const exact = boxLoss(name, Float64Array.from(pred), Float64Array.from(target), { ...options, backend: 'js' }).loss
    const worst = Math.max(...Array.from(loss, (x, i) => Math.abs(x - exact[i]) / exact[i]))
    expect(worst).toBeLessThan(6 * 2 ** -24)
  })
})

it.each([...COMPILED, 'js'] as const)('%s, float64: tiny boxes in xywh have no NaN', (backend) => {
  const t = 2 ** -1070
  const [pred, target] = [Float64Array.of(0, 0, t, t), Float64Array.of(3 * t, 0, 2 * t, 5 * t)]
  const { grad, gradTarget } = boxLoss('cd', pred, target, { backend, format: 'xywh', gradTarget: true })
  expect([...grad, ...gradTarget]).not.toContainEqual(Number.NaN)
})
