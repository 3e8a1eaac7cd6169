import { afterAll, describe, expect, it } from 'vitest'
import { alloc, boxLoss, type FloatArray } from '../../src/index.js'
import { loadNative } from '../../src/native/addon.js'
import { randomPairs } from '../support/random.js'

// Calls whose arrays do not fit into the caches store past them where an array is aligned for it. The results must not
// depend on that: they are compared with those of the same boxes in pieces that fit.
const BOXES = 420_003
const PIECE = 60_000
/** Elements before an array's first, so that it is aligned for everything, for 16 bytes, for one number only. */
const OFFSETS = [0, 4, 1]
const CANARY = 123
const bytes = (array: FloatArray) => Buffer.from(array.buffer, array.byteOffset, array.byteLength)
const native = loadNative()
const widest = native.simd()
afterAll(() => void native.setSimd(widest))

describe.each(['float32', 'float64'] as const)('%s: %i boxes give what they give in pieces', (dtype) => {
  const Float = dtype === 'float32' ? Float32Array : Float64Array
  const { pred, target } = randomPairs(Float, BOXES, { seed: 11 })
  const options = { backend: 'cpu', reduction: 'none', gradTarget: true, iou: true } as const

  const expected = {
    loss: new Float(BOXES),
    grad: new Float(4 * BOXES),
    gradTarget: new Float(4 * BOXES),
    iou: new Float(BOXES),
  }
  for (let first = 0; first < BOXES; first += PIECE) {
    const rows = (array: FloatArray, columns = 4) => array.subarray(columns * first, columns * (first + PIECE))
    const { loss, grad, gradTarget, iou } = expected
    const out = { loss: rows(loss, 1), grad: rows(grad), gradTarget: rows(gradTarget), iou: rows(iou, 1) }
    boxLoss('giou', rows(pred), rows(target), { ...options, threads: 1, out })
  }

  it.each(OFFSETS)('arrays %i elements past an aligned address', (offset) => {
    /** An array of `length` between two elements that nobody may touch. */
    const guarded = (length: number) => {
      const boxes = Math.ceil(length / 4) + 8
      const whole: FloatArray = dtype === 'float32' ? alloc(boxes) : alloc(boxes, dtype)
      const start = 16 + offset
      whole[start - 1] = whole[start + length] = CANARY
      return {
        array: new Float(whole.buffer as ArrayBuffer, whole.byteOffset + start * whole.BYTES_PER_ELEMENT, length),
        untouched: () => whole[start - 1] === CANARY && whole[start + length] === CANARY,
      }
    }
    const [loss, grad, gradTarget, iou] = [BOXES, 4 * BOXES, 4 * BOXES, BOXES].map(guarded)
    const out = { loss: loss.array, grad: grad.array, gradTarget: gradTarget.array, iou: iou.array }
    for (const [level, threads] of native.simdLevels().flatMap(
      (level) =>
        [
          [level, 1],
          [level, 2],
        ] as const,
    )) {
      native.setSimd(level)
      for (const array of Object.values(out)) array.fill(Number.NaN)
      boxLoss('giou', pred, target, { ...options, threads, out })
      for (const [name, array] of Object.entries(out))
        expect(
          bytes(array).equals(bytes(expected[name as keyof typeof out])),
          `${name}, ${level}, ${threads} threads`,
        ).toBe(true)
      for (const { untouched } of [loss, grad, gradTarget, iou]) expect(untouched()).toBe(true)
    }
  })
})
