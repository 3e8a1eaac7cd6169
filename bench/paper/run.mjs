import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { backends } from 'scaloss'
import { machineLine } from '../support.mjs'
import { reportOf, writeContents } from './report.mjs'

// npm run paper repeats the experiments of the paper on the available backend and writes pictures, numbers and one page
// (README.md).

/**
 * @import { Image } from './chart.mjs'
 * @typedef {object} Context What a figure is made with.
 * @property {string} folder Where its files go.
 * @property {string} digits The file of the digits' comparison, which need not exist.
 * @property {boolean} quick Few boxes and steps: to see that all works, not to read the numbers.
 * @property {(text: string) => void} progress Says what is going on.
 * @property {(text: string) => void} log Says what a person should know.
 * @typedef {'reproduced' | 'partly' | 'not' | 'not run'} Verdict
 * @typedef {object} Statement
 * @property {string} statement What the paper says.
 * @property {string} finding What came out, with the number.
 * @property {Verdict} verdict
 * @typedef {{ caption: string, head: string[], rows: string[][] }} Table
 * @typedef {Statement & {
 *   id: string,
 *   title: string,
 *   images: Image[],
 *   data: { file: string }[],
 *   notes?: string[],
 *   tables?: Table[],
 *   statements?: Statement[],
 * }} Figure `statements`: further ones that the same numbers decide.
 */

/** In the paper's order. */
const MODULES = [
  ...['gradient', 'corners', 'cases', 'correlation', 'bounds', 'simulation', 'properties'],
  ...['ablation', 'tables'],
]

const HELP = `usage: npm run paper -- [options]

Makes the paper's figures and tables again: SVG and JSON files, and report.html, which holds all of it.

  --out <folder>   where to write (default build/paper)
  --digits <file>  what npm run compare wrote (default examples/digits/results/compare.json), quoted if it is there
  --render         make only report.html, of a run whose files are in --out (default bench/paper/results, the committed one)
  --quick          few boxes and steps: seconds instead of a minute or so; for tests
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
  try {
    const { values } = parseArgs({
      options: {
        out: { type: 'string' },
        render: { type: 'boolean', default: false },
        digits: { type: 'string' },
        quick: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    })
    return values
  } catch (error) {
    return usageError(/** @type {Error} */ (error).message)
  }
}

function writeReport() {
  writeFileSync(join(out, 'report.html'), reportOf(out))
}

/**
 * @param {string} name
 * @returns {Promise<{ figure: (context: Context) => Promise<Figure> }>}
 */
const load = (name) => import(`./${name}.mjs`)

const { digits, quick, render, help, ...given } = readOptions()
const out = given.out ?? (render ? 'bench/paper/results' : 'build/paper')
if (digits !== undefined && !existsSync(digits)) usageError(`--digits: expected a file, got ${JSON.stringify(digits)}`)
if (help) {
  console.log(HELP)
  process.exit(0)
}
if (render) {
  if (!existsSync(join(out, 'figures.json'))) usageError(`--render: expected figures.json in ${out}`)
  writeReport()
  console.log(`${out}/report.html`)
  process.exit(0)
}
mkdirSync(out, { recursive: true })
const started = performance.now()
const context = {
  folder: out,
  digits: digits ?? 'examples/digits/results/compare.json',
  quick,
  progress: (/** @type {string} */ text) => console.error(`  ${text}`),
  log: (/** @type {string} */ text) => console.error(text),
}
/** @type {Figure[]} */
const figures = []
for (const name of MODULES) {
  const { figure } = await load(name)
  figures.push(await figure(context))
}
const found = backends()
const backend = /** @type {const} */ (['cuda', 'cpu', 'wasm']).find((name) => found[name].available) ?? 'js'
writeContents(out, { figures, quick, backend, machine: machineLine })
writeReport()
for (const { title, verdict } of figures) console.log(`${verdict.padEnd(11)} ${title}`)
console.log(`\n${out}/report.html, in ${((performance.now() - started) / 1000).toFixed(0)} s on the ${backend} backend`)
