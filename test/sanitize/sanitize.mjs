// Suites and loads with an addon that was built with sanitizers, or under valgrind (test/README.md):
//
//   npm run test:sanitize -- [--only address|thread|valgrind] [SUITE ...]
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
/** They touch the addon's memory. */
const MEMORY = [
  'native',
  'plan',
  'bad-input',
  'async',
  'threads',
  'large-calls',
  'pairwise',
  'invalid-boxes',
  'heads/golden',
  'heads/properties',
  'lifecycle',
]
const SHORT_LOAD = ['test/soak/load.mjs', '--calls', '20', '--workers', '2']
const VITEST = join(ROOT, 'node_modules/vitest/vitest.mjs')

/** @param {string} command @param {string[]} arguments_ @param {Record<string, string>} [env] */
const run = (command, arguments_, env) =>
  spawnSync(command, arguments_, { cwd: ROOT, stdio: 'inherit', env: { ...process.env, ...env } }).status === 0

/** @param {string} library */
const preloaded = (library) => spawnSync('g++', [`-print-file-name=${library}`], { encoding: 'utf8' }).stdout.trim()

/** @param {string} sanitizer */
function build(sanitizer) {
  const cmakeJs = join(ROOT, 'node_modules/cmake-js/bin/cmake-js')
  const settings = ['--CDSCALOSS_CUDA=OFF', `--CDSCALOSS_SANITIZE=${sanitizer}`]
  const command = [cmakeJs, 'compile', '-O', `build/${sanitizer}/build`, ...settings]
  const { status, stdout, stderr } = spawnSync(process.execPath, command, { cwd: ROOT, encoding: 'utf8' })
  if (status !== 0) throw new Error(`the addon does not build:\n${stdout}${stderr}`)
}

/** How a report names the addon: its file, or a source of it. */
const OURS = [
  'scaloss.node',
  ...['binding/', 'core/', 'cpu/', 'cuda/'].map((room) => join(ROOT, room)),
  'runtime error:',
  'ERROR: AddressSanitizer',
]

/**
 * Reports on the addon, of all processes. Node has leaks at its end and races of its own: they do not count.
 * @param {string} folder
 */
function reportsOn(folder) {
  const texts = readdirSync(folder).map((name) => readFileSync(join(folder, name), 'utf8'))
  const parts = texts.flatMap((text) => text.split(/\n={18,}\n|\n(?=(?:Direct|Indirect) leak of )/))
  return parts.filter((part) => OURS.some((name) => part.includes(name)))
}

/** @param {'address' | 'thread'} sanitizer @param {string[]} suites */
function sanitize(sanitizer, suites) {
  build(sanitizer)
  const folder = mkdtempSync(join(tmpdir(), 'scaloss-sanitize-'))
  const log = `log_path=${join(folder, 'report')}`
  const env = {
    LD_PRELOAD: preloaded(sanitizer === 'address' ? 'libasan.so' : 'libtsan.so'),
    SCALOSS_PREBUILD: join(ROOT, 'build', sanitizer),
    // Tests ask for more memory than there is, and look at the error.
    ASAN_OPTIONS: `${log}:allocator_may_return_null=1:detect_leaks=0`,
    UBSAN_OPTIONS: `${log}:print_stacktrace=1`,
    LSAN_OPTIONS: `exitcode=0:suppressions=${join(ROOT, 'test/sanitize/sanitize.supp')}`,
    TSAN_OPTIONS: `${log}:exitcode=0`,
  }
  try {
    const vitest = [
      process.execPath,
      VITEST,
      'run',
      '--config',
      'test/sanitize/sanitize.config.mts',
      ...suites.map((suite) => `/${suite}.test.ts`),
    ]
    // ThreadSanitizer before GCC 14 cannot start where addresses are spread at random.
    const [command, ...rest] = sanitizer === 'thread' ? ['setarch', '--addr-no-randomize', ...vitest] : vitest
    const passed = run(command, rest, { SANITIZER_ENV: JSON.stringify(env) })
    // Leaks are told when a process ends by itself, and vitest ends its own by a signal.
    const leaks = { ...env, ASAN_OPTIONS: `${log}:detect_leaks=1` }
    const node = rest.slice(0, rest.indexOf(VITEST))
    const soaked = run(command, [...node, 'test/soak/calls.mjs', '--calls', '5000'], leaks)
    // Races between calls of several workers.
    const loaded = sanitizer === 'address' || run(command, [...node, ...SHORT_LOAD], env)
    const reports = reportsOn(folder)
    for (const report of reports.slice(0, 10)) console.error(report)
    console.log(`${sanitizer}: ${reports.length} reports on the addon`)
    return passed && soaked && loaded && reports.length === 0
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** The addon as it is released, but for AVX-512, which valgrind does not know. */
function valgrind() {
  const options = [
    '--error-exitcode=9',
    '--leak-check=no',
    '--smc-check=all-non-file',
    '--suppressions=test/sanitize/valgrind.supp',
    '--quiet',
  ]
  return run('valgrind', [...options, process.execPath, ...SHORT_LOAD], { SCALOSS_SIMD: 'avx2' })
}

/** @type {Record<string, (suites: string[]) => boolean>} */
const TOOLS = {
  address: (suites) => sanitize('address', suites.length > 0 ? suites : MEMORY),
  thread: (suites) => sanitize('thread', suites.length > 0 ? suites : ['async', 'threads', 'lifecycle']),
  valgrind,
}
const { values, positionals } = parseArgs({ options: { only: { type: 'string' } }, allowPositionals: true })
const { only } = values
if (only !== undefined && !Object.hasOwn(TOOLS, only)) {
  throw new Error(`--only: expected one of ${Object.keys(TOOLS).join(', ')}, got ${JSON.stringify(only)}`)
}
const failed = (only === undefined ? Object.keys(TOOLS) : [only]).filter((tool) => !TOOLS[tool](positionals))
if (failed.length > 0) throw new Error(`found something: ${failed.join(', ')}`)
