import type { DType } from './types.js'

/** All values of `DType`, to check the option `dtype` against. */
export const DTYPES = ['float32', 'float64'] as const satisfies DType[]
