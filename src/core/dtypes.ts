import type { DType } from './types.js'

/** Every `DType`, as options take it. */
export const DTYPES = ['float32', 'float64'] as const satisfies DType[]
