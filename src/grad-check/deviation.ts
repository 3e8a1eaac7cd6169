/** How far a gradient is from a reference. Every row is measured in units of its reference's largest component. */

/** The component that is off the most. */
export interface WorstComponent {
  /** In units of the largest component of the row's reference. NaN for a gradient that is. */
  error: number
  row: number
  component: number
  analytic: number
  numeric: number
}

export interface Deviation {
  worst: WorstComponent
  /** Norm of all errors over the norm of all references. */
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

/** a / b, where nothing is off by nothing. */
const ratio = (a: number, b: number) => (a === 0 ? 0 : a / b)

/** Compares [N, columns] gradients of the same length, but for the rows in `skip`. */
export function deviationOf(
  analytic: ArrayLike<number>,
  numeric: ArrayLike<number>,
  columns: number,
  skip: ReadonlySet<number>,
): Deviation {
  const sum = { analytic: 0, numeric: 0, product: 0, error: 0, away: 0, size: 0 }
  let worst: WorstComponent = { error: 0, row: 0, component: 0, analytic: 0, numeric: 0 }
  for (let row = 0; row < numeric.length / columns; ++row) {
    if (skip.has(row)) continue
    const components = Array.from({ length: columns }, (_, k) => columns * row + k)
    const unit = Math.max(...components.map((j) => Math.abs(numeric[j]))) || 1
    for (const j of components) {
      const [a, n] = [analytic[j] / unit, numeric[j] / unit]
      const error = Math.abs(a - n)
      // NaN, once met, stays the worst.
      if (error > worst.error || (Number.isNaN(error) && !Number.isNaN(worst.error))) {
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
  return {
    worst,
    relativeL2: Math.sqrt(ratio(sum.error, sum.numeric)),
    direction: sum.error === 0 ? 0 : 1 - ratio(sum.product, lengths),
    bias: Math.abs(ratio(sum.away, sum.size)),
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
