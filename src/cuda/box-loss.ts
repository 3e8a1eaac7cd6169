import { overlapError } from '../arguments/arrays.js'
import { ARGUMENTS, type ArrayKind, CALL_OPTIONS, prepareJob } from '../arguments/job.js'
import { readOptions, withoutPrototype } from '../arguments/options.js'
import { giveBack, takeBlock, writeBoxLoss } from '../core/block.js'
import { argumentError, invalidArgument } from '../core/errors.js'
import { type ArrayList, INPUTS, listOf, type Place, RESULTS } from '../core/job.js'
import type { LossName } from '../core/losses.js'
import type { NativeHandle } from '../native/addon.js'
import { callNative, handleOf } from '../native/object.js'
import { streamOf } from './stream.js'
import { addressOf, checkTensor, newTensor } from './tensor.js'
import type { CudaDevice, CudaTensor, DeviceBoxLossOptions, DeviceBoxLossResult, DeviceOut } from './types.js'

const OPTIONS = [...CALL_OPTIONS, 'stream'] as const satisfies (keyof DeviceBoxLossOptions)[]
const OUT_KEYS = [...RESULTS, 'invalid'] as const satisfies (keyof DeviceOut)[]
/** The required alignment of boxes and their gradients in bytes, because kernels load this many bytes at a time. */
const ALIGNMENT = 16

export function deviceBoxLoss(
  device: CudaDevice,
  name: LossName,
  pred: CudaTensor,
  target: CudaTensor,
  options: DeviceBoxLossOptions = {},
): DeviceBoxLossResult {
  const given = readOptions('options', options, OPTIONS)
  const { onInvalid, reduction, out } = given
  if ((onInvalid as string) === 'throw') {
    throw invalidArgument(
      'onInvalid',
      "'propagate' or 'ignore' for tensors, whose rows only the device sees",
      onInvalid,
    )
  }
  const stream = streamOf(device, given.stream)
  const isReduced = reduction !== 'none'
  const { loss, invalid, ...arrays } = out === undefined ? {} : readOptions<DeviceOut>('out', out, OUT_KEYS)
  const perRow = { ...arrays, loss: isReduced ? undefined : loss }
  const place: Place = { backend: 'cuda', device: device.index, threads: 1 }
  const job = prepareJob(name, pred, target, given, tensorsOf(device), place, withoutPrototype(perRow))
  const sum = isReduced ? loss : undefined
  checkNumber(device, 'out.loss', sum)
  checkNumber(device, 'out.invalid', invalid)
  if (out !== undefined) {
    checkOverlap([...ARGUMENTS, 'out.loss', 'out.invalid'], [...listOf(job), sum, invalid])
  }
  const numbers = numbersOf(device, sum, invalid)
  const handle = (tensor: CudaTensor | undefined, k: number) => tensor && handleOf(tensor, ARGUMENTS[k])
  const tensors = listOf(job).map(handle) as ArrayList<NativeHandle>
  const block = takeBlock()
  writeBoxLoss(block, job)
  try {
    callNative((native) =>
      native.deviceBoxLoss(
        block,
        stream,
        handleOf(numbers.loss, 'out.loss'),
        handleOf(numbers.invalid, 'out.invalid'),
        ...tensors,
      ),
    )
  } finally {
    giveBack(block)
  }
  const { grad, gradTarget, iou } = job
  return { loss: job.loss ?? numbers.loss, grad, gradTarget, iou, invalid: numbers.invalid }
}

/** Checks a tensor for one of the two numbers that a call computes. */
function checkNumber(device: CudaDevice, argument: string, tensor: CudaTensor | undefined): void {
  if (tensor === undefined) return
  checkTensor(argument, tensor, device)
  if (tensor.dtype !== 'float64' || tensor.length !== 1) {
    throw argumentError(argument, 'one number of float64', `${tensor.length} of ${tensor.dtype}`)
  }
}

/** Returns the tensors for the reduced loss and the number of invalid rows: the given ones, or new ones. */
function numbersOf(device: CudaDevice, loss: CudaTensor | undefined, invalid: CudaTensor | undefined) {
  if (loss && invalid) return { loss, invalid }
  const both = newTensor(device, 2, 'float64', false)
  const numbers = { loss: loss ?? both.subarray(0, 1), invalid: invalid ?? both.subarray(1, 2) }
  both.dispose()
  return numbers
}

/** Describes tensors of a device as the arrays of a call. */
function tensorsOf(device: CudaDevice): ArrayKind<CudaTensor> {
  const checkAligned = (argument: string, tensor: CudaTensor) => {
    if (addressOf(tensor) % ALIGNMENT === 0) return
    const address = `0x${tensor.pointer.toString(16)}`
    throw argumentError(argument, `an address that is a multiple of ${ALIGNMENT}`, address)
  }
  return {
    checkBoxes(argument, value, columns): asserts value is CudaTensor {
      checkTensor(argument, value, device)
      checkAligned(argument, value)
      if (value.length === 0 || value.length % columns !== 0) {
        throw argumentError(
          argument,
          `a length that is a multiple of ${columns}, [N, ${columns}], N > 0`,
          `${value.length}`,
        )
      }
    },
    // Overlaps are looked for later, when everything is known to be a tensor.
    checkMemory() {},
    checkArray(argument, value, like, length, shape) {
      checkTensor(argument, value, device)
      if (value.dtype !== like.dtype) throw argumentError(argument, `dtype ${like.dtype}, as pred`, value.dtype)
      if (value.length !== length) throw argumentError(argument, `length ${length} (${shape})`, `${value.length}`)
      if (length === like.length) checkAligned(argument, value)
    },
    // The memory may hold anything, because kernels write all of it.
    allocate: (like, length) => newTensor(device, length, like.dtype, false),
    dtypeOf: ({ dtype }) => (dtype === 'float64' ? dtype : 'float32'),
    lengthOf: ({ length }) => length,
  }
}

/** Checks that no result overlaps another array. Inputs come first, then results; `names` has their names in
 * messages. */
function checkOverlap(names: readonly string[], tensors: readonly (CudaTensor | undefined)[]): void {
  tensors.forEach((result, i) => {
    if (result === undefined || i < INPUTS.length) return
    const other = tensors.findIndex((tensor, k) => k < i && tensor !== undefined && overlap(result, tensor))
    if (other >= 0) throw overlapError(names[i], names[other])
  })
}

/** Whether two tensors share memory. */
function overlap(a: CudaTensor, b: CudaTensor): boolean {
  return addressOf(a) < addressOf(b) + b.byteLength && addressOf(b) < addressOf(a) + a.byteLength
}
