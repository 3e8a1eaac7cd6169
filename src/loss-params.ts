import { argumentError, invalidArgument } from './errors.js'
import {
  CONVENTIONS,
  LOSS_OPTIONS,
  LOSSES,
  type LossName,
  type LossOption,
  type LossParams,
  type LossSpec,
  MODES,
} from './losses.js'
import type { LossOptions } from './types.js'
import { checkBoolean, checkFinite, checkOneOf } from './validate.js'

/** eps of the authors' code, https://github.com/Turoad/SCALoss, utils/metrics.py, and of torchvision.ops. */
const CONVENTION_EPSILON = 1e-7

const NO_IMAGE = Number.NaN

/** What each option must be. */
const EXPECTED: Record<LossOption, (argument: string, value: unknown) => void> = {
  alpha: checkFinite,
  mode: (argument, value) => checkOneOf(argument, value, MODES),
  logFloor: checkNumber('a number above 0 and below 1', (x) => x > 0 && x < 1),
  power: checkNumber('a finite number above 0', (x) => x > 0),
  inner: checkNumber('a number above 0 and up to 4', (x) => x > 0 && x <= 4),
  focal: checkNumber('a finite number from 0 on', (x) => x >= 0),
  detachAlpha: checkBoolean,
  beta: checkNumber('a finite number from 0 on', (x) => x >= 0),
  imageWidth: checkNumber('a finite number above 0', (x) => x > 0),
  imageHeight: checkNumber('a finite number above 0', (x) => x > 0),
  constant: checkNumber('a finite number above 0', (x) => x > 0),
}

function checkNumber(expected: string, accepts: (value: number) => boolean) {
  return (argument: string, value: unknown) => {
    if (typeof value !== 'number' || !Number.isFinite(value) || !accepts(value)) {
      throw invalidArgument(argument, expected, value)
    }
  }
}

/** With the convention 'exact'. */
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

/** What changes the plain formula of a loss of the IoU family. */
const MODIFIERS = ['mode', 'power', 'inner', 'focal', 'detachAlpha'] as const satisfies LossOption[]

/** Whether the formula is another one than with the defaults. The addon has faster code for those that are not. */
export function isModified(params: LossParams): boolean {
  return MODIFIERS.some((option) => params[option] !== DEFAULTS[option])
}

/** Checks the options that belong to the loss and fills in the defaults. */
export function lossParams(name: LossName, options: LossOptions): LossParams {
  const spec: LossSpec = LOSSES[name]
  const { convention = 'exact' } = options
  checkOneOf('convention', convention, CONVENTIONS)
  if (convention !== 'exact' && !spec.conventions.includes(convention)) {
    const others = Object.entries<LossSpec>(LOSSES).filter(([, { conventions }]) => conventions.includes(convention))
    throw invalidArgument('convention', `'exact' with ${name}, ('${convention}' is for ${names(others)})`, convention)
  }
  const params = { ...DEFAULTS }
  if (convention === 'official') params.alpha = 1
  if (convention !== 'exact' && name !== 'so') params.epsilon = CONVENTION_EPSILON
  for (const option of LOSS_OPTIONS) {
    const value = options[option]
    if (value === undefined) continue
    EXPECTED[option](option, value)
    if (!spec.options.includes(option) && !Object.is(value, params[option])) {
      const having = Object.entries<LossSpec>(LOSSES).filter(([, { options }]) => options.includes(option))
      throw argumentError(
        option,
        `no value other than the default with ${name} (it is for ${names(having)})`,
        String(value),
      )
    }
    Object.assign(params, { [option]: value })
  }
  checkTogether(name, spec, options, params, convention)
  return params
}

const names = (rows: [string, LossSpec][]) => rows.map(([name]) => name).join(', ')

/** Options that exclude or ask for each other. */
function checkTogether(
  name: LossName,
  spec: LossSpec,
  options: LossOptions,
  params: LossParams,
  convention: string,
): void {
  if (params.power !== 1 && params.mode !== 'linear') {
    throw argumentError('power', `1 with mode '${params.mode}', which has a power of its own`, String(params.power))
  }
  if (options.logFloor !== undefined && params.mode !== 'log' && params.logFloor !== DEFAULTS.logFloor) {
    throw argumentError('logFloor', `to go with mode: 'log'`, String(params.logFloor))
  }
  if (convention === 'torchvision') {
    const modifier = MODIFIERS.find((option) => params[option] !== DEFAULTS[option])
    if (modifier) throw argumentError(modifier, `the default with convention 'torchvision'`, String(params[modifier]))
  }
  for (const option of ['imageWidth', 'imageHeight'] as const) {
    if (spec.options.includes(option) && options[option] === undefined) {
      throw invalidArgument(option, `a number with ${name}: the size of the image that the boxes lie in`, undefined)
    }
  }
}
