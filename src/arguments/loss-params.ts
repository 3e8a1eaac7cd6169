import { argumentError, invalidArgument, show } from '../core/errors.js'
import {
  CONVENTIONS,
  type Convention,
  LOSS_NAMES,
  LOSS_OPTIONS,
  LOSSES,
  type LossName,
  type LossOption,
  type LossParams,
  type LossSpec,
  MODES,
} from '../core/losses.js'
import type { DType, LossOptions } from '../core/types.js'
import { checkBoolean, checkFinite, checkOneOf, checkRange } from './checks.js'

/** The epsilon of the authors' code (https://github.com/Turoad/SCALoss, utils/metrics.py) and of torchvision.ops. */
const CONVENTION_EPSILON = 1e-7

const NO_IMAGE = Number.NaN

const above0 = checkNumber('a finite number above 0', (x) => x > 0)
const from0 = checkNumber('a finite number from 0 on', (x) => x >= 0)

/** The check of each option. */
const EXPECTED: Record<LossOption, (argument: string, value: unknown) => void> = {
  alpha: checkFinite,
  mode: (argument, value) => checkOneOf(argument, value, MODES),
  logFloor: checkNumber('a number above 0 and below 1', (x) => x > 0 && x < 1),
  power: above0,
  inner: checkNumber('a number above 0 and up to 4', (x) => x > 0 && x <= 4),
  focal: from0,
  detachAlpha: checkBoolean,
  beta: from0,
  imageWidth: above0,
  imageHeight: above0,
  constant: above0,
}

function checkNumber(expected: string, accepts: (value: number) => boolean) {
  return (argument: string, value: unknown) => {
    if (typeof value !== 'number' || !Number.isFinite(value) || !accepts(value)) {
      throw invalidArgument(argument, expected, value)
    }
  }
}

/** The options that must not round to 0 in the dtype of the boxes. */
const POSITIVE: readonly LossOption[] = ['logFloor', 'power', 'inner', 'imageWidth', 'imageHeight', 'constant']

/** The defaults with the convention `'exact'`. */
const DEFAULTS: LossParams = {
  alpha: 0.5,
  epsilon: 0,
  mode: 'linear',
  logFloor: 1e-6,
  power: 1,
  inner: 1,
  focal: 0,
  detachAlpha: true,
  beta: 1,
  imageWidth: NO_IMAGE,
  imageHeight: NO_IMAGE,
  constant: 12.8,
}

/** The options that change the plain formula of a loss of the IoU family. */
const MODIFIERS = ['mode', 'power', 'inner', 'focal', 'detachAlpha'] as const satisfies LossOption[]

/** The parameters of a call without loss options. They are shared because most calls have no such options, and making
 * an object for each call would cost more than all the checks. */
const BASE: Record<Convention, LossParams> = {
  exact: Object.freeze(DEFAULTS),
  official: Object.freeze({ ...DEFAULTS, alpha: 1, epsilon: CONVENTION_EPSILON }),
  torchvision: Object.freeze({ ...DEFAULTS, epsilon: CONVENTION_EPSILON }),
}
/** The parameters of `so` with the convention `'official'`. The authors' code has no epsilon in the side overlap. */
const OFFICIAL_SO: LossParams = Object.freeze({ ...DEFAULTS, alpha: 1 })

const ALL_OPTIONS: ReadonlySet<string> = new Set(LOSS_OPTIONS)
const isLossOption = (key: string): key is LossOption => ALL_OPTIONS.has(key)

/** Checks the options that belong to the loss and fills in the defaults. Numbers must keep their meaning in the
 * dtype. */
export function lossParams(name: LossName, options: LossOptions, dtype?: DType): Readonly<LossParams> {
  const spec: LossSpec = LOSSES[name]
  const { convention = 'exact' } = options
  checkOneOf('convention', convention, CONVENTIONS)
  if (convention !== 'exact' && !spec.conventions.includes(convention)) {
    const others = lossesWhere(({ conventions }) => conventions.includes(convention))
    throw invalidArgument('convention', `'exact' with ${name} ('${convention}' is for ${others})`, convention)
  }
  const base = convention === 'official' && name === 'so' ? OFFICIAL_SO : BASE[convention]
  let params = base
  for (const option in options) {
    if (!isLossOption(option)) continue
    const value = options[option]
    if (value === undefined) continue
    EXPECTED[option](option, value)
    if (dtype && typeof value === 'number') checkInDtype(option, value, dtype)
    if (!spec.options.includes(option) && !Object.is(value, base[option])) {
      const having = lossesWhere((other) => other.options.includes(option))
      throw argumentError(option, `no value but the default with ${name} (it is for ${having})`, show(value))
    }
    params = { ...params, [option]: value }
  }
  if (params !== base || spec.options.includes('imageWidth')) checkTogether(name, spec, params, convention)
  return params
}

function checkInDtype(option: LossOption, value: number, dtype: DType): void {
  checkRange(option, value, dtype, 'a number')
  if (POSITIVE.includes(option) && dtype === 'float32' && Math.fround(value) === 0) {
    throw argumentError(option, 'a number that is not 0 as a float32', show(value))
  }
}

function lossesWhere(is: (spec: LossSpec) => boolean): string {
  return LOSS_NAMES.filter((name) => is(LOSSES[name])).join(', ')
}

/** Checks options that exclude or require each other. */
function checkTogether(name: LossName, spec: LossSpec, params: Readonly<LossParams>, convention: Convention): void {
  if (params.power !== 1 && params.mode !== 'linear') {
    throw argumentError('power', `1 with mode '${params.mode}', which has a power of its own`, show(params.power))
  }
  if (params.mode !== 'log' && params.logFloor !== DEFAULTS.logFloor) {
    throw argumentError('logFloor', `to go with mode: 'log'`, show(params.logFloor))
  }
  if (convention === 'torchvision') {
    const modifier = MODIFIERS.find((option) => params[option] !== DEFAULTS[option])
    if (modifier) throw argumentError(modifier, `the default with convention 'torchvision'`, show(params[modifier]))
  }
  for (const option of ['imageWidth', 'imageHeight'] as const) {
    if (spec.options.includes(option) && Number.isNaN(params[option])) {
      throw invalidArgument(option, `a number with ${name}: the size of the image that the boxes lie in`, undefined)
    }
  }
}
