import { builtin, ifAllowed, node, setting } from '../core/host.js'
import { here } from './here.js'

// Where the addon may be: the one that `npm run build:native` built, or the prebuild for this platform and C library.

/** The modules of Node that finding and loading a file takes. */
export interface Modules {
  fs: typeof import('node:fs')
  path: typeof import('node:path')
  url: typeof import('node:url')
}

/** Where this code runs: in the package, or merged into a bundle. */
export interface Place {
  bundled: boolean
  /** The folder of the package, if it is there. */
  root?: string
  /** The folders of the bundle and of the program, as far as they are known. */
  beside: string[]
}

/** The path of this package's `here.ts`: as source, in CommonJS, in ES modules. */
const HERE_IN_PACKAGE = /^(.*)[\\/](?:src|dist)([\\/]esm)?[\\/]native[\\/]here\.[jt]s$/

export function findPlace({ fs, path, url }: Modules): Place {
  const file = here?.startsWith('file:') ? url.fileURLToPath(here) : here
  const [, root, esm] = HERE_IN_PACKAGE.exec(file ?? '') ?? []
  // Where Deno may not look, it throws.
  const inPackage = root !== undefined && ifAllowed(() => fs.existsSync(path.join(root, 'package.json'))) !== false
  if (inPackage && esm === undefined) return { bundled: false, root, beside: [] }
  // Only bundlers take the ES modules. In a bundle of ES modules by webpack, `here` is what it was when that was made.
  // The program is often the bundle, or lies beside it.
  const files = [inPackage ? undefined : file, node?.argv?.[1]]
  const folders = files.flatMap((name) => (name !== undefined && path.isAbsolute(name) ? path.dirname(name) : []))
  return { bundled: true, ...(inPackage && { root }), beside: [...new Set(folders)] }
}

/** Returns the name of the C library of this process, on Linux. */
export function libcOf({ fs }: Modules): 'glibc' | 'musl' | undefined {
  if (node?.platform !== 'linux') return undefined
  // The program names its loader near its start. That takes less time than a report.
  const [loader] = /\/ld-(?:musl|linux)/.exec(ifAllowed(() => startOf(fs, process.execPath)) ?? '') ?? []
  if (loader) return loader === '/ld-musl' ? 'musl' : 'glibc'
  return glibcVersion() === undefined ? 'musl' : 'glibc'
}

function startOf(fs: Modules['fs'], path: string): string {
  const bytes = Buffer.alloc(4096)
  const file = fs.openSync(path, 'r')
  try {
    fs.readSync(file, bytes, 0, bytes.length, 0)
  } finally {
    fs.closeSync(file)
  }
  return bytes.toString('latin1')
}

/** Returns the version of glibc, which is empty where Deno does not tell. Returns undefined if this process has another
 * C library. */
export function glibcVersion(): string | undefined {
  const report = node?.report as (NodeJS.ProcessReport & { excludeNetwork?: boolean }) | undefined
  if (!report) return undefined
  const { excludeNetwork = false } = report
  // Otherwise Node looks up the names of all hosts that it has a connection to.
  report.excludeNetwork = true
  const { header } = (ifAllowed(() => report.getReport()) ?? {}) as { header?: { glibcVersionRuntime?: string } }
  report.excludeNetwork = excludeNetwork
  return header ? header.glibcVersionRuntime : ''
}

/** Returns the choice of node-gyp-build, which knows the names that prebuilds may have. It does not look into files,
 * and on musl it accepts a file without a C library tag, so others follow. It is required at run time and not
 * imported, because a bundle must do without it. */
function proposed({ path }: Modules, root: string): string | undefined {
  return ifAllowed(() => {
    const require = builtin('module')?.createRequire(path.join(root, 'package.json'))
    return (require?.('node-gyp-build') as { path(folder: string): string } | undefined)?.path(root)
  })
}

/** Lists the files that may be the addon, best first. */
export function candidates(modules: Modules, { bundled, root, beside }: Place, libc: string | undefined): string[] {
  const { path } = modules
  const chosen = setting('SCALOSS_PREBUILD')
  if (chosen) return [chosen.endsWith('.node') ? chosen : path.join(chosen, 'build/Release/scaloss.node')]
  const built = bundled || setting('PREBUILDS_ONLY') ? [] : ['build/Release/scaloss.node']
  const prebuild = `prebuilds/${node?.platform}-${node?.arch}/${['scaloss', libc, 'node'].filter(Boolean).join('.')}`
  const folders = root === undefined ? beside : [root, ...beside]
  const files = folders.flatMap((folder) => [...built, prebuild].map((file) => path.join(folder, file)))
  const first = bundled || root === undefined ? undefined : proposed(modules, root)
  return first === undefined ? files : [...new Set([first, ...files])]
}
