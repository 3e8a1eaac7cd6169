import type { LossName } from '../../src/core/losses.js'
import type { DeviceBoxLossOptions, TensorDType } from '../../src/cuda/cuda.js'
import {
  type BoxLossOptions,
  backends,
  boxLoss,
  type CudaDevice,
  type CudaStream,
  cuda,
  type FloatArray,
} from '../../src/index.js'

// The device of the tests over tensors, and a call over tensors in the form of one over arrays.

const { cuda: found } = backends()
/** Without one the tests of a GPU are skipped, one by one. */
export const device = found.available ? cuda.device(0) : (undefined as never)
export const isEmulated = found.available && device.name === 'Emulator'
/** Ways in which the emulator runs what is enqueued; a GPU has its own. */
export const ORDERS = isEmulated ? ['lazy', 'eager', '1', '2', '3'] : ['']

/** Where and how a call runs on a device. */
export interface On {
  device: CudaDevice
  dtype?: TensorDType
  stream?: CudaStream
}

const NAMES = ['loss', 'grad', 'gradTarget', 'iou', 'invalid'] as const

/** Every result of a call, as numbers. NaN in one form: which of its many NaNs a processor gives is not defined. */
export type Numbers = Partial<Record<(typeof NAMES)[number], number[]>>

/** The results of `boxLoss` on a device, for arrays of the host. */
export function onDevice(
  { device, dtype, stream }: On,
  name: LossName,
  pred: FloatArray,
  target: FloatArray,
  { weight, gradOutput = 1, ...options }: Omit<BoxLossOptions, 'backend' | 'device' | 'out' | 'onInvalid'> = {},
): Numbers {
  const up = (array: FloatArray) => device.tensor(array, dtype)
  const all: DeviceBoxLossOptions = {
    ...options,
    ...(weight && { weight: up(weight) }),
    gradOutput: typeof gradOutput === 'number' ? gradOutput : up(gradOutput),
    ...(stream && { stream }),
  }
  const results = device.boxLoss(name, up(pred), up(target), all)
  return Object.fromEntries(NAMES.flatMap((key) => (results[key] ? [[key, [...results[key].read()]]] : [])))
}

/** The results of `boxLoss` on the CPU, in the same form. */
export function onCpu(name: LossName, pred: FloatArray, target: FloatArray, options: BoxLossOptions = {}): Numbers {
  const results = boxLoss(name, pred, target, { ...options, backend: 'cpu' })
  const numbers = (result: number | FloatArray) => (typeof result === 'number' ? [result] : [...result])
  return Object.fromEntries(NAMES.flatMap((key) => (results[key] === undefined ? [] : [[key, numbers(results[key])]])))
}

/** The first number in which two differ, by bits, or undefined. */
export function firstDifference(actual: Numbers, expected: Numbers) {
  for (const key of NAMES) {
    const [a, e] = [actual[key] ?? [], expected[key] ?? []]
    for (let i = 0; i < Math.max(a.length, e.length); ++i) {
      if (!Object.is(a[i], e[i])) return { key, i, actual: a[i], expected: e[i] }
    }
  }
  return undefined
}
