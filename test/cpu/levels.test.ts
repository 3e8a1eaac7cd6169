import { execFile, execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { LOSS_NAMES, LOSSES } from '../../src/core/losses.js'
import { loadNative } from '../../src/native/addon.js'
import { ROOT } from '../support/project.js'
import { boxesAtLimits } from '../support/same-bits.js'

// The SIMD levels from the inside (levels/levels.cpp): slow code in place of quick code gives the same results.

const PAIRS = 20_000
/** Rows of float32 to a pack, and the options that CMakeLists.txt compiles a level with. */
const PACKS = {
  baseline: { rows: 4, options: [] },
  avx2: { rows: 8, options: ['-mavx2'] },
  avx512: {
    rows: 16,
    options: ['-mavx512f', '-mavx512bw', '-mavx512dq', '-mavx512vl', '-mprefer-vector-width=512'],
  },
}
type PackLevel = keyof typeof PACKS
const COMPILED: PackLevel[] = process.arch === 'x64' ? ['baseline', 'avx2', 'avx512'] : ['baseline']
const PROBES = { baseline: 'kBaselineProbe', avx2: 'kAvx2Probe', avx512: 'kAvx512Probe' }

const folder = mkdtempSync(join(tmpdir(), 'scaloss-levels-'))
const program = join(folder, 'levels')
const boxes = join(folder, 'boxes.bin')
const run = promisify(execFile)

const timesOf = (parent: string) => readdirSync(parent).map((name) => statSync(join(parent, name)).mtimeMs)
/**
 * The objects of cpu/ that the emulated addon is made of, which spare some twenty seconds; none if the sources are
 * newer.
 */
function objectsOfAddon(): string[] {
  const parent = join(ROOT, 'build/emulator/build/CMakeFiles/scaloss.dir/cpu')
  if (!existsSync(parent)) return []
  const sources = ['core', 'cpu'].flatMap((room) => timesOf(join(ROOT, room)))
  if (Math.min(...timesOf(parent)) < Math.max(...sources)) return []
  return readdirSync(parent).map((name) => join(parent, name))
}

beforeAll(async () => {
  const { pred, target } = boxesAtLimits(PAIRS, Float32Array)
  writeFileSync(boxes, Buffer.concat([pred, target].map(({ buffer }) => Buffer.from(buffer))))
  const compiler = process.env.CXX ?? 'c++'
  const common = [
    ...['-std=c++17', '-O1', '-ffp-contract=off', '-fno-math-errno', '-Wall', '-Wextra', '-Werror'],
    ...['-Wno-psabi', '-Wno-bitwise-instead-of-logical', '-DSCALOSS_HAVE_PACKS'],
    ...(process.arch === 'x64' ? ['-DSCALOSS_HAVE_X86'] : []),
  ]
  const compile = async (source: string, object: string, options: string[] = []) => {
    const path = join(folder, `${object}.o`)
    await run(compiler, [...common, ...options, '-c', source, '-o', path], { cwd: ROOT })
    return path
  }
  const built = objectsOfAddon()
  const sources = ['backend', 'pool', 'level_scalar', ...COMPILED.map((level) => `level_${level}`)]
  const objects = [
    compile('test/cpu/levels/levels.cpp', 'levels'),
    ...COMPILED.map((level) => {
      const { rows, options } = PACKS[level]
      const names = [`-DPROBE=${PROBES[level]}`, `-DLEVEL="${level}"`, `-DROWS=${rows}`]
      return compile('test/cpu/levels/probe.cpp', `probe_${level}`, [...options, ...names])
    }),
    ...(built.length > 0 ? [] : sources).map((source) => {
      const level = COMPILED.find((each) => source === `level_${each}`)
      return compile(`cpu/${source}.cpp`, source, level && PACKS[level].options)
    }),
  ]
  execFileSync(compiler, [...(await Promise.all(objects)), ...built, '-pthread', '-o', program])
}, 600_000)
afterAll(() => rmSync(folder, { recursive: true }))

it('packs take the quick code where they may, tables hold the code of each loss, which gives the bits of AnyLoss', () => {
  const flat = LOSS_NAMES.map((name) => LOSSES[name]).filter(({ axes }) => axes === 2)
  // Of a loss as it is, with another convention where it has one, and of smooth_l1 with another beta: the loss alone,
  // and with gradients.
  const conventions = flat.filter(({ conventions }) => conventions.length > 0).length
  const calls = 2 * (flat.length + conventions + 1)
  const entries = 2 * 2 * LOSS_NAMES.length
  const lines = loadNative()
    .simdLevels()
    .map((level) => {
      if (level === 'scalar') return `scalar: 0 probes, ${entries} entries, 0 calls over ${PAIRS} pairs`
      // Five kinds of boxes without odd rows and, for each row of a pack, seven kinds of odd ones; three kinds of code.
      const probes = 5 + 7 * 3 * PACKS[level as PackLevel].rows
      return `${level}: ${probes} probes, ${entries} entries, ${calls} calls over ${PAIRS} pairs`
    })
  const { stdout, stderr } = spawnSync(program, [boxes], { encoding: 'utf8' })
  expect(stdout.trimEnd().split('\n'), stderr).toEqual(lines)
})
