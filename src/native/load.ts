import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, toNamespacedPath } from 'node:path'
import { familySync, versionSync } from 'detect-libc'
import { ScaLossError, show, type UnavailableReason } from '../core/errors.js'
import { misfit } from './misfit.js'

// Finds and loads the addon file: the one that `npm run build:native` built, or the prebuild for this platform and C
// library.

const { platform, arch, versions } = process

/** The folder of this file. A bundle of ES modules has no `__dirname`, so the folder of the program stands for it. */
const HERE = typeof __dirname === 'undefined' ? dirname(process.argv[1] ?? '.') : __dirname

function candidates(dist: string, libc: string | undefined): string[] {
  const chosen = process.env.SCALOSS_PREBUILD
  if (chosen) return [chosen.endsWith('.node') ? chosen : join(chosen, 'build/Release/scaloss.node')]
  // node-gyp-build does not look into files, and on musl it accepts a file without a C library tag. So its choice is
  // only the first candidate, and others follow.
  const proposed = () => {
    try {
      // It is loaded here and not at the top, because it reads files while loading, which narrow permissions may
      // forbid.
      const { path } = require('node-gyp-build') as { path(folder: string): string }
      return [path(join(dist, '..'))]
    } catch {
      return []
    }
  }
  const built = join(dist, '../build/Release/scaloss.node')
  const prebuild = `prebuilds/${platform}-${arch}/${['scaloss', libc, 'node'].filter(Boolean).join('.')}`
  // Prebuilds lie beside `dist`, or beside the bundle if a bundler merged this code into one file.
  const prebuilds = [join(dist, '..', prebuild), join(HERE, prebuild)]
  return [...new Set([...proposed(), ...(process.env.PREBUILDS_ONLY ? [] : [built]), ...prebuilds])]
}

function load(path: string, libc: string | undefined): unknown {
  const wrong = misfit(readFileSync(path), libc)
  if (wrong) throw new Error(wrong)
  // Not by require: bundlers rewrite that, and then the addon could never be loaded.
  const addon = { exports: {} }
  // Windows accepts a long path only in that form.
  process.dlopen(addon, toNamespacedPath(path))
  return addon.exports
}

/** Lists the prebuilds in the package, such as `linux-x64/scaloss.glibc.node`. */
function prebuilds(dist: string): string {
  try {
    const files = readdirSync(join(dist, '../prebuilds'), { recursive: true, encoding: 'utf8' })
    return files.filter((file) => file.endsWith('.node')).join(', ') || 'none'
  } catch {
    return 'none'
  }
}

const BUILD =
  'npm install --no-save cmake-js@8 node-addon-api@8 node-api-headers@1 && npx cmake-js compile --directory node_modules/scaloss'

/** Says why no file could be loaded. `failures` are the errors of the files that exist. */
function reasonOf(failures: readonly NodeJS.ErrnoException[]): UnavailableReason {
  if (failures.some(({ code }) => code === 'ERR_DLOPEN_DISABLED' || code === 'ERR_ACCESS_DENIED'))
    return 'addons-disabled'
  return failures.length > 0 ? 'misfit' : 'not-built'
}

/** Says what to do where Node forbids addons. */
function allowAddons(): string {
  // `process.permission` exists only if Node was started with the permission model, whatever its type says.
  const underPermissions = 'permission' in process
  return underPermissions
    ? "  Node was started with its permission model: add --allow-addons, and let --allow-fs-read hold this package's folder."
    : '  Node was started with --no-addons, on its command line or in NODE_OPTIONS: start it without that flag.'
}

/** Loads the addon of this package. If that fails, the error lists what was tried and what to do. */
export function loadNativeFile(): unknown {
  const dist = join(HERE, '..')
  const libc = familySync() ?? undefined
  const tried: string[] = []
  const failures: NodeJS.ErrnoException[] = []
  for (const path of candidates(dist, libc)) {
    try {
      return load(path, libc)
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException
      tried.push(`    ${path}: ${code === 'ENOENT' ? 'no such file' : message.replaceAll('\n', ' ')}`)
      if (code !== 'ENOENT') failures.push(error as NodeJS.ErrnoException)
    }
  }
  const reason = reasonOf(failures)
  const here = [`${platform}-${arch}`, libc && `${libc} ${versionSync() ?? ''}`.trim()]
  const chosen = process.env.SCALOSS_PREBUILD
  const advice = [
    ...(chosen
      ? [`  SCALOSS_PREBUILD is ${show(chosen)}: expected a .node file or a folder with build/Release/scaloss.node.`]
      : []),
    `  Needed: Node-API 8; prebuilds in the package: ${prebuilds(dist)}.`,
    '  To build it in your project (a C++17 compiler and CMake are needed; in a checkout: npm run build:native):',
    `    ${BUILD}`,
  ]
  throw new ScaLossError(
    'ERR_SCALOSS_BACKEND_UNAVAILABLE',
    [
      'the native addon of scaloss could not be loaded.',
      `  Here: ${[...here, `Node ${versions.node}`, `Node-API ${versions.napi}`].filter(Boolean).join(', ')}.`,
      '  Tried:',
      ...tried,
      ...(reason === 'addons-disabled' ? [allowAddons()] : advice),
      "  Without it the backend 'wasm' works, in about four times the time. Where that cannot run, 'js' works, slowly.",
    ].join('\n'),
    { cause: failures[0], reason },
  )
}
