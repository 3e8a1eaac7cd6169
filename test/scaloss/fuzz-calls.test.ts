import fc from 'fast-check'
import { it } from 'vitest'
import { agree, calls } from '../fuzz/calls.js'

// FUZZ_RUNS sets the number of calls, which are then different each time (npm run fuzz).
const { FUZZ_RUNS } = process.env

it('calls of every kind: the result of the reference, or its error, and no other memory changed', async () => {
  const plan = FUZZ_RUNS ? { numRuns: Number(FUZZ_RUNS) } : { numRuns: 3000, seed: 1 }
  await fc.assert(fc.asyncProperty(calls, agree), plan)
})
