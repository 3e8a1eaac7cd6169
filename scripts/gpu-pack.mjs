import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'

// Gathers in .gpu-kit/ (or the given folder) everything that a Linux x86-64 GPU host without Node and without a network
// needs to build, test and measure this working tree. See docs/gpu.md.

const root = fileURLToPath(new URL('..', import.meta.url))
const kit = process.argv[2] ?? join(root, '.gpu-kit')
/** Hosts take little more, and get the checkout besides. */
const MAX_BYTES = 52e6

/** What the build and the tests import; their dependencies come along. CMake is called without cmake-js. */
const PACKAGES = ['decimal.js', 'node-addon-api', 'node-api-headers', 'vitest']
/** Vite's, for style sheets and for browsers. */
const UNUSED = /node_modules\/(lightningcss|esbuild|@esbuild)/
/** Of the packages: for readers and editors. */
const NOT_RUN = /\.(map|md|markdown|d\.[cm]?ts)$/
/** What a host with a compiler has. */
const HOST_LIBRARIES = /^(linux-vdso|ld-linux-x86-64|lib(c|m|dl|pthread|rt|stdc\+\+|gcc_s))\.so/

/**
 * @param {string} command
 * @param {...string} args
 */
const run = (command, ...args) => execFileSync(command, args, { cwd: root, encoding: 'utf8' })

/** The sources as they are: tracked files, and new ones that git does not ignore. */
function sources() {
  const listed = run('git', 'ls-files', '-z', '--cached', '--others', '--exclude-standard')
  return listed.split('\0').filter((path) => path !== '' && existsSync(join(root, path)))
}

/** Folders of PACKAGES and of all that they depend on, as far as it is installed: other platforms' binaries are not. */
function packages() {
  const selector = PACKAGES.map((name) => `[name="${name}"], [name="${name}"] *`).join()
  /** @type {{ location: string }[]} */
  const found = JSON.parse(run('npm', 'query', '--package-lock-only', selector))
  return found.map(({ location }) => location).filter((path) => !UNUSED.test(path) && existsSync(join(root, path)))
}

/** Node without its symbols; refused where it needs libraries that a host may lack. @param {string} to */
function packNode(to) {
  const libraries = run('ldd', process.execPath).trim().split('\n')
  const missing = libraries
    .map((line) => basename(line.trim().split(' ')[0]))
    .filter((name) => !HOST_LIBRARIES.test(name))
  if (missing.length > 0) throw new Error(`${process.execPath} needs ${missing}: use an official build of Node`)
  run('strip', '-o', to, process.execPath)
}

/** @param {string} path */
const megabytes = (path) => (statSync(path).size / 1e6).toFixed(1)

if (process.platform !== 'linux' || process.arch !== 'x64') throw new Error('the kit is made on Linux x86-64')
if (!existsSync(join(root, 'dist/index.js'))) throw new Error('dist/ is missing: npm run build:ts')

const stage = mkdtempSync(join(tmpdir(), 'scaloss-gpu-pack-'))
try {
  const tree = join(stage, 'scaloss')
  for (const path of [...sources(), 'dist']) cpSync(join(root, path), join(tree, path), { recursive: true })
  const filter = (/** @type {string} */ path) => !NOT_RUN.test(path) && basename(path) !== 'node_modules'
  for (const path of packages())
    cpSync(join(root, path), join(tree, path), { recursive: true, dereference: true, filter })
  mkdirSync(join(stage, 'bin'))
  packNode(join(stage, 'bin/node'))

  rmSync(kit, { recursive: true, force: true })
  mkdirSync(kit, { recursive: true })
  const archive = join(kit, 'scaloss.tar.gz')
  // The same input gives the same bytes. gzip: a bare host may lack xz.
  const same = [
    '--sort=name',
    '--owner=0',
    '--group=0',
    '--numeric-owner',
    `--mtime=@${run('git', 'log', '-1', '--format=%ct').trim()}`,
  ]
  run('tar', '-C', stage, ...same, '-I', 'gzip -6n', '-cf', archive, 'bin', 'scaloss')
  cpSync(join(root, 'scripts/gpu-kit/run.sh'), join(kit, 'run.sh'))
  const changed = run('git', 'status', '--porcelain').trim() === '' ? '' : '-dirty'
  writeFileSync(
    join(kit, 'MANIFEST'),
    [
      `commit ${run('git', 'rev-parse', 'HEAD').trim()}${changed}`,
      `node ${process.version}`,
      `date ${new Date().toISOString()}`,
      `sha256 ${createHash('sha256').update(readFileSync(archive)).digest('hex')}`,
      '',
    ].join('\n'),
  )
  console.log(`${kit}: ${megabytes(archive)} MB`)
  if (statSync(archive).size > MAX_BYTES) throw new Error(`the kit is larger than ${MAX_BYTES / 1e6} MB`)
} finally {
  rmSync(stage, { recursive: true })
}
