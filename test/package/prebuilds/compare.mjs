// Checks whether a prebuild does what the addon of this machine does (cases.cjs), in another program than this Node.
import { execFileSync, spawnSync } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { backends } from '../../../dist/index.js'

const cases = join(import.meta.dirname, 'cases.cjs')
export const ROOT = join(import.meta.dirname, '../../..')

/**
 * @typedef {object} Program
 * @property {string} command
 * @property {string[]} [args] that come before the file of JavaScript
 * @property {NodeJS.ProcessEnv} [env]
 * @property {('all' | 'one' | 'exit' | 'workers')[]} [ways] of cases.cjs; by default all but `one`
 */

/** Runs a way of cases.cjs. The output goes to files, because Node for Windows does not accept the pipes of wine.
 * @param {string} folder @param {Program} program @param {string} way
 * @returns {string[]} the lines that it prints */
function run(folder, { command, args = [], env = {} }, way) {
  const expected = way === 'exit' ? 7 : 0
  const files = ['stdout', 'stderr'].map((name) => join(folder, name))
  const descriptors = files.map((file) => openSync(file, 'w'))
  const child = spawnSync(command, [...args, cases, way], {
    cwd: folder,
    stdio: ['ignore', ...descriptors],
    env: { ...process.env, ...env },
  })
  for (const descriptor of descriptors) closeSync(descriptor)
  const [stdout = '', stderr = ''] = files.map((file) => readFileSync(file, 'utf8'))
  if (child.status !== expected)
    throw new Error(
      `${command} ${way}: ${child.signal ?? child.error ?? child.status}, ${expected} expected\n${stderr}`,
    )
  return stdout.trim().split(/\r?\n/)
}

/**
 * @param {string} name of the prebuild
 * @param {string} npmPackage that holds the program
 * @param {string[]} levels that the prebuild has, of those of this machine
 * @param {(folder: string) => Program[]} prepare programs that run JavaScript, in a folder with the package's folder
 *   `bin`
 * @param {(folder: string) => void} [cleanUp]
 */
export function compare(name, npmPackage, levels, prepare, cleanUp = () => {}) {
  const { cpu } = backends()
  if (!cpu.available) throw new Error(cpu.message)
  const otherLevels = cpu.simdLevels.filter((level) => !levels.includes(level))
  const folder = mkdtempSync(join(tmpdir(), 'scaloss-prebuild-'))
  try {
    const archive = execFileSync('npm', ['pack', '--silent', npmPackage], { cwd: folder, encoding: 'utf8' }).trim()
    execFileSync('tar', ['xzf', archive, '--strip-components=1', 'package/bin'], { cwd: folder })
    let lines = 0
    for (const program of prepare(folder)) {
      const env = { PREBUILDS_ONLY: '1', ...program.env }
      for (const way of program.ways ?? ['all', 'exit', 'workers']) {
        const here = run(folder, { command: process.execPath }, way)
        const expected = here.filter((line) => !otherLevels.some((level) => line.startsWith(`${level}:`)))
        const got = run(folder, { ...program, env }, way)
        for (let i = 0; i < Math.max(expected.length, got.length); i++)
          if (expected[i] !== got[i])
            throw new Error(`${name}, ${program.command} ${way}:\n  expected ${expected[i]}\n  got      ${got[i]}`)
        lines += got.length
      }
    }
    console.log(`${name} does as the addon of this machine: ${lines} lines are the same`)
  } finally {
    cleanUp(folder)
    rmSync(folder, { recursive: true })
  }
}
