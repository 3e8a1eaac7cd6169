import {
  type Boxes,
  type PairOptions as Drawn,
  randomPairs as drawPairs,
  PLACES,
  type Place,
} from '../../src/grad-check/pairs.js'

// Random pairs for all tests: the generator of `gradCheck`, and pairs that are not valid.
export { type Boxes, mapRows, mulberry32, toFormat } from '../../src/grad-check/pairs.js'

const PLACE = {
  ...PLACES,
  inverted: (u, a, b) => [b + u(-0.4, 0.4) * (b - a), a + u(-0.4, 0.4) * (b - a)],
} satisfies Record<string, Place>

/** How prediction and target of a pair lie to each other; `inverted` has x2 < x1 and y2 < y1 in the prediction. */
export type Kind = keyof typeof PLACE
export const VALID_KINDS: readonly Kind[] = ['overlap', 'disjoint', 'nested', 'near']
/** With pairs that are not valid. */
export const KINDS: readonly Kind[] = [...VALID_KINDS, 'inverted']

export interface PairOptions extends Partial<Omit<Drawn, 'places'>> {
  /** Row i is of kind i modulo their number. */
  kinds?: readonly Kind[]
}

export function randomPairs(
  Boxes: Boxes,
  n: number,
  { seed = 1, kinds = VALID_KINDS, step = 0, axes = 2 }: PairOptions = {},
) {
  return drawPairs(Boxes, n, { seed, places: kinds.map((kind) => PLACE[kind]), step, axes })
}
