import { once } from 'node:events'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { describe, expect, it } from 'vitest'
import { type BackendName, boxLoss, boxLossAsync, createPlan, type FloatArray, pairwise } from '../../src/index.js'
import { ROOT } from '../support/project.js'
import { KINDS, randomPairs } from '../support/random.js'

// Arrays in memory that is shared between threads.
const N = 3001
const CANARY = 123
const { pred, target } = randomPairs(Float32Array, N, { seed: 7, kinds: KINDS })
const { fround } = Math
const weight = Float32Array.from({ length: N }, (_, i) => fround(i % 7))
const MEMBERS = ['loss', 'grad', 'gradTarget', 'iou'] as const

/** Copies an array to shared memory, between two numbers that nothing may touch. It is typed as other arrays are. */
function share(array: FloatArray) {
  const whole = new Float32Array(new SharedArrayBuffer(4 * (array.length + 2))).fill(CANARY)
  const part = whole.subarray(1, -1)
  part.set(array)
  return part as Float32Array<ArrayBufferLike> as Float32Array<ArrayBuffer>
}
const isIntact = (part: FloatArray) => {
  const whole = new Float32Array(part.buffer as ArrayBuffer)
  return whole[0] === CANARY && whole.at(-1) === CANARY
}

describe.each<BackendName>(['cpu', 'wasm', 'js'])('%s', (backend) => {
  const options = { backend, weight, reduction: 'none', gradTarget: true, iou: true } as const
  const expected = boxLoss('ciou', pred, target, options)
  const call = () => {
    const out = Object.fromEntries(MEMBERS.map((member) => [member, share(expected[member].map(() => 0))]))
    return ['ciou', share(pred), share(target), { ...options, weight: share(weight), out }] as const
  }

  it.each([
    ['boxLoss', () => boxLoss(...call())],
    ['boxLossAsync', () => boxLossAsync(...call())],
  ])('%s', async (_, run) => {
    const result = await run()
    for (const member of MEMBERS) {
      const array = result[member] as FloatArray
      expect(array.buffer).toBeInstanceOf(SharedArrayBuffer)
      expect(isIntact(array)).toBe(true)
      expect(array).toEqual(share(expected[member]))
    }
  })

  it('results that overlap an input are found', () => {
    const boxes = share(pred)
    const grad = boxes.subarray(4)
    expect(() => boxLoss('sca', boxes.subarray(4), share(target).subarray(4), { backend, out: { grad } })).toThrow(
      'out.grad: expected memory that no other array of the call uses, got an overlap with pred',
    )
  })

  it('pairwise', () => {
    const [a, b] = [pred.slice(0, 4 * 70), target.slice(0, 4 * 90)]
    const out = share(new Float32Array(70 * 90))
    expect(pairwise('giou', share(a), share(b), { backend, out, onInvalid: 'propagate' })).toBe(out)
    expect([...out]).toEqual([...pairwise('giou', a, b, { backend, onInvalid: 'propagate' })])
    expect(isIntact(out)).toBe(true)
  })

  it('filling a plan', () => {
    const plan = createPlan('ciou', { boxes: N, backend })
    plan.pred.set(share(pred))
    plan.target.set(share(target))
    expect(plan.run().grad).toEqual(boxLoss('ciou', pred, target, { backend }).grad)
  })

  it('a worker fills the boxes, another reads the gradient', async () => {
    const [boxes, targets] = [share(new Float32Array(4 * N)), share(new Float32Array(4 * N))]
    const grad = share(new Float32Array(4 * N))
    const loader = `
      const { workerData, parentPort } = require('node:worker_threads')
      workerData.boxes.set(workerData.pred)
      workerData.targets.set(workerData.target)
      parentPort.postMessage('filled')`
    const trainer = `
      const { workerData: { entry, boxes, targets, grad, backend }, parentPort } = require('node:worker_threads')
      const { loss } = require(entry).boxLoss('ciou', boxes, targets, { backend, out: { grad } })
      parentPort.postMessage(loss)`
    const entry = join(ROOT, 'dist/index.js')
    const workerData = { entry, backend, boxes, targets, grad, pred, target }
    const answer = async (program: string) =>
      (await once(new Worker(program, { eval: true, workerData }), 'message'))[0]
    expect(await answer(loader)).toBe('filled')
    const fresh = boxLoss('ciou', pred, target, { backend })
    expect(await answer(trainer)).toBe(fresh.loss)
    expect(grad).toEqual(share(fresh.grad))
  })

  it('another thread writes to the boxes during calls: only the results of those are undefined', async () => {
    const [boxes, targets] = [share(pred), share(target)]
    const stop = new Int32Array(new SharedArrayBuffer(4))
    const writer = `
      const { workerData: { boxes, stop }, parentPort } = require('node:worker_threads')
      parentPort.postMessage('started')
      const values = [NaN, Infinity, -1, 3e38, 0]
      for (let i = 0; Atomics.load(stop, 0) === 0; i++) boxes[i % boxes.length] = values[i % values.length]`
    const worker = new Worker(writer, { eval: true, workerData: { boxes, stop } })
    await once(worker, 'message')
    const grad = share(new Float32Array(4 * N))
    try {
      for (let i = 0; i < 30; ++i) {
        const onInvalid = i % 2 ? 'ignore' : 'propagate'
        const { loss, invalid } = boxLoss('ciou', boxes, targets, { backend, out: { grad }, onInvalid })
        expect(typeof loss).toBe('number')
        expect(invalid).toBeLessThanOrEqual(N)
      }
    } finally {
      Atomics.store(stop, 0, 1)
      await once(worker, 'exit')
    }
    expect([boxes, targets, grad].every(isIntact)).toBe(true)
    boxes.set(pred)
    expect(boxLoss('ciou', boxes, targets, { backend }).loss).toBe(boxLoss('ciou', pred, target, { backend }).loss)
  })
})
