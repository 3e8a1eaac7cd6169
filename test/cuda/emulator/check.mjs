// Builds the stand-alone check of the kernels and runs it:
//
//   node test/cuda/emulator/check.mjs [plain|address|thread] [pairs]
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../../..', import.meta.url))
const ADDON = join(ROOT, 'build/emulator/build')

/** @typedef {'plain' | 'address' | 'thread'} Build */
/** @type {readonly Build[]} */
export const BUILDS = ['plain', 'address', 'thread']

/** @param {string} command @param {string[]} arguments_ */
function quietly(command, arguments_) {
  try {
    execFileSync(command, arguments_, { stdio: 'pipe' })
  } catch (error) {
    const { stdout, stderr } = /** @type {{ stdout: Buffer, stderr: Buffer }} */ (error)
    throw new Error(`${command} ${arguments_.join(' ')}:\n${stdout}${stderr}`)
  }
}

/** Objects of the CPU backend, minutes of work, are those of the emulated addon where that has been built. */
export function cpuObjects() {
  if (!existsSync(ADDON)) return ''
  quietly('cmake', ['--build', ADDON])
  return join(ADDON, 'CMakeFiles/scaloss.dir/cpu')
}

/**
 * Builds the check from the sources under `root` and returns the path of the program.
 * @param {Build} build @param {{ root?: string, objects?: string, folder?: string }} [from]
 */
export function buildCheck(build, { root = ROOT, objects = cpuObjects(), folder = join(ROOT, 'build/check') } = {}) {
  const target = join(folder, build)
  const sanitize = build === 'plain' ? '' : build
  const options = [`-DSANITIZE=${sanitize}`, `-DCPU_OBJECTS=${objects}`]
  quietly('cmake', ['-S', join(root, 'test/cuda/emulator'), '-B', target, ...options])
  quietly('cmake', ['--build', target, '--parallel', '2'])
  return join(target, 'check')
}

/**
 * The command that runs it. ThreadSanitizer before GCC 14 cannot start where addresses are spread further than this.
 * @param {string} program @param {number} pairs
 * @returns {[string, string[]]}
 */
export function checkCommand(program, pairs) {
  const randomBits = Number(readFileSync('/proc/sys/vm/mmap_rnd_bits', 'utf8'))
  const command = [program, String(pairs)]
  return randomBits > 28 ? ['setarch', ['--addr-no-randomize', ...command]] : [command[0], command.slice(1)]
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [build = 'plain', pairs = 10_000_000] = process.argv.slice(2)
  const known = BUILDS.find((each) => each === build)
  if (!known) throw new Error(`expected one of ${BUILDS.join(', ')}, got ${build}`)
  const [command, arguments_] = checkCommand(buildCheck(known), Number(pairs))
  process.exitCode = spawnSync(command, arguments_, { stdio: 'inherit' }).status ?? 1
}
