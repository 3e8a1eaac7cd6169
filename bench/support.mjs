import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { backends } from 'scaloss'
import { loadNative } from '../dist/native.js'

// What the timings share: boxes, SIMD levels, turns, medians, and saying where it ran.

/**
 * @typedef {object} Variant What takes turns with others.
 * @property {() => void} select Puts the SIMD level in force.
 * @property {() => unknown} call
 */

/**
 * Targets of 8 to 128 pixels in a 640 pixel image, predictions off by up to 16 pixels an edge; the same on every run.
 * @param {number} boxes
 */
export function makeBoxes(boxes, axes = 2) {
  let state = 1
  const random = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
  const target = new Float32Array(2 * axes * boxes)
  const pred = new Float32Array(2 * axes * boxes)
  for (let i = 0; i < target.length; i += 2 * axes) {
    for (let axis = 0; axis < axes; axis++) {
      const low = 512 * random()
      const high = low + 8 + 120 * random()
      const middle = (low + high) / 2
      target[i + axis] = low
      target[i + axes + axis] = high
      pred[i + axis] = Math.min(low + 32 * (random() - 0.5), middle - 1)
      pred[i + axes + axis] = Math.max(high + 32 * (random() - 0.5), middle + 1)
    }
  }
  return { pred, target }
}

/**
 * @param {number[]} values
 * @param {number} p 0.5 is the median.
 */
const quantile = (values, p) => values.toSorted((a, b) => a - b)[Math.round(p * (values.length - 1))]

/** @param {number[]} times */
export const quartiles = (times) => ({
  median: quantile(times, 0.5),
  q1: quantile(times, 0.25),
  q3: quantile(times, 0.75),
})

/**
 * How many times `b` the times `a` are. Ratios are taken within a round, then their median: what slows down a whole round cancels.
 * @param {number[]} a
 * @param {number[]} b
 */
export const ratio = (a, b) =>
  quantile(
    a.map((time, round) => time / b[round]),
    0.5,
  )

/**
 * Nanoseconds an item of each variant and round. All take turns in one run, so a machine that slows down for a while slows down
 * all of them.
 * @template {Variant} V
 * @param {V[]} variants
 * @param {{ rounds: number, items: number, perTiming: number }} what Items (boxes, pairs) of a call, and of a timing: enough
 *   calls in one that the clock's own cost vanishes.
 */
export function takeTurns(variants, { rounds, items, perTiming }) {
  const runs = variants.map((variant) => ({ ...variant, times: /** @type {number[]} */ ([]) }))
  const calls = Math.max(1, Math.round(perTiming / items))
  for (let round = 0; round < rounds; round++)
    for (let turn = 0; turn < runs.length; turn++) {
      const run = runs[(round + turn) % runs.length] // another one begins each round
      run.select()
      run.call() // warms caches and branch predictors after the switch
      const start = process.hrtime.bigint()
      for (let i = 0; i < calls; i++) run.call()
      run.times.push(Number(process.hrtime.bigint() - start) / (calls * items))
    }
  return runs
}

/** The SIMD levels that can run here. Ends the process where there is no cpu backend. */
export function simdLevels() {
  const { cpu } = backends()
  if (!cpu.available) {
    console.error(`no cpu backend here: ${cpu.message}`)
    process.exit(1)
  }
  const native = loadNative()
  return {
    levels: cpu.simdLevels,
    /** @param {string} level */
    select: (level) => void native.setSimd(level),
    restore: () => void native.setSimd(cpu.simd),
  }
}

/** The commit that was measured, with a mark where the checkout differs from it. */
function commit() {
  try {
    return execFileSync('git', ['describe', '--always', '--dirty'], {
      cwd: import.meta.dirname,
      encoding: 'utf8',
    }).trim()
  } catch {
    return 'unknown'
  }
}

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))
export const machine = {
  cpu: cpus()[0].model,
  cores: cpus().length,
  node: process.version,
  scaloss: version,
  commit: commit(),
  date: new Date().toISOString().slice(0, 10),
}
export const machineLine = `${machine.cpu}, ${machine.cores} logical cores, Node ${machine.node}, scaloss ${version} (${machine.commit}), ${machine.date}`

/**
 * Prints the table, or the data with --json; --save writes both to bench/results/.
 * @param {string} name
 * @param {{ json: boolean, save: boolean }} flags
 * @param {object} data
 * @param {string} table
 */
export function report(name, flags, data, table) {
  const json = JSON.stringify({ machine, ...data }, null, 2)
  console.log(flags.json ? json : table)
  if (flags.save) {
    writeFileSync(new URL(`results/${name}.json`, import.meta.url), `${json}\n`)
    writeFileSync(new URL(`results/${name}.txt`, import.meta.url), `${table}\n`)
  }
}
