import {
  ACTIVATIONS,
  CODER_KINDS,
  CODERS,
  type CoderKind,
  type CoderOptions,
  type CoderParams,
  MOST_BINS,
} from '../core/coders.js'
import { argumentError, invalidArgument, show } from '../core/errors.js'
import { checkFinite, checkItems, checkOneOf } from './checks.js'
import { readOptions } from './options.js'

// Checks the options of boxCoder.

const isPositive = (value: unknown) => typeof value === 'number' && value > 0 && Number.isFinite(value)

function checkPositive(argument: string, value: unknown): void {
  if (!isPositive(value)) throw invalidArgument(argument, 'a finite number above 0', value)
}

function checkList(argument: string, value: unknown, length: number, what: string, holds: (item: unknown) => boolean) {
  checkItems(argument, `an array of ${length} ${what}`, value, holds)
  if ((value as unknown[]).length !== length) throw invalidArgument(argument, `an array of ${length} ${what}`, value)
}

/** Checks a number that may be infinite. */
function checkNumber(argument: string, value: unknown): void {
  if (typeof value !== 'number' || Number.isNaN(value)) throw invalidArgument(argument, 'a number', value)
}

const ALL_OPTIONS = [...new Set(CODER_KINDS.flatMap((kind) => CODERS[kind].options))]

/** Checks the options of a coder, and fills in those of a preset and the defaults. */
export function coderParams(kind: CoderKind, options: CoderOptions, preset: CoderOptions = {}): CoderParams {
  const own = readOptions<CoderOptions>('options', options, ALL_OPTIONS)
  const given: CoderOptions = { ...preset, ...own }
  for (const option of ALL_OPTIONS) {
    if (given[option] === undefined || CODERS[kind].options.includes(option)) continue
    const having = CODER_KINDS.filter((other) => CODERS[other].options.includes(option)).join(', ')
    throw argumentError(option, `no value with '${kind}' (it is for ${having})`, show(given[option]))
  }
  const {
    means = [0, 0, 0, 0],
    stds = [1, 1, 1, 1],
    order = 'xywh',
    minLogSize = Number.NEGATIVE_INFINITY,
    maxLogSize = Math.log(1000 / 16),
    scaleXY = 1,
    activation = 'exp',
    bins = 16,
    imageWidth = 1,
    imageHeight = 1,
    eps = 1e-5,
  } = given
  checkList('means', means, 4, 'finite numbers', Number.isFinite)
  checkList('stds', stds, 4, 'finite numbers above 0', isPositive)
  checkOneOf('order', order, ['xywh', 'yxhw'])
  checkNumber('minLogSize', minLogSize)
  checkNumber('maxLogSize', maxLogSize)
  if (!(minLogSize <= maxLogSize)) {
    throw argumentError('minLogSize', `a number up to maxLogSize, which is ${maxLogSize}`, String(minLogSize))
  }
  checkPositive('scaleXY', scaleXY)
  checkOneOf('activation', activation, ACTIVATIONS)
  if (!Number.isInteger(bins) || bins < 2 || bins > MOST_BINS) {
    throw invalidArgument('bins', `a whole number from 2 to ${MOST_BINS}`, bins)
  }
  const { project = kind === 'dfl' ? Array.from({ length: bins }, (_, bin) => bin) : [] } = given
  if (kind === 'dfl') checkList('project', project, bins, 'finite numbers, one per bin', Number.isFinite)
  if (given.project !== undefined && given.targetClamp !== undefined) {
    throw argumentError(
      'targetClamp',
      'no value with project: the bins then have no two-bin loss',
      show(given.targetClamp),
    )
  }
  const { targetClamp = bins - 1.01 } = given
  if (!(typeof targetClamp === 'number' && targetClamp >= 0 && targetClamp <= bins - 1)) {
    throw invalidArgument('targetClamp', `a number from 0 to ${bins - 1}, the last bin`, targetClamp)
  }
  checkPositive('imageWidth', imageWidth)
  checkPositive('imageHeight', imageHeight)
  checkFinite('eps', eps)
  if (!(eps > 0 && eps < 0.5)) throw invalidArgument('eps', 'a number above 0 and below 0.5', eps)
  return {
    kind,
    means: [...means],
    stds: [...stds],
    order,
    minLogSize,
    maxLogSize,
    scaleXY,
    activation,
    bins: kind === 'dfl' ? bins : 0,
    project: [...project],
    targetClamp,
    imageWidth,
    imageHeight,
    eps,
  }
}
