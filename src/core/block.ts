import { ACTIVATIONS, CODER_KINDS, CODERS } from './coders.js'
import { FORMATS } from './formats.js'
import type { HeadJob } from './head-job.js'
import { type BoxLossJob, givenBits, type PairwiseJob, type Scales } from './job.js'
import { LOSS_NAMES, type LossName, MODES } from './losses.js'

// The numbers of a call travel to the addon and back in one Float64Array, a block, because that takes one call of
// Node-API however many numbers there are. Every call owns its block until it returns, and writes all of its numbers
// into it.

/** The names of the numbers in a block, in the order of `core/block.h`. */
export const FIELDS = [
  'alpha',
  'epsilon',
  'logFloor',
  'power',
  'inner',
  'focal',
  'beta',
  'imageScale',
  'constant',
  'mode',
  'detachAlpha',
  'loss',
  'format',
  'device',
  'threads',
  'similarity',
  'rows',
  'lossScale',
  'gradScale',
  'divisor',
  'arrays',
  'ignoreInvalid',
  'ignoreAll',
  'coder',
  'activation',
  'isYxhw',
  'bins',
  'priorColumns',
  'mean0',
  'mean1',
  'mean2',
  'mean3',
  'std0',
  'std1',
  'std2',
  'std3',
  'minLogSize',
  'maxLogSize',
  'scaleXY',
  'imageWidth',
  'imageHeight',
  'eps',
  'targetClamp',
  'dflLossScale',
  'dflGradScale',
  'priors',
  'resultLoss',
  'resultInvalid',
] as const
export type Field = (typeof FIELDS)[number]

/** The index of each number in a block. */
export const FIELD = Object.fromEntries(FIELDS.map((name, i) => [name, i])) as Record<Field, number>

export type Block = Float64Array<ArrayBuffer>

/** Blocks that no call is using. They are kept because allocating one costs more than a small call. */
const free: Block[] = []

/** Takes a block that holds arbitrary numbers. The call must give it back when it is done. */
export const takeBlock = (): Block => free.pop() ?? new Float64Array(FIELDS.length)
export const giveBack = (block: Block): void => void free.push(block)

const POSITION_OF_LOSS = Object.fromEntries(LOSS_NAMES.map((name, i) => [name, i])) as Record<LossName, number>

/** Writes the numbers of a call of `boxLoss` over arrays of any type. */
export function writeBoxLoss(block: Block, job: BoxLossJob<object>): void {
  writeCommon(block, job)
  writeScales(block, job)
  block[FIELD.arrays] = givenBits(job)
  block[FIELD.ignoreInvalid] = job.onInvalid === 'ignore' ? 1 : 0
}

export function writeScales(block: Block, { lossScale, gradScale, divisor, ignoreAll }: Scales): void {
  block[FIELD.lossScale] = lossScale
  block[FIELD.gradScale] = gradScale
  block[FIELD.divisor] = divisor
  block[FIELD.ignoreAll] = ignoreAll ? 1 : 0
}

export function writePairwise(block: Block, job: PairwiseJob): void {
  writeCommon(block, job)
  block[FIELD.similarity] = job.similarity ? 1 : 0
}

/** Writes the numbers of a call with a coder. */
export function writeHead(block: Block, job: HeadJob): void {
  const { coder, prior } = job
  const columns = prior ? CODERS[coder.kind].prior.length : 0
  writeCommon(block, job)
  writeScales(block, job)
  block[FIELD.ignoreInvalid] = job.onInvalid === 'ignore' ? 1 : 0
  block[FIELD.coder] = CODER_KINDS.indexOf(coder.kind)
  block[FIELD.activation] = ACTIVATIONS.indexOf(coder.activation)
  block[FIELD.isYxhw] = coder.order === 'yxhw' ? 1 : 0
  block[FIELD.bins] = coder.bins
  block[FIELD.priorColumns] = columns
  block.set(coder.means, FIELD.mean0)
  block.set(coder.stds, FIELD.std0)
  block[FIELD.minLogSize] = coder.minLogSize
  block[FIELD.maxLogSize] = coder.maxLogSize
  block[FIELD.scaleXY] = coder.scaleXY
  block[FIELD.imageWidth] = coder.imageWidth
  block[FIELD.imageHeight] = coder.imageHeight
  block[FIELD.eps] = coder.eps
  block[FIELD.targetClamp] = coder.targetClamp
  block[FIELD.dflLossScale] = job.dflLossScale
  block[FIELD.dflGradScale] = job.dflGradScale
  block[FIELD.priors] = prior ? prior.length / columns : 0
}

type Common = Pick<BoxLossJob<object>, 'name' | 'format' | 'params' | 'place'>

function writeCommon(block: Block, { name, format, params, place }: Common): void {
  block[FIELD.alpha] = params.alpha
  block[FIELD.epsilon] = params.epsilon
  block[FIELD.logFloor] = params.logFloor
  block[FIELD.power] = params.power
  block[FIELD.inner] = params.inner
  block[FIELD.focal] = params.focal
  block[FIELD.beta] = params.beta
  block[FIELD.imageScale] = params.imageWidth > 0 ? 1 / Math.hypot(params.imageWidth, params.imageHeight) : 0
  block[FIELD.constant] = params.constant
  block[FIELD.mode] = MODES.indexOf(params.mode)
  block[FIELD.detachAlpha] = params.detachAlpha ? 1 : 0
  block[FIELD.loss] = POSITION_OF_LOSS[name]
  block[FIELD.format] = FORMATS.indexOf(format)
  block[FIELD.device] = place.backend === 'cuda' ? place.device : -1
  block[FIELD.threads] = place.threads
}
