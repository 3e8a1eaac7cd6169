import { type BoxLossOptions, boxLoss, type FloatArray } from '../../src/index.js'
import type { LossName } from '../../src/losses.js'
import { mulberry32 } from './random.js'

/** Rows of a kind come in blocks, so that whole packs lie on one side of a limit or the other. */
const BLOCK = 64

/**
 * Boxes with sides from 2^low to 2^high, differences between prediction and target from those down to 2^least, ties,
 * matches and, in every fourth block, bad rows.
 */
export function boxesAround(
  pairs: number,
  Float: Float32ArrayConstructor | Float64ArrayConstructor,
  least: number,
  low: number,
  high: number,
) {
  const random = mulberry32(7)
  const sign = () => (random() < 0.5 ? -1 : 1)
  const pred = new Float(4 * pairs)
  const target = new Float(4 * pairs)
  let exponents = { side: 0, difference: 0 }
  for (let i = 0; i < 4 * pairs; i += 4) {
    if (i % (4 * BLOCK) === 0) {
      const side = low + (high - low) * random()
      exponents = { side, difference: least + (side - least) * random() }
    }
    for (const axis of [0, 1]) {
      const side = () => 2 ** (exponents.side + 3 * random())
      const difference = () => (random() < 0.1 ? 0 : sign() * 2 ** (exponents.difference + 3 * random()))
      const first = random() < 0.5 ? 0 : sign() * 4 * random() * side()
      const second = first + side()
      target[i + axis] = first
      target[i + axis + 2] = second
      pred[i + axis] = first + difference()
      pred[i + axis + 2] = random() < 0.3 ? first + side() : second + difference()
    }
    if (random() < 0.02) pred.set(target.subarray(i, i + 4), i)
    if (i % (16 * BLOCK) < 4 * BLOCK && random() < 0.1) {
      pred[i + Math.floor(4 * random())] = [Number.NaN, Number.POSITIVE_INFINITY, -Number.MAX_VALUE, 0][
        Math.floor(4 * random())
      ]
    }
  }
  return { pred, target }
}

/** The results of a call as one string of bytes, NaN in one form: which of its many NaNs a processor gives is not defined. */
export function resultBytes(name: LossName, pred: FloatArray, target: FloatArray, options: BoxLossOptions): Buffer {
  const { loss, grad, gradTarget, iou } = boxLoss(name, pred, target, options)
  const arrays = [typeof loss === 'number' ? Float64Array.of(loss) : loss, grad, gradTarget, iou]
  return Buffer.concat(
    arrays.map((array) => {
      if (!array) return Buffer.alloc(0)
      const plain = array.map((x) => (Number.isNaN(x) ? Number.NaN : x))
      return Buffer.from(plain.buffer, plain.byteOffset, plain.byteLength)
    }),
  )
}
