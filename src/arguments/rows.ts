import { isValidBox, readCorners } from '../core/boxes.js'
import { argumentError, ScaLossError } from '../core/errors.js'
import type { BoxLossJob } from '../core/job.js'
import { LOSSES } from '../core/losses.js'

/** `onInvalid: 'throw'`: looks at the first so many rows of all that makes NaN before anything is written. Rows of weight 0 count 0,
 * whatever is in them. */
export function checkRows(job: BoxLossJob, rows: number): void {
  const { axes } = LOSSES[job.name]
  const columns = 2 * axes
  for (let i = 0; i < rows; ++i) {
    if (job.weight?.[i] === 0) continue
    for (const argument of ['pred', 'target'] as const) {
      const boxes = job[argument]
      if (isValidBox(readCorners(boxes, i, job.format, axes))) continue
      throw new ScaLossError(
        'ERR_SCALOSS_INVALID_BOX',
        `${argument}: row ${i} is not a finite box with x1 <= x2 and y1 <= y2${axes === 3 ? ' and z1 <= z2' : ''}: ` +
          `[${boxes.subarray(columns * i, columns * (i + 1)).join(', ')}] as '${job.format}'`,
      )
    }
    for (const argument of ['weight', 'gradOutput'] as const) {
      const value = job[argument]?.[i]
      if (value === undefined || Number.isFinite(value)) continue
      throw argumentError(argument, "finite numbers with onInvalid: 'throw'", `${value} in row ${i}`)
    }
  }
}
