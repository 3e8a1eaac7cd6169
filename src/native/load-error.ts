import { ScaLossError, show, type UnavailableReason } from '../core/errors.js'
import { setting } from '../core/host.js'
import type { Modules, Place } from './place.js'

// The error for an addon that could not be loaded: why, and what to do where this code runs.

/** Lists the prebuilds in the package, such as `linux-x64/scaloss.glibc.node`. */
function prebuilds({ fs, path }: Modules, root = ''): string {
  try {
    const files = fs.readdirSync(path.join(root, 'prebuilds'), { recursive: true, encoding: 'utf8' })
    return files.filter((file) => file.endsWith('.node')).join(', ') || 'none'
  } catch {
    return 'none'
  }
}

const BUILD =
  'npm install --no-save cmake-js@8 node-addon-api@8 node-api-headers@1 && npx cmake-js compile --directory node_modules/scaloss'

/** Whether an error says that Node or Deno was not started with the permission. */
const isForbidden = ({ code, name }: NodeJS.ErrnoException) =>
  code === 'ERR_DLOPEN_DISABLED' || code === 'ERR_ACCESS_DENIED' || name === 'NotCapable'

/** Says why no file could be loaded. `failures` are the errors of the files that exist. */
export function reasonOf(failures: readonly NodeJS.ErrnoException[], { bundled }: Place): UnavailableReason {
  if (failures.some(isForbidden)) return 'addons-disabled'
  if (failures.length > 0) return 'misfit'
  return bundled ? 'bundled' : 'not-built'
}

/** Says how addons are allowed where they are forbidden. */
function howToAllow(): string {
  if ('deno' in process.versions)
    return "Deno was started without a permission: add --allow-ffi, and let --allow-read hold this package's folder."
  // `process.permission` exists only if Node was started with the permission model, whatever its type says.
  if ('permission' in process)
    return "Node was started with its permission model: add --allow-addons, and let --allow-fs-read hold this package's folder."
  return 'Node was started with --no-addons, on its command line or in NODE_OPTIONS: start it without that flag.'
}

/** Says what to do about a reason. */
export function adviceFor(
  reason: UnavailableReason,
  modules: Modules,
  { bundled, root, beside: [folder] }: Place,
): string[] {
  if (reason === 'addons-disabled') return [howToAllow()]
  const chosen = setting('SCALOSS_PREBUILD')
  const wrongSetting = `SCALOSS_PREBUILD is ${show(chosen)}: expected a .node file or a folder with build/Release/scaloss.node.`
  const needed = `Needed: Node-API 8; prebuilds in the package: ${prebuilds(modules, root)}.`
  return [
    ...(chosen ? [wrongSetting] : []),
    ...(bundled
      ? [
          'This code is part of a bundle. Make scaloss external in the settings of the bundler, or copy the folder',
          `node_modules/scaloss/prebuilds to the folder of the bundle${folder ? `: ${modules.path.join(folder, 'prebuilds')}` : ''}.`,
        ]
      : [
          needed,
          'To build it in your project (a C++17 compiler and CMake are needed; in a checkout: npm run build:native):',
          `  ${BUILD}`,
        ]),
  ]
}

/** Makes the error for an addon that cannot be loaded. */
export function unavailable(reason: UnavailableReason, lines: readonly string[], cause?: unknown): ScaLossError {
  const message = [
    'the native addon of scaloss could not be loaded.',
    ...lines,
    "Without it the backend 'wasm' works, in about four times the time. Where that cannot run, 'js' works, slowly.",
  ].join('\n  ')
  return new ScaLossError('ERR_SCALOSS_BACKEND_UNAVAILABLE', message, { cause, reason })
}
