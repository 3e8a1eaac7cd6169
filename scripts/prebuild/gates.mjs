// Checks that the file of a prebuild must pass, whatever machine built it.
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { wrongWithSignature } from './signature.mjs'

/** @typedef {import('./targets.mjs').Target} Target */

/** The newest glibc that a prebuild may ask for, and the oldest macOS that it must serve: those of docs/support.md. */
const NEWEST_GLIBC = [2, 18]
const OLDEST_MACOS = '11.0'

const ENTRY_POINT = /^_?(napi_register_module_v|node_api_module_get_api_version_v)\d+$/

const run = (/** @type {string} */ command, /** @type {string[]} */ ...args) =>
  execFileSync(command, args, { encoding: 'utf8', env: { ...process.env, LC_ALL: 'C' } })
const lines = (/** @type {string} */ text) => text.split('\n').map((line) => line.trim().split(/\s+/))

/** @param {string[]} names that a file exports @returns {string[]} */
const wrongExports = (names) =>
  names.length === 0
    ? ['exports nothing']
    : names.filter((name) => !ENTRY_POINT.test(name)).map((name) => `exports ${name}`)

/** @param {string | undefined} machine @param {string} expected @returns {string[]} */
const wrongMachine = (machine = 'none', expected = '') =>
  machine.includes(expected) ? [] : [`for ${machine}, ${expected} expected`]

/** @param {string[]} libraries @param {string[]} allowed @returns {string[]} */
const wrongImports = (libraries, allowed) =>
  libraries.filter((library) => !allowed.includes(library)).map((library) => `needs ${library}`)

/** @param {string} file @param {Target} target @returns {string[]} */
function wrongWithElf(file, target) {
  const [, machine] = /Machine: +(.*)/.exec(run('readelf', '-h', file)) ?? []
  const symbols = lines(run('readelf', '--dyn-syms', '-W', file))
  const exported = symbols.filter(
    ([, , , , bind, , section]) => bind && bind !== 'LOCAL' && /^\d+$/.test(section ?? ''),
  )
  const problems = [
    ...wrongMachine(machine, { x64: 'X86-64', arm64: 'AArch64' }[target.arch]),
    ...wrongExports(exported.map(([, , , , , , , name = '']) => name)),
  ]
  for (const [, , , , , , , name = ''] of symbols) {
    const [, major, minor] = /@GLIBC_(\d+)\.(\d+)/.exec(name) ?? []
    if (!major) continue
    if (target.libc === 'musl') problems.push(`asks for ${name} of glibc`)
    else if (Number(major) !== NEWEST_GLIBC[0] || Number(minor) > NEWEST_GLIBC[1]) problems.push(`asks for ${name}`)
  }
  return problems
}

/** @param {string} file @param {Target} target @returns {string[]} */
function wrongWithPe(file, target) {
  const headers = run('llvm-objdump-19', '--file-headers', '--private-headers', file)
  const [, machine] = /^architecture: (.*)/m.exec(headers) ?? []
  const exported = lines(headers.slice(headers.indexOf('Export Table:'))).filter(([, address]) =>
    address?.startsWith('0x'),
  )
  const libraries = [...headers.matchAll(/DLL Name: (.*)/g)].map(([, name = '']) => name)
  return [
    ...wrongMachine(machine, { x64: 'x86_64', arm64: 'aarch64' }[target.arch]),
    ...wrongExports(exported.map(([, , name = '']) => name)),
    ...wrongImports(libraries, ['KERNEL32.dll', 'msvcrt.dll']),
  ]
}

/** @param {string} file @param {Target} target @returns {string[]} */
function wrongWithMachO(file, target) {
  const dump = (/** @type {string[]} */ ...options) => run('llvm-objdump-19', '--macho', ...options, file)
  const headers = dump('--private-headers')
  const [, machine] = /^ *MH_MAGIC_64 +(\S+)/m.exec(headers) ?? []
  const [, oldest = 'none'] = /platform macos\n.*\n +minos (\S+)/.exec(headers) ?? []
  const exported = lines(dump('--exports-trie')).filter(([address]) => address?.startsWith('0x'))
  const libraries = [...headers.matchAll(/cmd LC_LOAD\S*_DYLIB\n.*\n +name (\S+)/g)].map(([, name = '']) => name)
  // What a linker could not find is left to the program that loads the file, which has Node-API.
  const leftToNode = [...dump('--bind', '--lazy-bind', '--weak-bind').matchAll(/flat-namespace +_(\S+)/g)]
  return [
    ...wrongMachine(machine, { x64: 'X86_64', arm64: 'ARM64' }[target.arch]),
    ...(oldest === OLDEST_MACOS ? [] : [`for macOS ${oldest} and newer, ${OLDEST_MACOS} expected`]),
    ...wrongExports(exported.map(([, name = '']) => name)),
    ...wrongImports(libraries, ['/usr/lib/libSystem.B.dylib']),
    ...leftToNode.filter(([, name = '']) => !name.startsWith('napi_')).map(([, name]) => `asks for ${name}`),
    ...wrongWithSignature(readFileSync(file)),
  ]
}

const FORMATS = {
  linux: { magic: '7f454c46', wrongWith: wrongWithElf },
  win32: { magic: '4d5a', wrongWith: wrongWithPe },
  darwin: { magic: 'cffaedfe', wrongWith: wrongWithMachO },
}

/** @param {string} file @param {Target} target @returns {string[]} what is wrong */
export function wrongWith(file, target) {
  const bytes = readFileSync(file)
  const { magic, wrongWith } = FORMATS[target.platform]
  if (!bytes.toString('hex').startsWith(magic)) return [`for another platform, ${target.platform} expected`]
  const tooLarge = bytes.length > target.megabytes * 1e6
  return [
    ...(tooLarge ? [`${bytes.length} bytes, at most ${target.megabytes} MB expected`] : []),
    ...wrongWith(file, target),
  ]
}
