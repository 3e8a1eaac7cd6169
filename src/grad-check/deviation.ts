/** Measures how far a gradient is from the slopes. Each row is measured in its unit, which is mostly its largest
 * slope. */

/** The gradient component with the largest error. */
export interface WorstComponent {
  /** The error in the unit of the row. It is NaN if the gradient is. */
  error: number
  /** The index of the pair. */
  row: number
  /** The index of the component in the row. */
  component: number
  /** The component of the analytic gradient. */
  analytic: number
  /** The slope of the loss by differences. */
  numeric: number
}

/** How far gradients are from the slopes of their loss. */
export interface Deviation {
  /** The component with the largest error. */
  worst: WorstComponent
  /** The norm of all errors divided by the norm of all slopes. */
  relativeL2: number
  /** 1 − cosine of the angle between gradients and slopes, over all rows. */
  direction: number
  /** The absolute mean of the errors, counted positive away from 0, divided by the mean size of a component. Rounding
   * has no preferred sign, so a large bias is not rounding. */
  bias: number
}

/** The largest allowed values of a `Deviation`. */
export interface Bounds {
  /** The largest error of a component, in the unit of its row. */
  element: number
  /** The largest `relativeL2`. */
  relativeL2: number
  /** The largest `direction`. */
  direction: number
  /** The largest `bias`. */
  bias: number
}

/** The worst component of no rows. */
const NOTHING: WorstComponent = { error: Number.NaN, row: -1, component: -1, analytic: Number.NaN, numeric: Number.NaN }

/** Compares [N, columns] gradients. `units` has the unit of each row, or 0 for a row that is left out. */
export function deviationOf(
  analytic: ArrayLike<number>,
  numeric: ArrayLike<number>,
  units: ArrayLike<number>,
): Deviation {
  const columns = numeric.length / units.length
  const sum = { rows: 0, analytic: 0, numeric: 0, product: 0, error: 0, away: 0, size: 0 }
  let worst: WorstComponent | undefined
  for (let row = 0; row < units.length; ++row) {
    if (units[row] === 0) continue
    ++sum.rows
    for (let j = columns * row; j < columns * (row + 1); ++j) {
      const [a, n] = [analytic[j] / units[row], numeric[j] / units[row]]
      const error = Math.abs(a - n)
      // Once a NaN is found, it stays the worst.
      if (!worst || error > worst.error || (Number.isNaN(error) && !Number.isNaN(worst.error))) {
        worst = { error, row, component: j % columns, analytic: analytic[j], numeric: numeric[j] }
      }
      sum.analytic += a * a
      sum.numeric += n * n
      sum.product += a * n
      sum.error += error * error
      sum.away += (a - n) * Math.sign(n)
      sum.size += Math.abs(n)
    }
  }
  const lengths = Math.sqrt(sum.analytic * sum.numeric)
  // A sum of slopes counts as at least one per row. Where slopes drown in rounding, they are far below their unit, and
  // so are errors of the same size.
  return {
    worst: worst ?? NOTHING,
    relativeL2: Math.sqrt(sum.error / Math.max(sum.numeric, sum.rows)),
    direction: Math.max(0, lengths - sum.product) / Math.max(lengths, sum.rows),
    bias: Math.abs(sum.away) / Math.max(sum.size, sum.rows),
  }
}

/** Describes the bounds that are exceeded, one sentence each. NaN exceeds them all. */
export function faultsOf({ worst, relativeL2, direction, bias }: Deviation, bounds: Bounds): string[] {
  const at = ` (row ${worst.row}, component ${worst.component}: ${worst.analytic} for ${worst.numeric})`
  const measured: [name: keyof Bounds, value: number, where: string][] = [
    ['element', worst.error, at],
    ['relativeL2', relativeL2, ''],
    ['direction', direction, ''],
    ['bias', bias, ''],
  ]
  return measured
    .filter(([name, value]) => !(value <= bounds[name]))
    .map(([name, value, where]) => `${name}: ${value} > ${bounds[name]}${where}`)
}
