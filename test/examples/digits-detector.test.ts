import * as tf from '@tensorflow/tfjs-core'
import { beforeAll, describe, expect, it } from 'vitest'
import { Adam } from '../../examples/digits/adam.mjs'
import { assign } from '../../examples/digits/assigner.mjs'
import { startTensorFlow } from '../../examples/digits/backend.mjs'
import { type Labelled, makeCanvas } from '../../examples/digits/data.mjs'
import { BACKGROUND, CELLS, createWeights, decode, GRID } from '../../examples/digits/detector.mjs'
import { detect, score } from '../../examples/digits/evaluate.mjs'
import { lossWeight } from '../../examples/digits/loss-weights.mjs'
import { values } from '../support/tfjs.js'

// The parts of the digits example, on cases worked out by hand. Takes about 1 s.

beforeAll(() => startTensorFlow('wasm'))

describe('assigner', () => {
  const positives = (...args: Parameters<typeof assign>) => {
    const { positive } = assign(...args)
    return [...positive].flatMap((one, cell) => (one ? [cell] : []))
  }

  it('a small digit has the cell of its centre', () => {
    // Centre (25, 13): column 3, row 1 of cells of 8 pixels.
    const { boxes, classes } = assign([[{ box: [22, 6, 28, 20], digit: 7 }]])
    expect(positives([[{ box: [22, 6, 28, 20], digit: 7 }]])).toEqual([GRID + 3])
    expect(classes[GRID + 3]).toBe(7)
    expect([...boxes.subarray(4 * (GRID + 3), 4 * (GRID + 4))]).toEqual([2.75, 0.75, 3.5, 2.5])
    expect(classes[0]).toBe(BACKGROUND)
  })

  it('a large digit has the cells in its middle, too', () => {
    // 32 by 32 around (32, 32): cell centres at 28 and 36, at most 8 from the middle, on both axes.
    expect(positives([[{ box: [16, 16, 48, 48], digit: 1 }]])).toEqual([27, 28, 35, 36])
  })

  it('a cell that two digits want goes to the nearer one', () => {
    const large: Labelled = { box: [16, 16, 48, 48], digit: 1 }
    const small: Labelled = { box: [26, 21, 30, 35], digit: 2 } // its centre is that of cell 27
    for (const objects of [
      [large, small],
      [small, large],
    ]) {
      const { classes, positives } = assign([objects])
      expect([classes[27], classes[28], classes[35], classes[36]]).toEqual([2, 1, 1, 1])
      expect(positives).toBe(4)
    }
  })

  it('images follow each other', () => {
    expect(positives([[], [{ box: [0, 0, 6, 14], digit: 0 }]])).toEqual([CELLS])
  })
})

describe('decode', () => {
  it('offsets from the centre of the cell, logarithms of sizes in units of 2.5 cells', () => {
    const head = new Float32Array(8 * CELLS)
    head.set([0.25, -0.5, Math.log(2), 0], 4 * (CELLS + GRID + 2)) // second image, column 2, row 1
    const boxes = values(decode(tf.tensor2d(head, [2 * CELLS, 4]), 2))
    const box = (cell: number) => [...boxes.subarray(4 * cell, 4 * cell + 4)]
    expect(box(0)).toEqual([-0.75, -0.75, 1.75, 1.75])
    const [x1, y1, x2, y2] = box(CELLS + GRID + 2)
    expect(x1).toBeCloseTo(2.75 - 2.5, 5)
    expect(x2).toBeCloseTo(2.75 + 2.5, 5)
    expect(y1).toBeCloseTo(1 - 1.25, 5)
    expect(y2).toBeCloseTo(1 + 1.25, 5)
  })

  it('sizes stay finite', () => {
    const head = new Float32Array(4 * CELLS).fill(1e4)
    expect(values(decode(tf.tensor2d(head, [CELLS, 4]), 1)).every(Number.isFinite)).toBe(true)
  })
})

describe('score', () => {
  const canvases = Array.from({ length: 20 }, (_, index) => makeCanvas('held-out', 0, index))
  const truth = canvases.map(({ objects }) => objects.map((object) => ({ ...object, score: 0.9 })))

  it('the truth scores 100', () => {
    expect(score(canvases, truth)).toEqual({ mAP: 100, AP50: 100, AP65: 100, AP75: 100, AP80: 100, AP90: 100 })
  })

  it('boxes of IoU 0.78 count up to AP75', () => {
    const wider = truth.map((found) =>
      found.map(({ box: [x1, y1, x2, y2], ...rest }) => {
        const box: [number, number, number, number] = [x1, y1, x1 + (x2 - x1) / 0.78, y2]
        return { ...rest, box }
      }),
    )
    const { mAP, AP75, AP80 } = score(canvases, wider)
    expect([AP75, AP80]).toEqual([100, 0])
    expect(mAP).toBeCloseTo(60)
  })

  it('an untrained detector finds next to nothing', () => {
    expect(score(canvases, detect(createWeights(1), canvases)).mAP).toBeLessThan(1)
  })
})

it("Adam makes TensorFlow.js' steps", () => {
  const start = [1, -2, 3, 0.5]
  const target = tf.tensor1d([0, 1, 2, 3])
  const ours = tf.variable(tf.tensor1d(start))
  const theirs = tf.variable(tf.tensor1d(start))
  const lossOf = (x: tf.Tensor) => tf.sum(tf.square(tf.sub(x, target))) as tf.Scalar
  const adam = new Adam([ours])
  const optimizer = tf.train.adam(0.1, 0.9, 0.99, 1e-8)
  for (let step = 0; step < 20; step++) {
    adam.update(tf.variableGrads(() => lossOf(ours), [ours]).grads, 0.1)
    optimizer.minimize(() => lossOf(theirs), false, [theirs])
  }
  values(theirs).forEach((value, i) => {
    expect(values(ours)[i]).toBeCloseTo(value, 4)
  })
})

it('weights of box losses: the same, or so that gradients are as long as those of IoU', () => {
  expect(lossWeight({ loss: 'sca' }, 'same')).toBe(lossWeight({ loss: 'iou' }, 'same'))
  expect(lossWeight({ loss: 'iou' }, 'balanced')).toBe(2)
  // More corner distance, a longer gradient, a smaller weight.
  const [less, more] = [0.2, 0.7].map((alpha) => lossWeight({ loss: 'sca', alpha }, 'balanced'))
  expect(more).toBeLessThan(less!)
  expect(less).toBeLessThan(2)
})
