import { overlap } from '../arguments/arrays.js'
import { OPTIONS, prepare } from '../arguments/job.js'
import { readOptions } from '../arguments/options.js'
import type { NoOptions, OptionsArgument } from '../core/checked-options.js'
import { argumentError, invalidArgument } from '../core/errors.js'
import { type BoxLossJob, INPUTS, NOTHING, RESULTS, type Summary } from '../core/job.js'
import type { LossName } from '../core/losses.js'
import type { BoxLossOptions, BoxLossResult, FloatArray, SameDType, Untold } from '../core/types.js'
import { Staging } from '../memory/staging.js'
import { nativeBoxLoss, nativeBoxLossAsync } from '../native/call.js'
import { jsBoxLoss } from '../reference/run.js'

/** Those of `boxLoss`, and a signal. */
export interface AsyncBoxLossOptions<A extends FloatArray = Untold> extends BoxLossOptions<A> {
  /** Rejects the promise with its reason once it is aborted; nothing is written to `out` then. */
  signal?: AbortSignal | undefined
}

const ASYNC_OPTIONS = ['signal', ...OPTIONS]

/** Arrays that calls under way will write to. */
const awaited = new Set<FloatArray>()

/**
 * `boxLoss` off the main thread, but for calls of up to 16,384 boxes (of three axes 10,922) on the CPU, which are computed before it
 * returns: to hand them over takes longer. The backend `js` computes in a later turn of the main thread, there is no other. Inputs are
 * copied before it returns, so they can be changed at once; arrays of `out` are written when the promise is fulfilled, and are
 * the call's until then.
 *
 * @returns a promise; what `boxLoss` would throw, it is rejected with. An array of `out` that overlaps one of another call under
 *   way, or that is transferred meanwhile, is an error, too.
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
  if (signal !== undefined && !(signal instanceof AbortSignal)) {
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
  // None of the arrays of the call itself can be changed or transferred under the thread that works on it. Results that the
  // caller has no array for are in new ones already.
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
    // An aborted call goes on in its copies.
    const release = () => staging.release()
    computed.then(release, release)
  }
}

/** Numbers of `pred` up to which a call on the CPU takes less of this thread's time than to copy its arrays and hand it over. */
const AT_ONCE = 4 * 16384

async function compute(job: BoxLossJob, atOnce: boolean): Promise<Summary> {
  if (job.pred.length === 0) return NOTHING
  if (atOnce) return nativeBoxLoss({ ...job, place: { ...job.place, threads: 1 } })
  if (job.place.backend !== 'js') return nativeBoxLossAsync(job)
  // In a later turn of this thread: js has no other.
  return new Promise((resolve) => setImmediate(() => resolve(jsBoxLoss(job))))
}

/** What the promise gives, or the reason of the signal once it is aborted. */
function untilAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return promise
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason)
    signal.addEventListener('abort', abort, { once: true })
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort))
  })
}
