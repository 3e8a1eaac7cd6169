import { ScaLossError, show, type UnavailableReason } from '../core/errors.js'
import { builtin, node, setting } from '../core/host.js'
import { here } from './here.js'

// Finds and loads the addon file: the one that `npm run build:native` built, or the prebuild for this platform and C
// library.

const { platform, arch, versions } = (node ?? {}) as NodeJS.Process

/** The modules of Node that finding and loading a file takes. */
interface Modules {
  fs: typeof import('node:fs')
  path: typeof import('node:path')
  url: typeof import('node:url')
}

/** Where this code runs: in the package, or merged into a bundle. The addon may be in one of the folders. */
interface Place {
  bundled: boolean
  folders: string[]
}

/** The path of this package's `here.ts`: as source, in CommonJS, in ES modules. */
const HERE_IN_PACKAGE = /^(.*)[\\/](?:src|dist)([\\/]esm)?[\\/]native[\\/]here\.[jt]s$/

function findPlace({ fs, path, url }: Modules): Place {
  const file = here?.startsWith('file:') ? url.fileURLToPath(here) : here
  const [, root, esm] = HERE_IN_PACKAGE.exec(file ?? '') ?? []
  const inPackage = root !== undefined && fs.existsSync(path.join(root, 'package.json'))
  if (inPackage && esm === undefined) return { bundled: false, folders: [root] }
  // Only bundlers take the ES modules. In a bundle of ES modules by webpack, `here` is what it was when that was made.
  // The program is often the bundle, or lies beside it.
  const files = [inPackage ? undefined : file, node?.argv?.[1]]
  const folders = files.flatMap((name) => (name !== undefined && path.isAbsolute(name) ? path.dirname(name) : []))
  return { bundled: true, folders: [...new Set([...(inPackage ? [root] : []), ...folders])] }
}

/** Returns the version of glibc, or undefined if this process has another C library. */
function glibcVersion(): string | undefined {
  const report = node?.report as (NodeJS.ProcessReport & { excludeNetwork?: boolean }) | undefined
  if (platform !== 'linux' || !report) return undefined
  const { excludeNetwork = false } = report
  // Otherwise Node looks up the names of all hosts that it has a connection to.
  report.excludeNetwork = true
  const { header } = report.getReport() as { header?: { glibcVersionRuntime?: string } }
  report.excludeNetwork = excludeNetwork
  return header?.glibcVersionRuntime
}

function candidates({ path }: Modules, { bundled, folders }: Place, libc: string | undefined): string[] {
  const chosen = setting('SCALOSS_PREBUILD')
  if (chosen) return [chosen.endsWith('.node') ? chosen : path.join(chosen, 'build/Release/scaloss.node')]
  const built = bundled || setting('PREBUILDS_ONLY') ? [] : ['build/Release/scaloss.node']
  const prebuild = `prebuilds/${platform}-${arch}/${['scaloss', libc, 'node'].filter(Boolean).join('.')}`
  return folders.flatMap((folder) => [...built, prebuild].map((file) => path.join(folder, file)))
}

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

/** Lists the prebuilds in the package, such as `linux-x64/scaloss.glibc.node`. */
function prebuilds({ fs, path }: Modules, [folder = '']: readonly string[]): string {
  try {
    const files = fs.readdirSync(path.join(folder, 'prebuilds'), { recursive: true, encoding: 'utf8' })
    return files.filter((file) => file.endsWith('.node')).join(', ') || 'none'
  } catch {
    return 'none'
  }
}

const BUILD =
  'npm install --no-save cmake-js@8 node-addon-api@8 node-api-headers@1 && npx cmake-js compile --directory node_modules/scaloss'

/** Says why no file could be loaded. `failures` are the errors of the files that exist. */
function reasonOf(failures: readonly NodeJS.ErrnoException[], { bundled }: Place): UnavailableReason {
  if (failures.some(({ code }) => code === 'ERR_DLOPEN_DISABLED' || code === 'ERR_ACCESS_DENIED'))
    return 'addons-disabled'
  if (failures.length > 0) return 'misfit'
  return bundled ? 'bundled' : 'not-built'
}

/** Says what to do about a reason. */
function adviceFor(reason: UnavailableReason, modules: Modules, { bundled, folders }: Place): string[] {
  if (reason === 'addons-disabled') {
    // `process.permission` exists only if Node was started with the permission model, whatever its type says.
    return 'permission' in process
      ? [
          "Node was started with its permission model: add --allow-addons, and let --allow-fs-read hold this package's folder.",
        ]
      : ['Node was started with --no-addons, on its command line or in NODE_OPTIONS: start it without that flag.']
  }
  const chosen = setting('SCALOSS_PREBUILD')
  const wrongSetting = `SCALOSS_PREBUILD is ${show(chosen)}: expected a .node file or a folder with build/Release/scaloss.node.`
  const needed = `Needed: Node-API 8; prebuilds in the package: ${prebuilds(modules, folders)}.`
  return [
    ...(chosen ? [wrongSetting] : []),
    ...(bundled
      ? [
          'This code is part of a bundle. Make scaloss external in the settings of the bundler, or copy the folder',
          `node_modules/scaloss/prebuilds to the folder of the bundle${folders[0] ? `: ${folders.at(-1)}/prebuilds` : ''}.`,
        ]
      : [
          needed,
          'To build it in your project (a C++17 compiler and CMake are needed; in a checkout: npm run build:native):',
          `  ${BUILD}`,
        ]),
  ]
}

/** Makes the error for an addon that cannot be loaded. */
function unavailable(reason: UnavailableReason, lines: readonly string[], cause?: unknown): ScaLossError {
  const message = [
    'the native addon of scaloss could not be loaded.',
    ...lines,
    "Without it the backend 'wasm' works, in about four times the time. Where that cannot run, 'js' works, slowly.",
  ].join('\n  ')
  return new ScaLossError('ERR_SCALOSS_BACKEND_UNAVAILABLE', message, { cause, reason })
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
  const glibc = glibcVersion()
  const libc = platform === 'linux' ? (glibc ? 'glibc' : 'musl') : undefined
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
  const here = [`${platform}-${arch}`, libc && `${libc} ${glibc ?? ''}`.trim()]
  const lines = [
    `Here: ${[...here, `Node ${versions.node}`, `Node-API ${versions.napi}`].filter(Boolean).join(', ')}.`,
    'Tried:',
    ...tried,
    ...adviceFor(reason, modules, place),
  ]
  throw unavailable(reason, lines, failures[0])
}
