import { execFileSync } from 'node:child_process'
import { existsSync, statSync } from 'node:fs'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'

// The addon that measures the bandwidth of the memory (bench/stream). The first run on a machine builds it.

/**
 * @typedef {(b: Float32Array, c: Float32Array, a: Float32Array, streaming: boolean, twoThreads: boolean) => void} Add
 * @typedef {{ add: Add, nothing: () => void, streaming: boolean }} Stream
 */

const path = (/** @type {string} */ relative) => fileURLToPath(new URL(relative, import.meta.url))
const ROOT = path('../..')
const SOURCES = ['stream.cpp', 'CMakeLists.txt'].map((file) => path(`../stream/${file}`))
const ADDON = path('../../build/stream/Release/stream.node')
/** Starting the second thread shows below. */
const LEAST_BOXES_OF_TWO_THREADS = 1e6

/** @returns {Stream} */
export function loadStream() {
  const changed = (/** @type {string} */ file) => statSync(file).mtimeMs
  if (!existsSync(ADDON) || SOURCES.some((source) => changed(source) > changed(ADDON))) {
    const cmake = ['cmake-js', 'compile', '-d', 'bench/stream', '-O', 'build/stream']
    execFileSync('npx', cmake, { cwd: ROOT, stdio: ['ignore', 'ignore', 'inherit'] })
  }
  return createRequire(import.meta.url)(ADDON)
}

/**
 * STREAM's add over the arrays of a loss: with stores that pass the caches by, plainly, and on two threads.
 * @param {Stream} stream
 * @param {{ pred: Float32Array, target: Float32Array, grad: Float32Array }} arrays
 * @param {number} boxes
 * @param {{ axes?: number }} [more] For their rows.
 */
export function streamVariants({ add, streaming }, { pred, target, grad }, boxes, more = {}) {
  const variant = (/** @type {string} */ name, /** @type {boolean} */ past, /** @type {number} */ threads) => ({
    is: { boxes, name, threads, ...more },
    call: () => add(pred, target, grad, past, threads === 2),
  })
  return {
    one: variant('STREAM add', streaming, 1),
    plain: variant('STREAM add, plain stores', false, 1),
    ...(boxes >= LEAST_BOXES_OF_TWO_THREADS && { two: variant('STREAM add', streaming, 2) }),
  }
}
