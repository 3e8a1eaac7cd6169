import { describe, expect, it } from 'vitest'
import { LOSS_NAMES, LOSSES } from '../../src/core/losses.js'
import { boxLoss, type FloatArray } from '../../src/index.js'
import { COMPILED } from '../support/backends.js'
import { mulberry32 } from '../support/random.js'

// Boxes whose corners are small whole numbers in any order: inverted, flat or equal boxes, and boxes with an enclosing
// side of 0 between edges that lie apart. The formulas apply without change, give no NaN, and the backends agree with
// the reference.
const ROWS = 1000
const SCALES = [1, 2 ** 70, 2 ** -70]

const corners = (
  Float: Float32ArrayConstructor | Float64ArrayConstructor,
  length: number,
  scale: number,
  seed: number,
) => {
  const random = mulberry32(seed)
  return new Float(length).map(() => scale * (Math.floor(5 * random()) - 2))
}

describe.each(COMPILED)('%s', (backend) => {
  describe.each([Float32Array, Float64Array])('%o', (Float) => {
    it.each(LOSS_NAMES)('%s', (name) => {
      const width = 2 * LOSSES[name].axes
      const image = name === 'mpdiou' ? { imageWidth: 100, imageHeight: 100 } : {}
      // Of 1e-21 pixels, what mpdiou's image leaves of a gradient is below all floats.
      for (const scale of name === 'mpdiou' ? [1] : SCALES) {
        const pred = corners(Float, width * ROWS, scale, 1)
        const target = corners(Float, width * ROWS, scale, 2)
        const options = { reduction: 'none', gradTarget: true, iou: true, ...image } as const
        const actual = boxLoss(name, pred as Float32Array<ArrayBuffer>, target as Float32Array<ArrayBuffer>, {
          ...options,
          backend,
        })
        const expected = boxLoss(name, pred as Float32Array<ArrayBuffer>, target as Float32Array<ArrayBuffer>, {
          ...options,
          backend: 'js',
        })
        for (let row = 0; row < ROWS; row++) {
          const of = (array: FloatArray, columns: number) => [...array.subarray(columns * row, columns * (row + 1))]
          const context = `row ${row} at ${scale}: [${of(pred, width)}] against [${of(target, width)}]`
          const near = (a: number[], b: number[], size: number) =>
            a.every((x, i) => x === b[i] || Math.abs(x - b[i]) <= 1e-4 * size)
          for (const values of ['loss', 'iou'] as const) {
            const [a, b] = [of(actual[values], 1), of(expected[values], 1)]
            expect(near(a, b, Math.max(1, Math.abs(b[0]))), `${values} ${a}, not ${b}, ${context}`).toBe(true)
          }
          for (const gradient of ['grad', 'gradTarget'] as const) {
            const [a, b] = [of(actual[gradient], width), of(expected[gradient], width)]
            expect(a.some(Number.isNaN), `${gradient} ${a}, ${context}`).toBe(false)
            // Between sides of opposite direction the angle of ciou jumps: its gradient has either sign there.
            if (name === 'ciou') continue
            expect(near(a, b, Math.max(...b.map(Math.abs))), `${gradient} ${a}, not ${b}, ${context}`).toBe(true)
          }
        }
      }
    })
  })
})
