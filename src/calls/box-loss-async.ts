import { overlap } from '../arguments/arrays.js'
import { OPTIONS, prepare } from '../arguments/job.js'
import { readOptions } from '../arguments/options.js'
import type { NoOptions, OptionsArgument } from '../core/checked-options.js'
import { argumentError, invalidArgument } from '../core/errors.js'
import { inLaterTurn } from '../core/host.js'
import { type BoxLossJob, INPUTS, NOTHING, RESULTS, type Summary } from '../core/job.js'
import type { LossName } from '../core/losses.js'
import type { BoxLossOptions, BoxLossResult, FloatArray, SameDType, Untold } from '../core/types.js'
import { Staging } from '../memory/staging.js'
import { nativeBoxLoss, nativeBoxLossAsync } from '../native/call.js'
import { runBoxLoss } from './run.js'

/** Options of `boxLossAsync`: those of `boxLoss`, plus `signal`. */
export interface AsyncBoxLossOptions<A extends FloatArray = Untold> extends BoxLossOptions<A> {
  /** Once this signal is aborted, the promise is rejected with its reason, and nothing is written to `out`. */
  signal?: AbortSignal | undefined
}

const ASYNC_OPTIONS = ['signal', ...OPTIONS]

/** The arrays that pending calls will write to. */
const awaited = new Set<FloatArray>()

/**
 * Computes `boxLoss` on another thread.
 *
 * Calls on the CPU of up to 16,384 boxes (10,922 with three axes) are computed before it returns, because handing them
 * over would take longer. The backends `wasm` and `js` have no other thread and compute in a later turn of the event
 * loop.
 *
 * Inputs are copied before the call returns, so they may be changed at once. Arrays of `out` are written when the
 * promise is fulfilled. Do not use them until then.
 *
 * @param name the loss. docs/losses.md has the formula, the source and the options of each.
 * @param pred [N, 4] predicted boxes, as for `boxLoss`.
 * @param target target boxes with the dtype and length of `pred`.
 * @returns a promise of the result of `boxLoss`. It is rejected with any error that `boxLoss` would throw. It is also
 *   rejected if an array of `out` overlaps one of another pending call or is transferred during the call.
 */
export function boxLossAsync<
  L extends LossName,
  A extends FloatArray,
  const O extends AsyncBoxLossOptions<SameDType<A>> = NoOptions,
>(
  name: L,
  pred: A,
  target: SameDType<A>,
  ...options: OptionsArgument<O, AsyncBoxLossOptions<SameDType<A>>, L>
): Promise<BoxLossResult<A, O>>
export async function boxLossAsync(
  name: LossName,
  pred: FloatArray,
  target: FloatArray,
  options: AsyncBoxLossOptions = {},
): Promise<BoxLossResult> {
  const { signal, ...rest } = readOptions<AsyncBoxLossOptions>('options', options, ASYNC_OPTIONS)
  // Not by instanceof, which fails for a signal from another realm or a polyfill.
  if (signal !== undefined && Object.prototype.toString.call(signal) !== '[object AbortSignal]') {
    throw invalidArgument('signal', 'an AbortSignal', signal)
  }
  signal?.throwIfAborted()
  if (rest.out !== undefined) rest.out = readOptions('out', rest.out, RESULTS)
  const job = prepare(name, pred, target, rest)
  const { backend } = job.place
  const out = RESULTS.flatMap((member) => {
    const array = rest.out?.[member]
    return array ? [{ member, array }] : []
  })
  for (const { member, array } of out) {
    for (const other of awaited) {
      if (!overlap(array, other)) continue
      throw argumentError(`out.${member}`, 'memory that no other call under way writes to', 'an overlap')
    }
  }
  const atOnce = backend === 'cpu' && job.pred.length <= AT_ONCE
  const inputs = atOnce ? [] : INPUTS.flatMap((member) => job[member] ?? [])
  const staging = new Staging([...inputs, ...out.map(({ array }) => array)])
  // The thread works on copies, so that no array it uses can be changed or transferred meanwhile. Results that have no
  // array in `out` are already new arrays.
  const own = { ...job }
  if (!atOnce) for (const member of INPUTS) if (job[member]) own[member] = staging.copy(job[member])
  for (const { member, array } of out) {
    own[member] = staging.copy(array, false)
    awaited.add(array)
  }
  const computed = compute(own, atOnce)
  try {
    const { loss: sum, invalid } = await untilAborted(computed, signal)
    for (const { member, array } of out) {
      const result = own[member] as FloatArray
      if (array.length !== result.length) {
        throw argumentError(`out.${member}`, 'the memory that was given', 'none: it was transferred during the call')
      }
      array.set(result)
    }
    const { loss = sum, grad, gradTarget, iou } = job
    return { loss, grad, gradTarget, iou, invalid, backend }
  } finally {
    for (const { array } of out) awaited.delete(array)
    // An aborted call goes on computing in its copies.
    const release = () => staging.release()
    computed.then(release, release)
  }
}

/** The length of `pred` up to which computing a call on this thread takes less of its time than copying the arrays and
 * handing them over. */
const AT_ONCE = 4 * 16384

async function compute(job: BoxLossJob, atOnce: boolean): Promise<Summary> {
  if (job.pred.length === 0) return NOTHING
  if (atOnce) return nativeBoxLoss({ ...job, place: { ...job.place, threads: 1 } })
  const { backend } = job.place
  if (backend === 'cuda' || backend === 'cpu') return nativeBoxLossAsync(job)
  // The other backends have no other thread, so they run in a later turn of the event loop.
  return new Promise((resolve) => inLaterTurn(() => resolve(runBoxLoss(job))))
}

/** Settles as the promise does, or rejects with the reason of the signal once it is aborted. */
function untilAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return promise
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason)
    signal.addEventListener('abort', abort, { once: true })
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort))
  })
}
