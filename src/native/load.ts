import { builtin, node } from '../core/host.js'
import { adviceFor, reasonOf, unavailable } from './load-error.js'
import { misfit } from './misfit.js'
import { candidates, findPlace, glibcVersion, libcOf, type Modules } from './place.js'

// Loads the addon file.

const { platform, arch, versions } = (node ?? {}) as NodeJS.Process

function load({ fs, path }: Modules, file: string, libc: string | undefined): unknown {
  const wrong = misfit(fs.readFileSync(file), libc)
  if (wrong) throw new Error(wrong)
  // Not by require: bundlers rewrite that, and then the addon could never be loaded.
  const addon = { exports: {} }
  // Windows accepts a long path only in that form.
  process.dlopen(addon, path.toNamespacedPath(file))
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
