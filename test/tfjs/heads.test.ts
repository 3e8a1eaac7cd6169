import * as tf from '@tensorflow/tfjs-core'
import { beforeAll, describe, expect, it } from 'vitest'
import { boxCoder, headLoss } from '../../src/index.js'
import { boxLoss, boxLossAsync, type TensorLossOptions } from '../../src/tfjs.js'
import { headRows, NAMED } from '../support/heads.js'
import { TF_BACKENDS, useTfBackend, values } from '../support/tfjs.js'

// Losses of raw numbers, [B, A, columns] with the priors of one image.
const [B, A] = [3, 5]

describe.each(TF_BACKENDS)('%s', (backend) => {
  beforeAll(() => useTfBackend(backend))

  describe.each(NAMED)('$label', ({ coder }) => {
    const rows = headRows(coder, B * A, Float32Array, { priors: A })
    const prior = rows.prior as Float32Array
    const raw = () => tf.tensor(rows.raw as Float32Array, [B, A, coder.columns])
    const target = () => tf.tensor(rows.target as Float32Array, [B, A, 4])
    const dflWeight = coder.kind === 'dfl' && coder.params.bins !== 3 ? 0.5 : undefined
    const options: TensorLossOptions = { coder, prior, ...(dflWeight && { dflWeight }) }

    it('one loss a box, and the gradient for the raw numbers: those of headLoss', async () => {
      const dy = Float32Array.from({ length: B * A }, (_, i) => i - 3)
      const should = headLoss('ciou', coder, rows.raw, prior, rows.target, {
        reduction: 'none',
        gradOutput: dy,
        dflWeight,
      })
      const check = (loss: (raw: tf.Tensor) => tf.Tensor) => {
        const result = loss(raw())
        expect(result.shape).toEqual([B, A])
        expect(values(result)).toEqual(should.loss)
        const grad = tf.grad(loss)(raw(), tf.tensor(dy, [B, A]))
        expect(grad.shape).toEqual([B, A, coder.columns])
        return values(grad)
      }
      expect(check((yPred) => boxLoss('ciou', options)(target(), yPred))).toEqual(should.grad)
      const known = await boxLossAsync('ciou', options)(target(), raw())
      check(known).forEach((g, i) => {
        expect(Math.abs(g - (should.grad[i] as number))).toBeLessThanOrEqual(
          1e-6 * Math.max(...should.grad.map(Math.abs)),
        )
      })
    })
  })

  it('trains a head', () => {
    const coder = boxCoder('yolov8')
    const { prior, target } = headRows(coder, 40, Float32Array, { seed: 5 })
    // Targets around the points of the priors, within the reach of the bins.
    for (let i = 0; i < 40; ++i) {
      const [x, y, stride] = prior.subarray(3 * i, 3 * i + 3) as never as [number, number, number]
      target.set([x - 3 * stride, y - 2 * stride, x + 4 * stride, y + 5.5 * stride], 4 * i)
    }
    const raw = tf.variable(tf.zeros([40, coder.columns]))
    const loss = boxLoss('ciou', { coder, prior: prior as Float32Array, dflWeight: 0.2, reduction: 'mean' })
    const optimizer = tf.train.adam(0.3)
    const step = () =>
      optimizer.minimize(() => loss(tf.tensor(target as Float32Array, [40, 4]), raw) as tf.Scalar, true)!.dataSync()[0]!
    const first = step()
    for (let i = 0; i < 60; ++i) step()
    expect(step()).toBeLessThan(first / 3)
  })
})

describe('wrong use', () => {
  const coder = boxCoder('yolox')
  const prior = Float32Array.of(0, 0, 8)
  const [raw, boxes] = [() => tf.zeros([2, 4]), () => tf.zeros([2, 4])]
  it.each<[string, TensorLossOptions, () => tf.Tensor, () => tf.Tensor, string]>([
    [
      'raw numbers of another width',
      { coder: boxCoder('dfl'), prior },
      boxes,
      raw,
      'yPred: expected shape [..., 64], got [2, 4]',
    ],
    [
      'targets of another shape',
      { coder, prior },
      () => tf.zeros([3, 4]),
      raw,
      'yTrue: expected shape [2, 4] (as yPred), got [3, 4]',
    ],
    ['no priors', { coder }, boxes, raw, 'prior: expected [A, 3] numbers'],
    [
      'priors that do not divide the rows',
      { coder, prior: new Float32Array(9) },
      boxes,
      raw,
      'prior: expected rows of which 2',
    ],
  ])('%s', (_, options, yTrue, yPred, message) => {
    expect(() => boxLoss('iou', options)(yTrue(), yPred())).toThrow(message)
  })

  it.each<[string, object, string]>([
    ['a coder that is none', { coder: {} }, 'coder: expected a coder of boxCoder()'],
    ['priors without a coder', { prior }, 'prior: expected no value without coder'],
    ['dflWeight without a coder', { dflWeight: 1 }, 'dflWeight: expected no value without coder'],
    ['a device with a coder', { coder, prior, device: 0 }, 'device: expected no value with coder'],
  ])('%s', (_, options, message) => {
    expect(() => boxLoss('iou', options as TensorLossOptions)).toThrow(message)
  })
})
