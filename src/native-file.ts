import { closeSync, existsSync, openSync, readSync } from 'node:fs'
import { join } from 'node:path'
import { ScaLossError } from './errors.js'

/** `'glibc'` or `'musl'`; undefined where the question does not arise. */
export function libcOf(platform: NodeJS.Platform = process.platform): string | undefined {
  if (platform !== 'linux') return undefined
  const { header } = process.report.getReport() as { header: { glibcVersionRuntime?: string } }
  return header.glibcVersionRuntime ? 'glibc' : 'musl'
}

const HERE = [process.platform, process.arch].join('-')

/** Files that may hold the addon, best first. In a bundle `directory` is the folder of the bundle. */
function candidates(directory: string): string[] {
  const asked = process.env.SCALOSS_PREBUILD
  if (asked) return [asked.endsWith('.node') ? asked : join(asked, 'build/Release/scaloss.node')]
  const name = ['scaloss', libcOf(), 'node'].filter(Boolean).join('.')
  const prebuild = join('prebuilds', HERE, name)
  const files = [join(directory, '..', prebuild), join(directory, prebuild)]
  return process.env.PREBUILDS_ONLY ? files : [join(directory, '../build/Release/scaloss.node'), ...files]
}

const ELF_MACHINES: Record<number, string> = { 3: 'ia32', 40: 'arm', 62: 'x64', 183: 'arm64', 243: 'riscv64' }

/** What an ELF file's first bytes say against loading it here, which dlopen says less clearly or not at all. */
function misfit(file: string): string | undefined {
  const header = Buffer.alloc(20)
  const handle = openSync(file, 'r')
  const length = readSync(handle, header, 0, header.length, 0)
  closeSync(handle)
  if (length === 0) return 'the file is empty'
  if (process.platform !== 'linux') return undefined
  if (length < header.length || header.readUInt32BE(0) !== 0x7f454c46) return 'not a program of Linux (no ELF header)'
  const machine = header.readUInt16LE(18)
  const arch = ELF_MACHINES[machine] ?? `machine ${machine}`
  return arch === process.arch ? undefined : `built for ${arch}, this is ${process.arch}`
}

/** What is needed where dlopen has said this. */
function advice(message: string): string {
  const [, glibc] = /version `GLIBC_([\d.]+)' not found/.exec(message) ?? []
  if (glibc) return `${message}\n    (it needs glibc ${glibc} or newer)`
  return message
}
