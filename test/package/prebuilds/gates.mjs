// node test/package/prebuilds/gates.mjs, run after npm run prebuild:pack, plants faults in the prebuilds for Windows
// and macOS, and checks that each is found. test/package/release.test.ts does so for Linux.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { wrongWith } from '../../../scripts/prebuild/gates.mjs'
import { prebuildOf, TARGETS } from '../../../scripts/prebuild/targets.mjs'

const folder = mkdtempSync(join(tmpdir(), 'scaloss-gates-'))
const file = join(folder, 'faulty.node')

/** @typedef {(bytes: Buffer) => Buffer | void} Change */

/** @param {string} from @param {string} to @returns {Change} */
const renamed = (from, to) => (bytes) => Buffer.from(bytes.toString('latin1').replaceAll(from, to), 'latin1')

/** Changes the first load command of this kind. @param {number} kind @param {(command: Buffer) => void} change
 * @returns {Change} */
const loadCommand = (kind, change) => (bytes) => {
  let at = 32
  while (bytes.readUInt32LE(at) !== kind) at += bytes.readUInt32LE(at + 4)
  change(bytes.subarray(at))
}

/** @type {[fault: string, change: Change, found: RegExp][]} */
const PE_FAULTS = [
  ['another CPU', (bytes) => void bytes.writeUInt16LE(0xaa64, bytes.readUInt32LE(60) + 4), /^for .*, x86_64 expected$/],
  [
    'another export',
    renamed('napi_register_module_v1', 'napi_register_modules_v'),
    /^exports napi_register_modules_v$/,
  ],
  ['another library', renamed('msvcrt.dll', 'msvcr9.dll'), /^needs msvcr9\.dll$/],
]
/** @type {typeof PE_FAULTS} */
const MACH_O_FAULTS = [
  ['another CPU', (bytes) => void bytes.writeUInt32LE(0x100000d, 4), /^for .*, \w+ expected$/],
  ['another export', renamed('register_module_v1', 'register_modules_v'), /^exports _napi_register_modules_v$/],
  ['another library', renamed('libSystem.B', 'libSystem.C'), /^needs \/usr\/lib\/libSystem\.C\.dylib$/],
  ['a function that is nowhere', renamed('_napi_throw\0', '_nobody_has\0'), /^asks for nobody_has$/],
  ['a newer macOS', loadCommand(0x32, (command) => command.writeUInt32LE(0xc0000, 12)), /^for macOS 12\.0 and newer/],
  ['a changed byte', (bytes) => void bytes.writeUInt8(bytes.readUInt8(300_000) ^ 1, 300_000), /^page 73 is not/],
  ['no signature', loadCommand(0x1d, (command) => command.writeUInt32LE(0, 0)), /^has no signature$/],
]

/** @param {string} name @param {typeof PE_FAULTS} faults */
function check(name, faults) {
  const target = TARGETS[name]
  if (!target) throw new Error(name)
  const bytes = readFileSync(join(import.meta.dirname, '../../..', prebuildOf(target)))
  /** @param {string} fault @param {Buffer} contents @param {RegExp} expected */
  const expectFound = (fault, contents, expected, ofTarget = target) => {
    writeFileSync(file, contents)
    const found = wrongWith(file, ofTarget)
    if (!found.some((problem) => expected.test(problem)))
      throw new Error(`${name} with ${fault}: ${expected} expected, got ${found.join('; ') || 'nothing'}`)
  }
  for (const [fault, change, expected] of faults) {
    const copy = Buffer.from(bytes)
    expectFound(fault, change(copy) ?? copy, expected)
  }
  expectFound('too many bytes', bytes, /at most 0\.1 MB/, { ...target, megabytes: 0.1 })
  writeFileSync(file, bytes)
  if (wrongWith(file, target).length > 0) throw new Error(`${name}: ${wrongWith(file, target).join('; ')}`)
  console.log(`${name}: each of ${faults.length + 1} faults is found, and nothing else`)
}

try {
  check('win32-x64', PE_FAULTS)
  check('darwin-x64', MACH_O_FAULTS)
  check('darwin-arm64', MACH_O_FAULTS)
} finally {
  rmSync(folder, { recursive: true })
}
