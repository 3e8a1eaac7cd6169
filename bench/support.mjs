import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { backends } from 'scaloss'
import { mulberry32 } from '../dist/grad-check/pairs.js'
import { loadNative } from '../dist/native/addon.js'

// Helpers that all timings share: boxes, SIMD levels, medians, and a description of the machine.

/**
 * Targets of 8 to 128 pixels in a 640 pixel image, predictions off by up to 16 pixels an edge; the same on every run.
 * @param {number} boxes
 */
export function makeBoxes(boxes, axes = 2) {
  const random = mulberry32(1)
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
export const quantile = (values, p) => values.toSorted((a, b) => a - b)[Math.round(p * (values.length - 1))]

/** @param {number[]} times */
export const quartiles = (times) => ({
  median: quantile(times, 0.5),
  q1: quantile(times, 0.25),
  q3: quantile(times, 0.75),
})

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
