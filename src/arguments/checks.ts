import { argumentError, invalidArgument, show } from '../core/errors.js'
import { FORMATS } from '../core/formats.js'
import type { DType } from '../core/types.js'

// Checks of single values. The error of each names the argument, what was expected and what was given.

/** The formats of boxes with three axes. `yxyx` is not defined for them. */
const FORMATS_3D = FORMATS.filter((format) => format !== 'yxyx')

export function checkBoolean(argument: string, value: unknown): void {
  if (typeof value !== 'boolean') throw invalidArgument(argument, 'true or false', value)
}

export function checkOneOf(argument: string, value: unknown, allowed: readonly string[]): void {
  if (!(allowed as readonly unknown[]).includes(value)) {
    throw invalidArgument(argument, `one of ${allowed.map((name) => `'${name}'`).join(', ')}`, value)
  }
}

export function checkFormat(value: unknown, axes: 2 | 3): void {
  checkOneOf('format', value, axes === 2 ? FORMATS : FORMATS_3D)
}

export function checkFinite(argument: string, value: unknown): void {
  if (typeof value !== 'number' || !Number.isFinite(value)) throw invalidArgument(argument, 'a finite number', value)
}

/** Checks that a value is an array whose items all pass `holds`. A hole counts as undefined; `every` would skip it. */
export function checkItems(
  argument: string,
  expected: string,
  value: unknown,
  holds: (item: unknown) => boolean,
): void {
  if (!Array.isArray(value)) throw invalidArgument(argument, expected, value)
  const wrong = [...value].findIndex((item) => !holds(item))
  if (wrong >= 0) throw argumentError(argument, expected, `${show(value[wrong])} at [${wrong}]`)
}

/** Checks that a number is still finite in the dtype, because an infinite factor would turn every 0 into NaN. `what`
 * describes the number in words. */
export function checkRange(argument: string, value: number, dtype: DType, what: string): void {
  if (Number.isFinite(dtype === 'float32' ? Math.fround(value) : value)) return
  throw argumentError(argument, `${what} within the range of ${dtype}`, String(value))
}

/** Checks that a value is a whole number from `least` to below 2^40. */
export function checkCount(argument: string, value: unknown, least: number): asserts value is number {
  if (!Number.isInteger(value) || (value as number) < least || (value as number) >= 2 ** 40) {
    throw invalidArgument(argument, `a whole number from ${least} to below 2^40`, value)
  }
}
