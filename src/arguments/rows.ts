import { isValidBox, readCorners } from '../core/boxes.js'
import { argumentError, ScaLossError } from '../core/errors.js'
import type { Format } from '../core/formats.js'
import type { BoxLossJob } from '../core/job.js'
import { LOSSES, type LossName } from '../core/losses.js'
import type { FloatArray } from '../core/types.js'

// Checks the rows of a call with `onInvalid: 'throw'`, before anything is computed.

/** Checks everything in the first `rows` rows that would make a NaN. Rows of weight 0 are skipped, because they count 0
 * whatever they hold. */
export function checkRows(job: BoxLossJob, rows: number): void {
  for (let i = 0; i < rows; ++i) {
    if (job.weight?.[i] === 0) continue
    checkBox('pred', job.pred, i, job)
    checkBox('target', job.target, i, job)
    checkFactors(job, i)
  }
}

/** Throws if the weight or the upstream gradient of row i is not finite. */
export function checkFactors(job: Pick<BoxLossJob, 'weight' | 'gradOutput'>, i: number): void {
  for (const argument of ['weight', 'gradOutput'] as const) {
    const value = job[argument]?.[i]
    if (value === undefined || Number.isFinite(value)) continue
    throw argumentError(argument, "finite numbers with onInvalid: 'throw'", `${value} in row ${i}`)
  }
}

/** Throws if the box in row i is not one that the loss accepts. */
export function checkBox(
  argument: string,
  boxes: FloatArray,
  i: number,
  call: { name: LossName; format: Format },
): void {
  const { axes, ordered } = LOSSES[call.name]
  if (isValidBox(readCorners(boxes, i, call.format, axes), ordered)) return
  const order = ordered ? ` with x1 <= x2 and y1 <= y2${axes === 3 ? ' and z1 <= z2' : ''}` : ''
  const numbers = boxes.subarray(2 * axes * i, 2 * axes * (i + 1)).join(', ')
  throw new ScaLossError(
    'ERR_SCALOSS_INVALID_BOX',
    `${argument}: row ${i} is not a finite box${order}: [${numbers}] as '${call.format}'`,
  )
}
