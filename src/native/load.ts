import { builtin, node } from '../core/host.js'
import { adviceFor, reasonOf, unavailable } from './load-error.js'
import { candidates, findPlace, glibcVersion, libcOf, type Modules } from './place.js'

// Loads the addon file.

const { platform, arch, versions } = (node ?? {}) as NodeJS.Process

const ELF_MACHINES: Record<number, string> = { 3: 'ia32', 40: 'arm', 62: 'x64', 183: 'arm64', 243: 'riscv64' }

/** Says why a file cannot be loaded on Linux, as far as the file itself shows. It is checked because dlopen can end the
 * process on a file that is truncated or built for another C library. */
function misfit(file: Buffer, libc: string | undefined): string | undefined {
  if (file.length === 0) return 'the file is empty'
  if (platform !== 'linux') return undefined
  if (file.length < 64 || file.readUInt32BE(0) !== 0x7f454c46) return 'not a shared library of Linux'
  const machine = file.readUInt16LE(18)
  const itsArch = ELF_MACHINES[machine] ?? `machine ${machine}`
  if (itsArch !== arch) return `built for ${itsArch}, this is ${arch}`
  const end = Number(file.readBigUInt64LE(40)) + file.readUInt16LE(58) * file.readUInt16LE(60)
  if (file.length < end) return `truncated: ${file.length} of at least ${end} bytes`
  const itsLibc = file.includes('\0libc.so.6\0') ? 'glibc' : 'musl'
  return itsLibc === libc ? undefined : `built for ${itsLibc}, this is ${libc ?? 'another C library'}`
}

function load({ fs }: Modules, path: string, libc: string | undefined): unknown {
  const wrong = misfit(fs.readFileSync(path), libc)
  if (wrong) throw new Error(wrong)
  // Not by require: bundlers rewrite that, and then the addon could never be loaded.
  const addon = { exports: {} }
  process.dlopen(addon, path)
  return addon.exports
}

/** Loads the addon of this package. If that fails, the error lists what was tried and what to do. */
export function loadNativeFile(): unknown {
  if (!node?.versions?.node || !node.dlopen)
    throw unavailable('no-node', ['Only Node.js, Bun and Deno can load addons, and this host is none of them.'])
  const [fs, path, url] = [builtin('fs'), builtin('path'), builtin('url')]
  if (!fs || !path || !url) {
    const advice = `A bundle of ES modules finds it in Node 20.16, 22.3 and newer, and this is ${versions.node}.`
    throw unavailable('bundled', [
      advice,
      'Make scaloss external in the settings of the bundler, or bundle as CommonJS.',
    ])
  }
  const modules = { fs, path, url }
  const place = findPlace(modules)
  const libc = libcOf(modules)
  const tried: string[] = []
  const failures: NodeJS.ErrnoException[] = []
  for (const file of candidates(modules, place, libc)) {
    try {
      return load(modules, file, libc)
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException
      tried.push(`  ${file}: ${code === 'ENOENT' ? 'no such file' : message.replaceAll('\n', ' ')}`)
      if (code !== 'ENOENT') failures.push(error as NodeJS.ErrnoException)
    }
  }
  const reason = reasonOf(failures, place)
  const here = [`${platform}-${arch}`, libc && `${libc} ${glibcVersion() ?? ''}`.trim()]
  const lines = [
    `Here: ${[...here, `Node ${versions.node}`, `Node-API ${versions.napi}`].filter(Boolean).join(', ')}.`,
    'Tried:',
    ...tried,
    ...adviceFor(reason, modules, place),
  ]
  throw unavailable(reason, lines, failures[0])
}
