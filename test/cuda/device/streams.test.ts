import { afterEach, describe, expect, it, vi } from 'vitest'
import { backends, cuda } from '../../../src/index.js'
import { device, firstDifference, isEmulated, ORDERS, onCpu, onDevice } from '../../support/device.js'
import { randomPairs } from '../../support/random.js'
import { rejection } from '../../support/rejection.js'

// Work on several streams, and events between them. Also runs on a GPU.
const { cuda: found } = backends()

afterEach(() => {
  vi.unstubAllEnvs()
})

describe('streams', () => {
  const { pred, target } = randomPairs(Float32Array, 5000, { seed: 6 })

  it.each(ORDERS)('work of one waits for work of another that uses the same tensor (%s)', (order) => {
    if (order) vi.stubEnv('EMULATOR_STREAMS', order)
    const [a, b] = [device.stream(), device.stream()]
    const boxes = device.tensor(pred)
    const goal = device.tensor(target)
    const grad = device.tensor(pred.length)
    const first = device.boxLoss('sca', boxes, goal, { stream: a, out: { grad }, reduction: 'sum' })
    // Takes the gradient for boxes, on another stream, and overwrites it on a third.
    const second = device.boxLoss('l1', grad, goal, { stream: b })
    grad.copyFrom(boxes)
    const expected = onCpu('sca', pred, target, { reduction: 'sum' })
    expect(second.loss.read()[0]).toBe(onCpu('l1', Float32Array.from(expected.grad ?? []), target).loss?.[0])
    expect(first.loss.read()[0]).toBe(expected.loss?.[0])
    expect(grad.read()).toEqual(pred)
  })

  it.each(ORDERS)('a tensor goes once work that was enqueued with it is done (%s)', (order) => {
    if (order) vi.stubEnv('EMULATOR_STREAMS', order)
    const stream = device.stream()
    const results = Array.from({ length: 5 }, () => {
      using boxes = device.tensor(pred)
      using goal = device.tensor(target)
      const { loss, grad, invalid } = device.boxLoss('sca', boxes, goal, { stream })
      grad.dispose()
      invalid.dispose()
      return loss
    })
    stream.dispose()
    const expected = onCpu('sca', pred, target).loss
    for (const loss of results) expect([...loss.read()]).toEqual(expected)
  })

  it('the same bits call after call, on one stream and on several', () => {
    const [boxes, goal] = [device.tensor(pred), device.tensor(target)]
    const streams = [device.defaultStream, device.stream(), device.stream()]
    const losses = Array.from({ length: 12 }, (_, i) =>
      device.boxLoss('ciou', boxes, goal, { stream: streams[i % 3], grad: false }),
    )
    const [expected] = onCpu('ciou', pred, target).loss ?? []
    for (const { loss } of losses) expect(loss.read()[0]).toBe(expected)
  })

  it('events tell the time between two points', () => {
    const stream = device.stream()
    const start = stream.record()
    device.boxLoss('sca', device.tensor(pred), device.tensor(target), { stream })
    const end = stream.record()
    end.synchronize()
    expect(end.since(start)).toBeGreaterThan(0)
    expect(rejection(() => end.since({} as never)).argument).toBe('earlier')
  })

  it('the time between events waits for both, of whatever streams', () => {
    const [busy, idle] = [device.stream(), device.stream()]
    device.boxLoss('sca', device.tensor(pred), device.tensor(target), { stream: busy })
    const earlier = busy.record()
    expect(idle.record().since(earlier)).toEqual(expect.any(Number))
  })

  it('a stream of other native code by its pointer', () => {
    const own = device.stream()
    const stream = device.streamFromPointer(own.pointer)
    expect(stream.pointer).toBe(own.pointer)
    const { loss, grad } = device.boxLoss('sca', device.tensor(pred), device.tensor(target), { stream })
    stream.dispose()
    own.synchronize()
    own.dispose()
    const expected = onCpu('sca', pred, target)
    expect([...loss.read()]).toEqual(expected.loss)
    expect([...grad.read()]).toEqual(expected.grad)
  })

  // Only the emulator can be made to refuse a launch. What is not waited for has not run there.
  it.runIf(isEmulated)('a call that fails on a stream of other native code keeps the order of earlier work', () => {
    const [writer, reader, own] = [device.stream(), device.stream(), device.stream()]
    const foreign = device.streamFromPointer(own.pointer)
    const [boxes, goal, grad] = [device.tensor(pred), device.tensor(target), device.tensor(pred.length)]
    device.synchronize()
    device.boxLoss('sca', boxes, goal, { stream: writer, out: { grad } })
    vi.stubEnv('EMULATOR_GRID', '0')
    expect(() => device.boxLoss('sca', boxes, grad, { stream: foreign })).toThrow(/cudaErrorInvalidConfiguration/)
    vi.unstubAllEnvs()
    const copy = device.tensor(pred.length).copyFrom(grad, { stream: reader })
    expect([...copy.read()]).toEqual(onCpu('sca', pred, target).grad)
  })

  it.runIf(isEmulated)('a stream of other native code goes after a failed call once its work is done', () => {
    const own = device.stream()
    const foreign = device.streamFromPointer(own.pointer)
    {
      using boxes = device.tensor(pred)
      using goal = device.tensor(target)
      using loss = device.tensor(1, 'float64')
      using invalid = device.tensor(1, 'float64')
      vi.stubEnv('EMULATOR_GRID', '0')
      const options = { stream: foreign, grad: false, out: { loss, invalid } } as const
      expect(() => device.boxLoss('sca', boxes, goal, options)).toThrow(/cudaErrorInvalidConfiguration/)
    }
    foreign.dispose()
    own.synchronize()
  })

  it('the default stream of every device, by the null pointer', () => {
    const expected = onCpu('sca', pred, target)
    const streams = (found.available ? found.devices : []).map((_, index) => cuda.device(index).streamFromPointer(0n))
    for (const stream of streams) {
      expect(stream.pointer).toBe(0n)
      expect(firstDifference(onDevice({ device: stream.device, stream }, 'sca', pred, target), expected)).toBe(
        undefined,
      )
    }
  })

  // Only the emulator has two devices, and fails in this way.
  it.runIf(isEmulated)('synchronize of a default stream waits for that of its own device', () => {
    const [first, second] = [cuda.device(0), cuda.device(1)]
    const stream = second.streamFromPointer(0n)
    const gone = second.tensor(pred)
    second.tensor(pred.length).copyFrom(second.fromPointer(gone.pointer, pred.length), { stream })
    gone.dispose()
    second.defaultStream.synchronize()
    first.synchronize()
    expect(() => stream.synchronize()).toThrow('cudaErrorIllegalAddress')
  })

  it('synchronize waits for a stream or for all', () => {
    const stream = device.stream()
    device.boxLoss('sca', device.tensor(pred), device.tensor(target), { stream })
    stream.synchronize()
    device.synchronize()
  })
})
