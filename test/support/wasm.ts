import type { DType, FloatArray, LossName } from '../../src/index.js'
import { KINDS, mulberry32, randomPairs } from './random.js'

// Inputs of the WebAssembly tests.
export const DTYPES: DType[] = ['float32', 'float64']
export const FLOATS = { float32: Float32Array, float64: Float64Array }
export const LOSS_OF = { 2: 'ciou', 3: 'sca3' } satisfies Record<2 | 3, LossName>
export const CONFIGURATIONS = DTYPES.flatMap((dtype) => ([2, 3] as const).map((axes) => ({ dtype, axes })))
export const EVERYTHING = { gradTarget: true, iou: true } as const

/** Draws pairs of which every fifth is inverted, so not valid. */
export const pairs = (dtype: DType, n: number, axes: 2 | 3 = 2, seed = n) =>
  randomPairs(FLOATS[dtype], n, { seed, kinds: KINDS, axes })

/** Draws one number per row. */
export function perRow(dtype: DType, n: number, seed: number): FloatArray {
  const random = mulberry32(seed)
  return new FLOATS[dtype](n).map(() => (random() < 0.1 ? 0 : 2 * random() - 0.5))
}

/** All numbers of an array as bytes, with every NaN in the same form. */
export const bytesOf = (array: FloatArray) =>
  Buffer.from(array.map((x) => (Number.isNaN(x) ? Number.NaN : x)).buffer as ArrayBuffer)
