import { quantile, quartiles } from '../support.mjs'

// All variants of a group take turns in every round, so that a machine that slows down for a while slows down all of
// them, and ratios are taken within rounds.

/**
 * @typedef {object} Variant
 * @property {object} is What it is, for its row.
 * @property {() => unknown} call
 * @property {boolean} [awaited] A call ends when its promise is settled.
 * @property {() => unknown} [select] Puts a SIMD level or a backend in force.
 * @property {Record<string, Variant>} [against] Others of the group to compare with.
 * @property {Record<string, Variant>} [beyond] Others to take the difference to.
 * @typedef {object} Effort
 * @property {number} rounds
 * @property {number} timing Milliseconds of one timing: as many calls as fit, so that the clock's own cost vanishes.
 * @property {number} most Milliseconds of all timings of a variant: a slow one takes part in fewer rounds, but at
 *   least in three.
 * @typedef {object} Timing
 * @property {ReturnType<typeof quartiles>} ns Nanoseconds an item.
 * @property {number} rounds
 * @property {Record<string, number>} times How many times as long each of `against` takes: above 1, this one is faster.
 * @property {Record<string, number>} adds How many nanoseconds a call takes longer than each of `beyond`.
 */

const LEAST_ROUNDS = 3
/** Nanoseconds. A call as long as that needs no other one to warm the caches. */
const LONG = 1e7

/**
 * @template {Variant} V
 * @param {V[]} variants
 * @param {number} items Boxes, or whatever the times are divided by, of a call.
 * @param {Effort} effort
 * @returns {Promise<(V['is'] & Timing)[]>}
 */
export async function takeTurns(variants, items, effort) {
  /** @type {(Awaited<ReturnType<typeof prepare>> & { variant: V })[]} */
  const runs = []
  for (const variant of variants) runs.push({ ...(await prepare(variant, effort)), variant })
  for (let round = 0; round < effort.rounds; round++)
    for (let turn = 0; turn < runs.length; turn++) {
      const run = runs[(round + turn) % runs.length] // another one begins each round
      if (round % run.every !== 0) continue
      const { variant, calls, long } = run
      await variant.select?.()
      if (!long) await clock(variant, 1)
      run.times[round] = (await clock(variant, calls)) / calls
    }

  /** @type {(variant: Variant) => number[]} */
  const timesOf = (variant) => {
    const run = runs.find((run) => run.variant === variant)
    if (!run) throw new Error(`${JSON.stringify(variant.is)} is not in its group`)
    return run.times
  }
  return runs.map(({ variant, times }) => {
    const own = times.filter((time) => time !== undefined)
    const { median, q1, q3 } = quartiles(own)
    /**
     * @param {Record<string, Variant>} others
     * @param {(other: number, own: number) => number} of
     */
    const compare = (others, of) =>
      Object.fromEntries(
        Object.entries(others).map(([name, other]) => [name, medianOfRounds(timesOf(other), times, of)]),
      )
    return {
      ...variant.is,
      ns: { median: median / items, q1: q1 / items, q3: q3 / items },
      rounds: own.length,
      times: compare(variant.against ?? {}, (other, own) => other / own),
      adds: compare(variant.beyond ?? {}, (other, own) => own - other),
    }
  })
}

/**
 * The median over the rounds that both have.
 * @param {number[]} a
 * @param {number[]} b
 * @param {(a: number, b: number) => number} of
 */
export function medianOfRounds(a, b, of) {
  const rounds = b.flatMap((time, round) => (a[round] === undefined ? [] : [of(a[round], time)]))
  return quantile(rounds, 0.5)
}

/**
 * Warms up, and finds how many calls make a timing.
 * @param {Variant} variant
 * @param {Effort} effort
 */
async function prepare(variant, { rounds, timing, most }) {
  await variant.select?.()
  let calls = 1
  await clock(variant, calls)
  let took = await clock(variant, calls)
  while (took < (timing * 1e6) / 2) {
    calls *= 2
    took = await clock(variant, calls)
  }
  const affordable = Math.min(rounds, Math.max(LEAST_ROUNDS, Math.floor((most * 1e6) / took)))
  const every = Math.ceil(rounds / affordable)
  return { variant, calls, long: took / calls > LONG, every, times: /** @type {number[]} */ ([]) }
}

/**
 * Nanoseconds of so many calls.
 * @param {Variant} variant
 * @param {number} calls
 */
async function clock({ call, awaited }, calls) {
  const start = process.hrtime.bigint()
  if (awaited) for (let i = 0; i < calls; i++) await call()
  else for (let i = 0; i < calls; i++) call()
  return Number(process.hrtime.bigint() - start)
}
