import { closeSync, openSync, readdirSync, readFileSync, readSync } from 'node:fs'
import { join } from 'node:path'
import nodeGypBuild from 'node-gyp-build'
import { ScaLossError, show } from '../core/errors.js'

// Finds and loads the addon's file: what `npm run build:native` built, or the prebuild for this platform and C library.

const { platform, arch, execPath, versions } = process

/** The C library that this process runs on, by the loader that its program names; undefined where there is one alone. */
function libcHere(): 'glibc' | 'musl' | undefined {
  if (platform !== 'linux') return undefined
  const start = Buffer.alloc(4096)
  const program = openSync(execPath, 'r')
  readSync(program, start)
  closeSync(program)
  return start.includes('/ld-musl-') ? 'musl' : 'glibc'
}

function candidates(dist: string, libc: string | undefined): string[] {
  const chosen = process.env.SCALOSS_PREBUILD
  if (chosen) return [chosen.endsWith('.node') ? chosen : join(chosen, 'build/Release/scaloss.node')]
  // It does not look into a file, and on musl takes one without a tag for its own: it proposes, and others come after.
  const proposed = () => {
    try {
      return [nodeGypBuild.path(join(dist, '..'))]
    } catch {
      return []
    }
  }
  const built = join(dist, '../build/Release/scaloss.node')
  const prebuild = `prebuilds/${platform}-${arch}/${['scaloss', libc, 'node'].filter(Boolean).join('.')}`
  // Beside `dist`, or beside the one file that a bundler made of this package and its user.
  const prebuilds = [join(dist, '..', prebuild), join(dist, prebuild)]
  return [...new Set([...proposed(), ...(process.env.PREBUILDS_ONLY ? [] : [built]), ...prebuilds])]
}

const ELF_MACHINES: Record<number, string> = { 3: 'ia32', 40: 'arm', 62: 'x64', 183: 'arm64', 243: 'riscv64' }

/** Why a file for Linux cannot be loaded here, as far as it says so itself: a truncated one, or one for another C library,
 * can end the process in dlopen. */
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
  return itsLibc === libc ? undefined : `built for ${itsLibc}, this is ${libc}`
}

function load(path: string, libc: string | undefined): unknown {
  const wrong = misfit(readFileSync(path), libc)
  if (wrong) throw new Error(wrong)
  return require(path)
}

/** The prebuilds that the package has, as `linux-x64/scaloss.glibc.node`. */
function prebuilds(dist: string): string {
  try {
    const files = readdirSync(join(dist, '../prebuilds'), { recursive: true, encoding: 'utf8' })
    return files.filter((file) => file.endsWith('.node')).join(', ') || 'none'
  } catch {
    return 'none'
  }
}

function glibcVersion(): string {
  const { header } = process.report.getReport() as { header: { glibcVersionRuntime?: string } }
  return header.glibcVersionRuntime ?? ''
}

const BUILD =
  'npm install --no-save cmake-js@8 node-addon-api@8 node-api-headers@1 && npx cmake-js compile --directory node_modules/scaloss'

/** Loads the addon of the package whose compiled files lie in `dist`. Throws what was tried and what to do. */
export function loadNativeFile(dist: string): unknown {
  const libc = libcHere()
  const tried: string[] = []
  let cause: unknown
  for (const path of candidates(dist, libc)) {
    try {
      return load(path, libc)
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException
      tried.push(`    ${path}: ${code === 'ENOENT' ? 'no such file' : message.replaceAll('\n', ' ')}`)
      if (code !== 'ENOENT') cause ??= error
    }
  }
  const here = [`${platform}-${arch}`, libc && `${libc} ${libc === 'glibc' ? glibcVersion() : ''}`.trim()]
  const chosen = process.env.SCALOSS_PREBUILD
  throw new ScaLossError(
    'ERR_SCALOSS_BACKEND_UNAVAILABLE',
    [
      'the native addon of scaloss could not be loaded.',
      `  Here: ${[...here, `Node ${versions.node}`, `Node-API ${versions.napi}`].filter(Boolean).join(', ')}.`,
      '  Tried:',
      ...tried,
      ...(chosen
        ? [`  SCALOSS_PREBUILD is ${show(chosen)}: expected a .node file or a folder with build/Release/scaloss.node.`]
        : []),
      `  Needed: Node-API 8; prebuilds in the package: ${prebuilds(dist)}.`,
      '  To build it in your project (a C++17 compiler and CMake are needed; in a checkout: npm run build:native):',
      `    ${BUILD}`,
      "  Without it the backend 'js' works, slowly.",
    ].join('\n'),
    { cause },
  )
}
