import { type Kind, VALID_KINDS } from '../../src/grad-check/pairs.js'

// Random pairs for all tests: the generator of `gradCheck`.
export * from '../../src/grad-check/pairs.js'

/** With pairs that are not valid. */
export const KINDS: readonly Kind[] = [...VALID_KINDS, 'inverted']
