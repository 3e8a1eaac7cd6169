import { lossParams } from '../../src/arguments/loss-params.js'
import type { Corners } from '../../src/core/boxes.js'
import {
  type Convention,
  LOSS_NAMES,
  LOSSES,
  type LossName,
  type LossOption,
  type LossParams,
  type LossSpec,
} from '../../src/core/losses.js'
import type { LossOptions } from '../../src/core/types.js'
import { evaluatePair } from '../../src/reference/formulas.js'
import { KINDS, type Kind, randomPairs } from './random.js'

// Losses with options, and pairs of boxes for them, one at a time as the reference takes them.

export interface Variant {
  name: LossName
  label: string
  /** As a caller gives them, those that the loss demands too. */
  options: LossOptions
  params: LossParams
}

const specOf = (name: LossName): LossSpec => LOSSES[name]
const having = (option: LossOption) => LOSS_NAMES.filter((name) => specOf(name).options.includes(option))

/** What a loss does not work without. */
export const demanded = (name: LossName): LossOptions =>
  specOf(name).required.length > 0 ? { imageWidth: 640, imageHeight: 480 } : {}

/** The function of a loss by its own name: `iouCdLoss` of `iou_cd`. */
export const functionOf = (name: LossName) =>
  `${name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase())}Loss`

export function variant(name: LossName, options: LossOptions = {}): Variant {
  const label = [name, ...Object.entries(options).map(([key, value]) => `${key} ${value}`)].join(', ')
  const all = { ...demanded(name), ...options }
  return { name, label, options: all, params: lossParams(name, all) }
}

export const PLAIN = LOSS_NAMES.map((name) => variant(name))
export const IOU_FAMILY = having('mode')

/** Every loss with every option that changes its formula, but for the convention. */
export const EXACT: Variant[] = [
  ...PLAIN,
  ...IOU_FAMILY.flatMap((name) => [
    variant(name, { mode: 'square' }),
    variant(name, { mode: 'log' }),
    variant(name, { inner: 0.7 }),
    variant(name, { inner: 1.25 }),
    variant(name, { focal: 0.5 }),
  ]),
  ...having('power').flatMap((name) => [variant(name, { power: 3 }), variant(name, { power: 0.5 })]),
  ...having('alpha').map((name) => variant(name, { alpha: 2 })),
  ...having('detachAlpha').flatMap((name) => [
    variant(name, { detachAlpha: false }),
    variant(name, { detachAlpha: false, power: 3, inner: 0.7 }),
  ]),
  ...having('beta').flatMap((name) => [variant(name, { beta: 4 }), variant(name, { beta: 0 })]),
  ...having('constant').map((name) => variant(name, { constant: 100 })),
]
const withConvention = (convention: Convention) =>
  LOSS_NAMES.filter((name) => specOf(name).conventions.includes(convention)).map((name) =>
    variant(name, { convention }),
  )
export const OTHER_CONVENTIONS = [...withConvention('official'), ...withConvention('torchvision')]
export const ALL = [...EXACT, ...OTHER_CONVENTIONS]

/** Several options at once, and values far from the usual ones. */
export const TOGETHER: Variant[] = [
  ...IOU_FAMILY.flatMap((name) => [
    variant(name, { mode: 'log', logFloor: 0.25, inner: 0.5, focal: 2 }),
    variant(name, { mode: 'square', inner: 4, focal: 0.1 }),
  ]),
  ...having('power').map((name) => variant(name, { power: 12.5, inner: 0.01, focal: 3 })),
  ...having('alpha').map((name) => variant(name, { alpha: -3 })),
  ...having('detachAlpha').map((name) => variant(name, { detachAlpha: false, mode: 'log', focal: 1 })),
  ...having('beta').map((name) => variant(name, { beta: 1e30 })),
  ...having('constant').map((name) => variant(name, { constant: 1e-3 })),
  ...having('imageWidth').map((name) => variant(name, { imageWidth: 1e-3, imageHeight: 1e-6 })),
]

export const axesOf = ({ name }: Variant) => LOSSES[name].axes

export interface Pair {
  pred: Corners
  target: Corners
}

/** Row i of [N, 4]. */
export const row = (boxes: ArrayLike<number>, i: number) => Array.from({ length: 4 }, (_, k) => boxes[4 * i + k])

/** Pairs of one kind; the third axis of boxes in three dimensions is the first of another pair. */
export function pairsOf(axes: 2 | 3, kind: Kind, n: number, step = 0): Pair[] {
  const { pred, target } = randomPairs(Float64Array, 2 * n, { seed: 70 + KINDS.indexOf(kind), kinds: [kind], step })
  return Array.from({ length: n }, (_, i) => {
    const box = (boxes: ArrayLike<number>) => {
      const [x1, y1, x2, y2] = row(boxes, i)
      const [z1, , z2] = row(boxes, n + i)
      return axes === 2 ? [x1, y1, x2, y2] : [x1, y1, z1, x2, y2, z2]
    }
    return { pred: box(pred), target: box(target) }
  })
}

export const mapPair = ({ pred, target }: Pair, map: (x: number, k: number) => number): Pair => ({
  pred: pred.map(map),
  target: target.map(map),
})

export const evaluate = ({ name, params }: Variant, { pred, target }: Pair) => evaluatePair(name, pred, target, params)

/** All derivatives in a row. */
export const slopesOf = (v: Variant, pair: Pair) => {
  const { grad, gradTarget } = evaluate(v, pair)
  return [...grad, ...gradTarget]
}

/** The loss and all derivatives. */
export const valuesOf = (v: Variant, pair: Pair) => [evaluate(v, pair).loss, ...slopesOf(v, pair)]

/** Largest error in units of the largest expected number. */
export function errorOf(actual: readonly number[], expected: readonly number[]): number {
  const unit = Math.max(...expected.map(Math.abs)) || 1
  return Math.max(...actual.map((a, i) => Math.abs(a - expected[i]) / unit))
}
