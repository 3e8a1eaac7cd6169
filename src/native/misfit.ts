import { node } from '../core/host.js'

// Why a file cannot be loaded as an addon, as far as the file itself shows.

const { platform, arch } = (node ?? {}) as NodeJS.Process

/** What a kind of library says of itself. `end` is the least length that its parts need. */
interface Library {
  arch: string
  end: number
}

const named = (names: Record<number, string>, machine: number) => names[machine] ?? `machine ${machine}`
const ELF_MACHINES = { 3: 'ia32', 40: 'arm', 62: 'x64', 183: 'arm64', 243: 'riscv64' }
const PE_MACHINES = { 332: 'ia32', 34404: 'x64', 43620: 'arm64' }
const MACH_O_MACHINES = { 16777223: 'x64', 16777228: 'arm64' }
/** A file for several architectures, of which macOS takes the one that fits. */
const UNIVERSAL = 0xcafebabe

function readElf(file: Buffer): Library | undefined {
  if (file.length < 64 || file.readUInt32BE(0) !== 0x7f454c46) return undefined
  const end = Number(file.readBigUInt64LE(40)) + file.readUInt16LE(58) * file.readUInt16LE(60)
  return { arch: named(ELF_MACHINES, file.readUInt16LE(18)), end }
}

function readPe(file: Buffer): Library | undefined {
  if (file.length < 64 || file.toString('latin1', 0, 2) !== 'MZ') return undefined
  const header = file.readUInt32LE(60)
  if (file.length < header + 24) return { arch, end: header + 24 }
  if (file.toString('latin1', header, header + 4) !== 'PE\0\0') return undefined
  const sections = header + 24 + file.readUInt16LE(header + 20)
  const headers = sections + 40 * file.readUInt16LE(header + 6)
  let end = headers
  for (let at = sections; at + 40 <= Math.min(headers, file.length); at += 40)
    end = Math.max(end, file.readUInt32LE(at + 16) + file.readUInt32LE(at + 20))
  return { arch: named(PE_MACHINES, file.readUInt16LE(header + 4)), end }
}

function readMachO(file: Buffer): Library | undefined {
  if (file.length < 32) return undefined
  if (file.readUInt32BE(0) === UNIVERSAL) return { arch, end: 0 }
  if (file.readUInt32LE(0) !== 0xfeedfacf) return undefined
  const commands = 32 + file.readUInt32LE(20)
  let end = commands
  for (let at = 32; at + 56 <= Math.min(commands, file.length); at += Math.max(8, file.readUInt32LE(at + 4)))
    if (file.readUInt32LE(at) === 0x19)
      end = Math.max(end, Number(file.readBigUInt64LE(at + 40)) + Number(file.readBigUInt64LE(at + 48)))
  return { arch: named(MACH_O_MACHINES, file.readUInt32LE(4)), end }
}

const FORMATS: Partial<Record<NodeJS.Platform, [system: string, read: (file: Buffer) => Library | undefined]>> = {
  linux: ['Linux', readElf],
  win32: ['Windows', readPe],
  darwin: ['macOS', readMachO],
}

/** Says why a file cannot be loaded. It is checked because loading can end the process on a file that is truncated or
 * built for another C library, and because Windows and macOS say less. `libc` is that of this process. */
export function misfit(file: Buffer, libc: string | undefined): string | undefined {
  if (file.length === 0) return 'the file is empty'
  const format = FORMATS[platform]
  if (!format) return undefined
  const [system, read] = format
  const library = read(file)
  if (!library) return `not a shared library of ${system}`
  if (library.arch !== arch) return `built for ${library.arch}, this is ${arch}`
  if (file.length < library.end) return `truncated: ${file.length} of at least ${library.end} bytes`
  if (platform !== 'linux') return undefined
  const itsLibc = file.includes('\0libc.so.6\0') ? 'glibc' : 'musl'
  return itsLibc === libc ? undefined : `built for ${itsLibc}, this is ${libc ?? 'another C library'}`
}
