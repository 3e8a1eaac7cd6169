import { describe, expect, it } from 'vitest'
import { backends, cuda } from '../../../src/index.js'
import { device, firstDifference, isEmulated, onCpu, onDevice } from '../../support/device.js'
import { randomPairs } from '../../support/random.js'
import { rejection } from '../../support/rejection.js'

// Errors of calls over tensors. Also runs on a GPU.
const { cuda: found } = backends()

describe('refuses', () => {
  const boxes = (n = 2) => device.tensor(4 * n)
  const anything = (value: unknown) => value as never

  it('a tensor, stream or event that was disposed', () => {
    const [tensor, stream] = [boxes(), device.stream()]
    const event = stream.record()
    for (const object of [tensor, stream, event]) object.dispose()
    const uses: [string, () => unknown][] = [
      ['tensor', () => tensor.read()],
      ['tensor', () => tensor.write(new Float32Array(8))],
      ['tensor', () => tensor.pointer],
      ['tensor', () => tensor.subarray(0)],
      ['pred', () => device.boxLoss('sca', tensor, boxes())],
      ['out.grad', () => device.boxLoss('sca', boxes(), boxes(), { out: { grad: tensor } })],
      ['other', () => boxes().copyFrom(tensor)],
      ['stream', () => stream.synchronize()],
      ['stream', () => device.boxLoss('sca', boxes(), boxes(), { stream })],
      ['event', () => event.synchronize()],
    ]
    for (const [argument, use] of uses) {
      expect(use).toThrow(expect.objectContaining({ code: 'ERR_SCALOSS_DISPOSED' }))
      expect(use).toThrow(new RegExp(`^${argument}: expected a Cuda\\w+ in use, got one that was disposed$`))
    }
  })

  it('tensors that do not go together', () => {
    const wrong: [string, () => unknown][] = [
      ['pred', () => device.boxLoss('sca', anything(new Float32Array(8)), boxes())],
      ['target', () => device.boxLoss('sca', boxes(), anything(undefined))],
      ['pred', () => device.boxLoss('sca', device.tensor(7), device.tensor(7))],
      ['pred', () => device.boxLoss('sca', device.tensor(0), device.tensor(0))],
      ['pred', () => device.boxLoss('sca3', device.tensor(8), device.tensor(8))],
      ['target', () => device.boxLoss('sca', boxes(2), boxes(3))],
      ['target', () => device.boxLoss('sca', boxes(), device.tensor(8, 'float16'))],
      ['target', () => device.boxLoss('sca', boxes(), device.tensor(12).subarray(2, 10))],
      ['weight', () => device.boxLoss('sca', boxes(), boxes(), { weight: device.tensor(3) })],
      ['gradOutput', () => device.boxLoss('sca', boxes(), boxes(), { gradOutput: device.tensor(2) })],
      ['out.grad', () => device.boxLoss('sca', boxes(), boxes(), { grad: false, out: { grad: boxes() } })],
      ['out.loss', () => device.boxLoss('sca', boxes(), boxes(), { out: { loss: device.tensor(1) } })],
      ['out.invalid', () => device.boxLoss('sca', boxes(), boxes(), { out: { invalid: device.tensor(2, 'float64') } })],
      ['out', () => device.boxLoss('sca', boxes(), boxes(), { out: anything({ grads: boxes() }) })],
      ['options', () => device.boxLoss('sca', boxes(), boxes(), anything({ backend: 'cuda' }))],
      ['onInvalid', () => device.boxLoss('sca', boxes(), boxes(), { onInvalid: anything('throw') })],
      ['stream', () => device.boxLoss('sca', boxes(), boxes(), { stream: anything({}) })],
      ['name', () => device.boxLoss(anything('iuo'), boxes(), boxes())],
      ['alpha', () => device.boxLoss('sca', device.tensor(8, 'float16'), device.tensor(8, 'float16'), { alpha: 1e39 })],
      ['other', () => boxes().copyFrom(boxes(3))],
      ['other', () => boxes().copyFrom(device.tensor(8, 'bfloat16'))],
    ]
    for (const [argument, call] of wrong) expect(rejection(call).argument).toBe(argument)
  })

  it('results that overlap other tensors of the call', () => {
    const [pred, target] = [boxes(), boxes()]
    const whole = device.tensor(16)
    const loss = device.tensor(1, 'float64')
    expect(rejection(() => device.boxLoss('sca', pred, target, { out: { grad: target } })).argument).toBe('out.grad')
    const overlapping = { grad: whole.subarray(0, 8), gradTarget: whole.subarray(4, 12) }
    const call = () => device.boxLoss('sca', pred, target, { gradTarget: true, out: overlapping })
    expect(rejection(call).argument).toBe('out.gradTarget')
    const both = { loss, invalid: loss }
    expect(rejection(() => device.boxLoss('sca', pred, target, { out: both })).argument).toBe('out.invalid')
  })

  it('what is no tensor, also where a result is given', () => {
    const [pred, target, grad] = [boxes(), boxes(), boxes()]
    const weight = anything([1, 2])
    expect(rejection(() => device.boxLoss('sca', pred, target, { weight, out: { grad } })).argument).toBe('weight')
    const array = anything(new Float32Array(8))
    expect(rejection(() => device.boxLoss('sca', pred, array, { out: { grad } })).argument).toBe('target')
    expect(rejection(() => device.boxLoss('sca', pred, target, { out: { grad: array } })).argument).toBe('out.grad')
  })

  it('arrays that do not go with a tensor', () => {
    const wrong: [string, () => unknown][] = [
      ['data', () => device.tensor(anything([1, 2]))],
      ['data', () => device.tensor(-1)],
      ['data', () => device.tensor(1.5)],
      ['data', () => device.tensor(new Float64Array(1), 'float32')],
      ['data', () => device.tensor(new Float64Array(1), 'float16')],
      ['data', () => device.tensor(new Uint16Array(1))],
      ['dtype', () => device.tensor(1, anything('int8'))],
      ['data', () => boxes().write(new Float32Array(7))],
      ['data', () => boxes().write(new Float64Array(8))],
      ['out', () => boxes().read(new Float32Array(9))],
      ['out', () => boxes().read(new Uint16Array(8))],
      ['begin, end', () => boxes().subarray(3, 2)],
      ['begin, end', () => boxes().subarray(0, 9)],
      ['pointer', () => device.fromPointer(anything(16), 4)],
      ['pointer', () => device.fromPointer(0n, 4)],
      ['pointer', () => device.fromPointer(boxes().pointer + 1n, 4)],
      ['length', () => device.fromPointer(boxes().pointer, -4)],
      ['pointer', () => device.streamFromPointer(-1n)],
    ]
    for (const [argument, call] of wrong) {
      const { message } = (() => {
        try {
          return { message: String(call()) }
        } catch (error) {
          expect(error).toMatchObject({ code: 'ERR_SCALOSS_INVALID_ARGUMENT' })
          return error as Error
        }
      })()
      expect(message).toMatch(new RegExp(`^${argument}: expected .+, got .+$`))
    }
  })

  it('a device that is not there', () => {
    const { length } = found.available ? found.devices : []
    expect(() => cuda.device(length)).toThrow(
      `device: expected the index of one of ${length} CUDA devices, got ${length}`,
    )
    expect(cuda.device(0)).toBe(device)
  })

  it.runIf(isEmulated)('tensors and streams of another device', () => {
    const other = cuda.device(1)
    const foreign = other.tensor(8)
    expect(rejection(() => device.boxLoss('sca', boxes(), foreign)).message).toBe(
      'target: expected a tensor of CUDA device 0, got one of device 1',
    )
    expect(rejection(() => device.boxLoss('sca', boxes(), boxes(), { stream: other.stream() })).argument).toBe('stream')
    expect(rejection(() => boxes().copyFrom(foreign)).argument).toBe('other')
    expect(rejection(() => device.fromPointer(foreign.pointer, 8)).argument).toBe('pointer')
    const { pred, target } = randomPairs(Float32Array, 100, { seed: 2 })
    expect(firstDifference(onDevice({ device: other }, 'sca', pred, target), onCpu('sca', pred, target))).toBe(
      undefined,
    )
  })
})
