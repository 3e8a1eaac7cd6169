import { lossParams } from '../arguments/loss-params.js'
import { LOSSES, type LossName, type LossSpec } from '../core/losses.js'
import { numberOf, UsageError } from './usage.js'

/** The value of alpha without `--alpha`. */
export const DEFAULT_ALPHA = lossParams('sca', {}).alpha

/** Whether a loss uses `--alpha`. */
export function usesAlpha(name: LossName): boolean {
  const { options }: LossSpec = LOSSES[name]
  return options.includes('alpha')
}

/** Reads `--alpha`. Returns undefined if it is not given, and throws if it would change none of the chosen losses. */
export function alphaOf(text: string | undefined, losses: readonly LossName[], known: readonly LossName[]) {
  if (text === undefined) return undefined
  if (!losses.some(usesAlpha)) {
    const having = known.filter(usesAlpha).join(', ')
    throw new UsageError(`--alpha: expected a loss that has it (${having}), got ${losses.join(', ')}`)
  }
  return numberOf('alpha', text, 'a finite number', Number.isFinite)
}
