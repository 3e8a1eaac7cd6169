import { bare, checkKeys, checkOverlap, readOptions } from '../arguments/checks.js'
import { type ArrayKind, CALL_OPTIONS, checkJobOverlap, OUTPUTS, prepareJob } from '../arguments/prepare.js'
import { argumentError, invalidArgument } from '../core/errors.js'
import type { LossName } from '../core/losses.js'
import type { NativeHandle } from '../native/addon.js'
import { writeScalars } from '../native/call.js'
import { callNative, handleOf } from '../native/object.js'
import type { BoxLossJob } from '../reference/run.js'
import { streamOf } from './stream.js'
import { addressOf, checkTensor, newTensor } from './tensor.js'
import type { CudaDevice, CudaTensor, DeviceBoxLossOptions, DeviceBoxLossResult, DeviceOut } from './types.js'

const OPTIONS = [...CALL_OPTIONS, 'stream'] as const satisfies (keyof DeviceBoxLossOptions)[]
const OUT_KEYS = [...OUTPUTS, 'invalid'] as const satisfies (keyof DeviceOut)[]
/** Of boxes and their gradients, in bytes: kernels load so many at a time. */
const ALIGNMENT = 16

export function deviceBoxLoss(
  device: CudaDevice,
  name: LossName,
  pred: CudaTensor,
  target: CudaTensor,
  options: DeviceBoxLossOptions = {},
): DeviceBoxLossResult {
  const given = checkKeys('options', options, OPTIONS)
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
  const job = prepareJob(name, pred, target, given, tensorsOf(device), bare(perRow))
  checkJobOverlap(job, overlap)
  const numbers = numbersOf(device, isReduced ? loss : undefined, invalid, job)
  callNative((native) => {
    const handle = (tensor: CudaTensor | undefined): NativeHandle | undefined => tensor && handleOf(tensor, 'tensor')
    native.deviceBoxLoss(
      writeScalars(job, 'cuda', device.index, 1),
      stream,
      handleOf(pred, 'pred'),
      handleOf(target, 'target'),
      handle(job.weight),
      handle(job.gradOutput),
      handle(job.loss),
      handle(job.grad),
      handle(job.gradTarget),
      handle(job.iou),
      handleOf(numbers.loss, 'out.loss'),
      handleOf(numbers.invalid, 'out.invalid'),
    )
  })
  const { grad, gradTarget, iou } = job
  return { loss: job.loss ?? numbers.loss, grad, gradTarget, iou, invalid: numbers.invalid }
}

/** Where the reduced loss and the number of invalid rows go: as given, or to new memory. */
function numbersOf(
  device: CudaDevice,
  loss: CudaTensor | undefined,
  invalid: CudaTensor | undefined,
  job: BoxLossJob<CudaTensor>,
): { loss: CudaTensor; invalid: CudaTensor } {
  const given = { 'out.loss': loss, 'out.invalid': invalid }
  for (const [argument, tensor] of Object.entries(given)) {
    if (tensor === undefined) continue
    checkTensor(argument, tensor, device)
    if (tensor.dtype !== 'float64' || tensor.length !== 1) {
      throw argumentError(argument, 'one number of float64', `${tensor.length} of ${tensor.dtype}`)
    }
  }
  if (loss || invalid) {
    const { pred, target, weight, gradOutput, loss: losses, grad, gradTarget, iou } = job
    const others = { pred, target, weight, gradOutput, loss: losses, grad, gradTarget, iou }
    checkOverlap(Object.keys(given), Object.values(given), Object.keys(others), Object.values(others), overlap)
  }
  if (loss && invalid) return { loss, invalid }
  const both = newTensor(device, 2, 'float64', false)
  const numbers = { loss: loss ?? both.subarray(0, 1), invalid: invalid ?? both.subarray(1, 2) }
  both.dispose()
  return numbers
}

/** Tensors of a device as the arrays of a call. */
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
    checkArray(argument, value, like, length, shape) {
      checkTensor(argument, value, device)
      if (value.dtype !== like.dtype) throw argumentError(argument, `dtype ${like.dtype}, as pred`, value.dtype)
      if (value.length !== length) throw argumentError(argument, `length ${length} (${shape})`, `${value.length}`)
      if (length === like.length) checkAligned(argument, value)
    },
    // Kernels write all of it.
    allocate: (like, length) => newTensor(device, length, like.dtype, false),
    dtypeOf: ({ dtype }) => (dtype === 'float64' ? dtype : 'float32'),
    lengthOf: ({ length }) => length,
  }
}

/** Whether two tensors share memory. */
function overlap(a: CudaTensor, b: CudaTensor): boolean {
  return addressOf(a) < addressOf(b) + b.byteLength && addressOf(b) < addressOf(a) + a.byteLength
}
