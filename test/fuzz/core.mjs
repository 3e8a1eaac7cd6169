// Builds the fuzzer of the C++ core (core/core.cpp) with Clang and runs it; arguments are libFuzzer's own:
//
//   node test/fuzz/core.mjs -max_total_time=600
//
// It starts from corpus.json.gz and keeps what it learns in build/fuzz/corpus; --save writes the smallest set of inputs
// that reaches as much of the code back to corpus.json.gz.
import { execFile, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { gunzipSync, gzipSync } from 'node:zlib'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const SAVED = fileURLToPath(new URL('core/corpus.json.gz', import.meta.url))
const OUT = join(ROOT, 'build/fuzz')
const CORPUS = join(OUT, 'corpus')
// Of the addon as it is released. The scalar level is compiled anew, so that the fuzzer sees its ways and its memory.
const RELEASED = join(ROOT, 'build/CMakeFiles/scaloss.dir/cpu')
const LEVELS = ['baseline', 'avx2', 'avx512']
const LONGEST = '-max_len=1300'

const OPTIONS = [
  ...['-std=c++17', '-g1', '-Wall', '-Wextra', '-Werror', '-Wno-psabi', '-Wno-bitwise-instead-of-logical'],
  ...['-ffp-contract=off', '-fno-math-errno', '-DSCALOSS_HAVE_PACKS', '-DSCALOSS_HAVE_X86'],
]
const FUZZED = ['-O1', '-fsanitize=fuzzer,address']
const run = promisify(execFile)
const clang = (/** @type {string[]} */ ...options) => run('clang++', [...OPTIONS, ...options], { cwd: ROOT })

async function build() {
  const released = ['backend', 'pool', ...LEVELS.map((level) => `level_${level}`)].map((name) =>
    join(RELEASED, `${name}.cpp.o`),
  )
  const missing = released.find((path) => !existsSync(path))
  if (missing) throw new Error(`${missing}: npm run build:native makes it, on x64`)
  mkdirSync(CORPUS, { recursive: true })
  const object = (/** @type {string} */ name) => join(OUT, `${name}.o`)
  await Promise.all([
    clang(...FUZZED, '-c', 'cpu/level_scalar.cpp', '-o', object('scalar')),
    clang(...FUZZED, '-c', 'test/fuzz/core/core.cpp', '-o', object('core')),
    clang('-O2', '-c', 'test/fuzz/core/reference.cpp', '-o', object('reference')),
  ])
  // Of GCC; Clang does not look where it lies.
  const { stdout } = await run('g++', ['-print-file-name=libquadmath.so'])
  const quad = `-L${dirname(stdout.trim())}`
  const objects = ['scalar', 'core', 'reference'].map(object)
  await clang(...FUZZED, ...objects, ...released, quad, '-lquadmath', '-pthread', '-o', join(OUT, 'core'))
}

/** @param {string[]} options */
function fuzz(...options) {
  const { status, signal } = spawnSync(join(OUT, 'core'), options, { stdio: 'inherit', cwd: OUT })
  if (status !== 0) throw new Error(`the fuzzer ends with ${signal ?? status}; an input it found lies in ${OUT}`)
}

function unpack() {
  /** @type {string[]} */
  const inputs = JSON.parse(gunzipSync(readFileSync(SAVED)).toString())
  for (const input of inputs) {
    const bytes = Buffer.from(input, 'base64')
    writeFileSync(join(CORPUS, createHash('sha1').update(bytes).digest('hex')), bytes)
  }
}

function save() {
  const least = join(OUT, 'least')
  rmSync(least, { recursive: true, force: true })
  mkdirSync(least)
  // Few rows reach nearly as much as many, and more are made of them.
  fuzz('-merge=1', '-max_len=200', least, CORPUS)
  const inputs = readdirSync(least).map((name) => readFileSync(join(least, name)).toString('base64'))
  writeFileSync(SAVED, gzipSync(JSON.stringify(inputs), { level: 9 }))
}

const options = process.argv.slice(2)
await build()
if (existsSync(SAVED)) unpack()
if (options.includes('--save')) save()
else fuzz(LONGEST, '-len_control=5', ...options, CORPUS)
