// Plants random faults in the TypeScript, one at a time, and tells which of them no test finds:
//
//   npm run mutate:ts -- [--sample 20] [--seed 1] [--in src/coco]
//
// Stryker's instrumenter knows the faults (a condition turned round, a text emptied, a call left out …); Stryker itself
// cannot draw a sample of them, reads tsconfig.json by a compiler that TypeScript 7 no longer has, and does not see
// what tests run from dist/. Each fault stands in a copy of the repository. One that does not compile is left out, and
// another one drawn.
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { Instrumenter } from '@stryker-mutator/instrumenter'
import { mulberry32 } from '../../dist/grad-check/pairs.js'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
/** Milliseconds, for the suites that import a file and for all: a fault can make a loop endless. */
const [RELATED_LIMIT, ALL_LIMIT] = [300_000, 900_000]

/** @typedef {{ line: number, column: number }} Position */
/**
 * @typedef {object} Mutant
 * @property {string} fileName
 * @property {{ start: Position, end: Position }} location
 * @property {string} mutatorName
 * @property {string} replacement
 */

/** Every fault that Stryker knows for these files. @param {readonly string[]} files @returns {Promise<Mutant[]>} */
async function mutantsOf(files) {
  /** It says nothing, and that no level of it is enabled. */
  const logger = new Proxy({}, { get: () => () => false })
  const sources = files.map((name) => ({ name, content: readFileSync(join(ROOT, name), 'utf8'), mutate: true }))
  const instrumenter = new Instrumenter(/** @type {any} */ (logger))
  const { mutants } = await instrumenter.instrument(sources, { plugins: null, excludedMutations: [], ignorers: [] })
  return mutants.filter(({ status }) => status === undefined)
}

/** The source with the fault in it. @param {string} source @param {Mutant} mutant */
function planted(source, { location: { start, end }, replacement }) {
  const lines = source.split('\n')
  /** @param {Position} position */
  const offset = ({ line, column }) => lines.slice(0, line).join('\n').length + (line > 0 ? 1 : 0) + column
  return {
    before: source.slice(offset(start), offset(end)),
    text: source.slice(0, offset(start)) + replacement + source.slice(offset(end)),
  }
}

/** In random order. @template T @param {readonly T[]} all @param {number} seed */
function shuffled(all, seed) {
  const random = mulberry32(seed)
  const keyed = all.map((item) => ({ item, key: random() }))
  return keyed.sort((a, b) => a.key - b.key).map(({ item }) => item)
}

/** A copy of the repository, of what is not committed too, with what was installed and built. */
function copyRepository() {
  const folder = mkdtempSync(join(tmpdir(), 'scaloss-mutants-'))
  const listed = execFileSync('git', ['ls-files', '-co', '--exclude-standard'], { cwd: ROOT, encoding: 'utf8' })
  for (const file of listed
    .trim()
    .split('\n')
    .filter((name) => existsSync(join(ROOT, name)))) {
    mkdirSync(dirname(join(folder, file)), { recursive: true })
    cpSync(join(ROOT, file), join(folder, file))
  }
  for (const name of ['node_modules', 'build', 'prebuilds']) {
    if (existsSync(join(ROOT, name))) symlinkSync(join(ROOT, name), join(folder, name))
  }
  // Some suites ask git which files there are.
  for (const command of [
    ['init', '--quiet'],
    ['add', '--all'],
  ])
    execFileSync('git', command, { cwd: folder })
  return folder
}

/** @param {string} folder @returns {string} what the compiler says; empty if it says nothing */
function build(folder) {
  const { status, stdout } = spawnSync('npm', ['run', '--silent', 'build:ts'], { cwd: folder, encoding: 'utf8' })
  return status === 0 ? '' : stdout
}

/** @type {import('node:child_process').ChildProcess | undefined} */
let running
let stopped = false
const endRunning = () => {
  if (running?.pid !== undefined) process.kill(-running.pid, 'SIGKILL')
}
for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM'])) {
  process.on(signal, () => {
    stopped = true
    endRunning()
  })
}

/**
 * How vitest ends, with all the processes it started: `file` and `test` are the first that failed.
 * @param {string} folder @param {string[]} arguments_ @param {number} limit
 * @returns {Promise<{ passed: boolean, test: string, file: string | undefined }>}
 */
async function vitest(folder, arguments_, limit) {
  const program = join(folder, 'node_modules/vitest/vitest.mjs')
  const options = ['--config', 'test/mutants/vitest.config.mts', '--bail', '1', '--reporter', 'dot']
  // In a group of processes, which ends as one: a worker in an endless loop does not see that vitest has gone.
  const child = spawn(process.execPath, [program, ...arguments_, ...options], {
    cwd: folder,
    detached: true,
    env: { ...process.env, NO_COLOR: '1' },
  })
  running = child
  let said = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (said += text))
  const timer = setTimeout(endRunning, limit)
  const [code, signal] = await once(child, 'close')
  clearTimeout(timer)
  running = undefined
  if (stopped) throw new Error('stopped')
  if (signal !== null) return { passed: false, test: 'the tests do not end', file: undefined }
  const [, test = said.trim().split('\n').at(-1) ?? '', file] =
    /^ *FAIL +(.*?(test\/\S+\.test\.ts).*)$/m.exec(said) ?? []
  return { passed: code === 0, test, file }
}

/**
 * The first test that fails, of those that import a file and then of all.
 * @param {string} folder
 * @param {string} file
 */
async function failingTest(folder, file) {
  const related = await vitest(folder, ['related', '--run', '--passWithNoTests', file], RELATED_LIMIT)
  return related.passed ? vitest(folder, ['run'], ALL_LIMIT) : related
}

/** Suites that passed without any fault: what else fails in them, a fault did. @type {Set<string>} */
const sound = new Set()

/**
 * What finds a fault, or null. Leaves the copy as it was.
 * @param {string} folder @param {string} file @param {string} text the source with the fault in it
 * @returns {Promise<string | null | undefined>} undefined where it does not compile
 */
async function finderOf(folder, file, text) {
  const path = join(folder, file)
  const source = readFileSync(path, 'utf8')
  writeFileSync(path, text)
  if (build(folder) !== '') {
    writeFileSync(path, source)
    return undefined
  }
  const found = await failingTest(folder, file)
  writeFileSync(path, source)
  if (found.passed) return null
  if (found.file === undefined || sound.has(found.file)) return found.test
  const complaint = build(folder)
  if (complaint !== '') throw new Error(`without any fault it does not compile:\n${complaint}`)
  if (!(await vitest(folder, ['run', found.file], ALL_LIMIT)).passed)
    throw new Error(`it fails without any fault, too: ${found.test}`)
  sound.add(found.file)
  return found.test
}

/** @param {string} name @param {string} text */
function whole(name, text) {
  const value = Number(text)
  if (text.trim() !== '' && Number.isSafeInteger(value)) return value
  throw new Error(`--${name}: expected a whole number, got ${JSON.stringify(text)}`)
}
const { values } = parseArgs({
  options: {
    sample: { type: 'string', default: '20' },
    seed: { type: 'string', default: '1' },
    in: { type: 'string', default: 'src' },
  },
})
const [sample, seed] = [whole('sample', values.sample), whole('seed', values.seed)]

const emulator = existsSync(join(ROOT, 'build/emulator/build/Release/scaloss.node'))
if (!emulator) console.log('src/cuda is left out: its tests need build/emulator, which npm test builds')
const files = execFileSync('git', ['ls-files', values.in], { cwd: ROOT, encoding: 'utf8' })
  .trim()
  .split('\n')
  .filter((name) => /^src\/.*(?<!\.d)\.ts$/.test(name) && (emulator || !name.startsWith('src/cuda/')))
const mutants = await mutantsOf(files)
console.log(`${mutants.length} faults in ${files.length} files; a sample of ${sample}, seed ${seed}`)

/** @param {string} code */
const short = (code) => code.replace(/\s+/g, ' ').slice(0, 100)
const folder = copyRepository()
try {
  let [tested, uncompiled] = [0, 0]
  /** @type {string[]} */
  const survivors = []
  for (const mutant of shuffled(mutants, seed)) {
    if (tested === sample) break
    const { fileName, location, replacement } = mutant
    const { before, text } = planted(readFileSync(join(folder, fileName), 'utf8'), mutant)
    const found = await finderOf(folder, fileName, text)
    if (found === undefined) {
      ++uncompiled
      continue
    }
    ++tested
    const { line, column } = location.start
    const place = `${fileName}:${line + 1}:${column + 1}: ${short(before)} → ${short(replacement)}`
    if (found === null) survivors.push(place)
    console.log(`${tested}. ${place}\n   ${found === null ? 'FOUND BY NO TEST' : `found by ${found}`}`)
  }
  console.log(`${tested} faults tested, ${uncompiled} drawn that do not compile; found by no test: ${survivors.length}`)
  for (const place of survivors) console.error(place)
  if (survivors.length > 0) process.exitCode = 1
} finally {
  rmSync(folder, { recursive: true })
}
