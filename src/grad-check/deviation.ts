/** How far a gradient is from the slopes. Every row is measured in a unit of its own, mostly its largest slope. */

/** The component that is off the most. */
export interface WorstComponent {
  /** In the row's unit. NaN for a gradient that is. */
  error: number
  row: number
  component: number
  analytic: number
  numeric: number
}

/** How far gradients are from the slopes of their loss. */
export interface Deviation {
  worst: WorstComponent
  /** Norm of all errors over the norm of all slopes. */
  relativeL2: number
  /** 1 − cosine of the angle between the two, over all rows. */
  direction: number
  /** Mean error away from 0 or towards it, over the mean size of a component: rounding has no preferred sign. */
  bias: number
}

/** The most of each. */
export interface Bounds {
  /** Of the worst component's error. */
  element: number
  relativeL2: number
  direction: number
  bias: number
}

/** Of no rows at all. */
const NOTHING: WorstComponent = { error: Number.NaN, row: -1, component: -1, analytic: Number.NaN, numeric: Number.NaN }

/** Compares [N, columns] gradients. `units` has the unit of each row, 0 for one that is left out. */
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
      // NaN, once met, stays the worst.
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
  // Where slopes drown in rounding they are far below their unit, and so are errors that are their size.
  return {
    worst: worst ?? NOTHING,
    relativeL2: Math.sqrt(sum.error / Math.max(sum.numeric, sum.rows)),
    direction: Math.max(0, lengths - sum.product) / Math.max(lengths, sum.rows),
    bias: Math.abs(sum.away) / Math.max(sum.size, sum.rows),
  }
}

/** The bounds that are broken, one sentence each. NaN breaks them all. */
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
