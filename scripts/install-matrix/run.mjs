// npm run test:install installs the tarball as users do and runs it there. It prints a table and fails on any miss. It
// needs the prebuild of this platform (npm run prebuild:pack) and the npm registry. docs/support.md has the table.
import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { BUNDLERS, bundle } from './bundlers.mjs'
import { hosts } from './hosts.mjs'
import { PRINTS, PRINTS_WITHOUT_ADDON, writeProject } from './project.mjs'
import { bareEnvironment, expectLine, installNodes, installTools, npmCli, run, write } from './tools.mjs'

const root = join(import.meta.dirname, '../..')
if (!existsSync(join(root, 'prebuilds/linux-x64/scaloss.glibc.node'))) {
  console.error(
    'test:install: prebuilds/linux-x64/scaloss.glibc.node is missing: npm run prebuild:pack -- linux-x64-glibc',
  )
  process.exit(1)
}
const folder = mkdtempSync(join(tmpdir(), 'scaloss-install-'))
const env = bareEnvironment(folder)
const pack = ['pack', '--silent', '--ignore-scripts', '--pack-destination', folder]
const tarball = join(folder, execFileSync('npm', pack, { cwd: root, encoding: 'utf8' }).trim())

/** @typedef {[what: string, check: () => Promise<unknown>]} Case */

/** @param {string} cwd @param {string[]} command */
async function runBoth(cwd, command = ['node']) {
  const [program = '', ...args] = command
  for (const file of ['main.mjs', 'main.cjs']) expectLine(await run(program, [...args, file], { cwd, env }), PRINTS)
}

/** @param {string} name @param {object} manifest @param {string[]} install @param {string[]} command */
async function install(name, manifest, install, command = ['node']) {
  const cwd = writeProject(join(folder, name), manifest)
  await run('node', install, { cwd, env })
  await runBoth(cwd, command)
  return cwd
}

const [tools, nodes] = await Promise.all([installTools(folder, env), installNodes(folder, env)])
const tool = (/** @type {string} */ path) => join(tools, path)
const npmInstall = [npmCli, 'install', '--no-audit', '--no-fund', tarball]
const project = await install('npm', {}, npmInstall)
const installed = join(project, 'node_modules/scaloss')
const DENO = [tool('@deno/linux-x64-glibc/deno'), 'run', '--node-modules-dir=manual']

const yarn4 = tool('@yarnpkg/cli-dist/bin/yarn.js')
const withTarball = { dependencies: { scaloss: `file:${tarball}` } }
const yarnSettings = (/** @type {string} */ name, /** @type {string} */ linker) =>
  write(
    join(folder, name, '.yarnrc.yml'),
    `nodeLinker: ${linker}\nenableGlobalCache: false\nenableImmutableInstalls: false\npnpEnableEsmLoader: true\n`,
  )
yarnSettings('yarn4', 'node-modules')
yarnSettings('yarn4-pnp', 'pnp')
write(join(folder, 'yarn4/yarn.lock'), '')
write(join(folder, 'yarn4-pnp/yarn.lock'), '')

const strict = [
  '--strict',
  '--noEmit',
  '--target',
  'es2022',
  '--lib',
  'es2023,esnext.disposable,dom',
  '--skipLibCheck',
  'false',
]
const tsc = (/** @type {string[]} */ ...options) =>
  run('node', [tool('typescript/bin/tsc'), ...strict, ...options], { cwd: project, env })
const esbuild = (/** @type {string[]} */ ...options) =>
  run('node', [tool('esbuild/bin/esbuild'), '--bundle', '--platform=node', '--log-level=warning', ...options], {
    cwd: project,
    env,
  })

/**
 * The command that the error of a missing addon names builds one, from the sources in the package; here for the CPU
 * alone.
 */
async function fromSource() {
  const cwd = await install('from-source', {}, npmInstall)
  rmSync(join(cwd, 'node_modules/scaloss/prebuilds'), { recursive: true })
  const error = await runBoth(cwd).then(
    () => '',
    ({ message }) => String(message),
  )
  const [command] = /npm install --no-save .*/.exec(error) ?? []
  if (!command) throw new Error(`no command in:\n${error}`)
  const compilers = { ...env, PATH: process.env.PATH ?? '', CUDACXX: 'false', CMAKE_BUILD_PARALLEL_LEVEL: '2' }
  await run('sh', ['-c', command], { cwd, env: compilers })
  await runBoth(cwd)
  const reason = await run('node', ['-p', "require('scaloss').backends().cuda.reason"], { cwd, env })
  if (reason !== 'not-built') throw new Error(`no CUDA backend: expected the reason not-built, got ${reason}`)
}

/** @type {Case[]} */
const cases = [
  ['built from source by the command of the load error', fromSource],
  ['npm install', async () => {}],
  ['npm install --ignore-scripts', () => install('npm-no-scripts', {}, [...npmInstall, '--ignore-scripts'])],
  [
    'pnpm 10',
    () => install('pnpm', {}, [tool('pnpm/bin/pnpm.cjs'), 'add', tarball, '--store-dir', join(folder, 'pnpm-store')]),
  ],
  [
    'yarn 1',
    () =>
      install('yarn1', withTarball, [
        tool('yarn/bin/yarn.js'),
        'install',
        '--cache-folder',
        join(folder, 'yarn-cache'),
      ]),
  ],
  ['yarn 4, node_modules', () => install('yarn4', withTarball, [yarn4, 'install'])],
  ["yarn 4, Plug'n'Play", () => install('yarn4-pnp', withTarball, [yarn4, 'install'], ['node', yarn4, 'node'])],
  ...Object.entries(nodes).map(
    ([version, node]) => /** @type {Case} */ ([`Node ${version}`, () => runBoth(project, [node])]),
  ),
  [
    'command line',
    async () => {
      const info = await run('node', ['node_modules/scaloss/dist/cli/main.js', 'info', '--json'], { cwd: project, env })
      if (!JSON.parse(info).backends.cpu.available) throw new Error(info)
    },
  ],
  ['TypeScript 5, node16, ES module', () => tsc('--module', 'node16', 'main.mts')],
  ['TypeScript 5, node16, CommonJS', () => tsc('--module', 'node16', 'main.cts')],
  ['TypeScript 5, bundler', () => tsc('--module', 'esnext', '--moduleResolution', 'bundler', 'main.mts')],
  [
    'esbuild, ES module, scaloss external',
    async () => {
      await esbuild('main.mjs', '--format=esm', '--external:scaloss', '--outfile=esm/bundle.mjs')
      expectLine(await run('node', ['esm/bundle.mjs'], { cwd: project, env }), PRINTS)
    },
  ],
  ...Object.keys(BUNDLERS).map(
    (name) =>
      /** @type {Case} */ ([
        `${name}: CommonJS and ES modules, alone (on WebAssembly) and with prebuilds beside; a page`,
        () => bundle(tools, name, installed, env),
      ]),
  ),
  ...hosts(tools, installed, env),
  ['Bun', () => runBoth(project, [tool('@oven/bun-linux-x64/bin/bun'), 'run'])],
  ['Deno', () => runBoth(project, [...DENO, '--allow-all'])],
  [
    'Deno without permissions, on WebAssembly',
    async () => {
      const deno = [...DENO, '--no-prompt', 'auto.mjs']
      expectLine(await run(deno[0] ?? '', deno.slice(1), { cwd: project, env }), PRINTS_WITHOUT_ADDON)
    },
  ],
  [
    'publint',
    () =>
      run('node', [join(root, 'node_modules/publint/src/cli.js'), 'run', '--strict', tarball], { cwd: project, env }),
  ],
  [
    'arethetypeswrong',
    () =>
      run(
        'node',
        [
          join(root, 'node_modules/@arethetypeswrong/cli/dist/index.js'),
          tarball,
          '--format',
          'table-flipped',
          '--profile',
          'node16',
        ],
        { cwd: project, env },
      ),
  ],
]

/** @type {Map<string, string>} */
const failures = new Map()
const waiting = [...cases]
async function work() {
  for (let next = waiting.shift(); next; next = waiting.shift()) {
    const [what, check] = next
    await check().catch((error) => failures.set(what, error.message))
  }
}
await Promise.all([work(), work()])
for (const [what] of cases) console.log(`| ${what} | ${failures.has(what) ? 'FAILED' : 'passed'} |`)
for (const [what, message] of failures) console.error(`\n--- ${what}\n${message}`)
console.log(`${cases.length - failures.size} passed, ${failures.size} failed`)
rmSync(folder, { recursive: true, maxRetries: 3 })
process.exitCode = failures.size > 0 ? 1 : 0
