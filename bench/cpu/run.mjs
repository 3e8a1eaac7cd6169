import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { backends } from 'scaloss'
import { machine } from '../support.mjs'
import { calls } from './calls.mjs'
import { drawChart } from './chart.mjs'
import { heads } from './heads.mjs'
import { losses } from './losses.mjs'
import { writePages } from './pages.mjs'
import { peers } from './peers.mjs'
import { page } from './report.mjs'
import { sizes } from './sizes.mjs'
import { start } from './start.mjs'
import { targetsOf } from './targets.mjs'
import { trainer } from './trainer.mjs'
import { wasm } from './wasm.mjs'

// npm run bench compares the CPU backend with the bandwidth of the memory and with the alternatives, and times calls.

/**
 * @import { Effort, Timing } from './turns.mjs'
 * @typedef {object} Context What a part measures with.
 * @property {number[]} sizes
 * @property {number[]} headSizes
 * @property {number[]} wasmSizes
 * @property {number[]} peerSizes
 * @property {number} pairwiseSide
 * @property {Effort} effort
 * @property {Effort} peerEffort
 * @property {(text: string) => void} progress
 * @typedef {object} RowLabel
 * @property {string} name
 * @property {number} boxes
 * @property {number} [threads]
 * @property {string} [simd]
 * @property {string} [pass]
 * @property {string} [code] What computes, in the parts `heads`, `wasm` and `start`.
 * @property {number} [axes]
 * @typedef {RowLabel & Timing} Row
 * @typedef {object} Results cpu.json.
 * @property {typeof machine & { simd: string, packages: Record<string, string> }} machine
 * @property {boolean} quick
 * @property {number} seconds
 * @property {{ [part: string]: Row[] }} parts
 * @property {ReturnType<typeof targetsOf>} targets
 */

const PARTS = { sizes, losses, heads, wasm, calls, start, peers, trainer }
const FULL = {
  sizes: [16, 256, 1e3, 1e4, 1e5, 1e6, 1e7],
  headSizes: [1e2, 1e4, 1e5],
  wasmSizes: [16, 1e3, 1e5],
  peerSizes: [1e2, 1e3, 1e4, 1e5, 1e6],
  pairwiseSide: 1000,
  effort: { rounds: 31, timing: 1, most: 500 },
  peerEffort: { rounds: 31, timing: 2, most: 2000 },
}
/** @type {typeof FULL} */
const QUICK = {
  sizes: [16, 256, 1e3],
  headSizes: [1e2],
  wasmSizes: [1e3],
  peerSizes: [1e2, 1e3],
  pairwiseSide: 50,
  effort: { rounds: 3, timing: 0.05, most: 10 },
  peerEffort: { rounds: 3, timing: 0.05, most: 10 },
}
const FOLDER = new URL('../results/', import.meta.url)

const HELP = `usage: npm run bench -- [options]

Times the CPU backend in one interleaved run of some minutes: every size, every loss, heads, WebAssembly, the ways to call, starting, other libraries, trainings.

  --only <parts>   some of: ${Object.keys(PARTS).join(', ')}; separated by commas
  --quick          few boxes and rounds: seconds, to see that all works; its figures mean nothing
  --json           prints the data instead of the tables
  --save           writes bench/results/cpu.{json,md,svg,png}, and the figures of README.md and docs/performance.md
  --render         measures nothing: writes the same from bench/results/cpu.json
  --help           this text`

/**
 * @param {string} message
 * @returns {never}
 */
function usageError(message) {
  console.error(`${message}\n\n${HELP}`)
  process.exit(2)
}

function readOptions() {
  const off = /** @type {const} */ ({ type: 'boolean', default: false })
  try {
    const { values } = parseArgs({
      options: { only: { type: 'string' }, quick: off, json: off, save: off, render: off, help: off },
    })
    return values
  } catch (error) {
    return usageError(/** @type {Error} */ (error).message)
  }
}

/** @param {string | undefined} only */
function partsOf(only) {
  const all = /** @type {(keyof typeof PARTS)[]} */ (Object.keys(PARTS))
  const asked = only?.split(',') ?? all
  const unknown = asked.find((name) => !Object.hasOwn(PARTS, name))
  if (unknown !== undefined) usageError(`--only: expected some of ${all.join(', ')}, got '${unknown}'`)
  return all.filter((name) => asked.includes(name))
}

/** Versions of what is measured beside this package. */
function packages() {
  const names = [
    '@jax-js/jax',
    '@tensorflow/tfjs-core',
    '@tensorflow/tfjs-backend-cpu',
    '@tensorflow/tfjs-backend-wasm',
  ]
  const versionOf = (/** @type {string} */ name) =>
    JSON.parse(readFileSync(new URL(`../../node_modules/${name}/package.json`, import.meta.url), 'utf8')).version
  return Object.fromEntries(names.map((name) => [name, versionOf(name)]))
}

/** @param {Results} results */
async function save(results) {
  mkdirSync(FOLDER, { recursive: true })
  writeFileSync(new URL('cpu.json', FOLDER), `${JSON.stringify(results, null, 1)}\n`)
  await render(results)
}

/** @param {Results} results */
async function render(results) {
  await drawChart(FOLDER, results)
  writeFileSync(new URL('cpu.md', FOLDER), page(results))
  writePages(results)
}

/**
 * Nanoseconds to picoseconds, ratios to four digits: what the clock can tell.
 * @param {Row} row
 * @returns {Row}
 */
const rounded = (row) =>
  JSON.parse(JSON.stringify(row), (_, value) => (typeof value === 'number' ? Number(value.toPrecision(5)) : value))

const { only, quick, json, save: saves, render: renders, help } = readOptions()
if (help) {
  console.log(HELP)
  process.exit(0)
}
if (renders) {
  if (only !== undefined || quick || json || saves) usageError('--render: expected no other option')
  await render(JSON.parse(readFileSync(new URL('cpu.json', FOLDER), 'utf8')))
  process.exit(0)
}
if (saves && (quick || only !== undefined)) usageError('--save: expected a full run, not --quick or --only')
const names = partsOf(only)
const { cpu } = backends()
if (!cpu.available) {
  console.error(`no cpu backend here: ${cpu.message}`)
  process.exit(1)
}

const begun = performance.now()
const seconds = () => (performance.now() - begun) / 1e3
/** @type {Results['parts']} */
const parts = {}
for (const name of names) {
  const progress = (/** @type {string} */ text) =>
    console.error(`[${seconds().toFixed(0).padStart(4)} s] ${name}: ${text}`)
  const rows = await PARTS[name]({ ...(quick ? QUICK : FULL), progress })
  parts[name] = /** @type {Row[]} */ (rows).map(rounded)
}
const simd = cpu.simdLevels[cpu.simdLevels.length - 1]
const stamp = { ...machine, simd, packages: packages() }
const results = { machine: stamp, quick, seconds: Math.round(seconds()), parts, targets: targetsOf(parts) }
console.log(json ? JSON.stringify(results, null, 1) : page(results))
if (saves) await save(results)
