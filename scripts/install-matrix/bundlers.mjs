// What each bundler makes of a user's program: bundles of both module systems for Node, and one for a page.
import { cpSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { PRINTS, PRINTS_WITHOUT_ADDON, projectOfTool } from './project.mjs'
import { expectLine, run, runInPage } from './tools.mjs'

const WEBPACK = `
const bundle = (target, filename, more) => ({
  mode: 'production', performance: false, entry: './auto.mjs', target, ...more,
  output: { path: import.meta.dirname + '/out', filename, module: filename.endsWith('.mjs') },
})
export default [
  bundle('node', 'node.cjs'),
  bundle('node', 'node.mjs', { experiments: { outputModule: true } }),
  bundle('web', 'page.js'),
]`
const ROLLUP = `
import { nodeResolve } from '@rollup/plugin-node-resolve'
export default [
  { input: 'auto.mjs', plugins: [nodeResolve()], output: [{ file: 'out/node.cjs', format: 'cjs' }, { file: 'out/node.mjs' }] },
  { input: 'auto.mjs', plugins: [nodeResolve({ browser: true })], output: { file: 'out/page.js', format: 'iife' } },
]`
/** @param {string} build @param {string} output */
const vite = (build, output) => `export default { logLevel: 'warn', ssr: { noExternal: true }, build: {
  ${build}, emptyOutDir: false, outDir: 'out', chunkSizeWarningLimit: 1000, rollupOptions: { input: 'auto.mjs', output: ${output} } } }`
const [ESBUILD, TO_NODE] = [['auto.mjs', '--bundle', '--log-level=warning'], '--platform=node']

/** The files that set up a bundler, and its commands, which write to the folder `out`.
 * @type {Record<string, { files?: Record<string, string>, commands: string[][] }>} */
export const BUNDLERS = {
  'webpack 5': {
    files: { 'webpack.config.mjs': WEBPACK },
    commands: [['webpack/bin/webpack.js', '--stats', 'errors-warnings']],
  },
  'Rollup 4': {
    files: { 'rollup.config.mjs': ROLLUP },
    commands: [['rollup/dist/bin/rollup', '--config', '--silent', '--failAfterWarnings']],
  },
  'Vite 8': {
    files: {
      'cjs.mjs': vite('ssr: true', "{ format: 'cjs', entryFileNames: 'node.cjs' }"),
      'esm.mjs': vite('ssr: true', "{ entryFileNames: 'node.mjs' }"),
      'page.mjs': vite('minify: true', "{ format: 'iife', entryFileNames: 'page.js' }"),
    },
    commands: ['cjs', 'esm', 'page'].map((name) => ['vite/bin/vite.js', 'build', '--config', `${name}.mjs`]),
  },
  esbuild: {
    commands: [
      ['esbuild/bin/esbuild', ...ESBUILD, TO_NODE, '--format=cjs', '--outfile=out/node.cjs'],
      ['esbuild/bin/esbuild', ...ESBUILD, TO_NODE, '--format=esm', '--minify', '--outfile=out/node.mjs'],
      ['esbuild/bin/esbuild', ...ESBUILD, '--outfile=out/page.js'],
    ],
  },
}

/** Bundles the program and runs the bundles away from the package: alone, and with the prebuilds beside them.
 * @param {string} tools @param {string} name @param {string} installed
 * @param {import('./tools.mjs').Environment} env */
export async function bundle(tools, name, installed, env) {
  const { files, commands } = BUNDLERS[name]
  const cwd = projectOfTool(tools, name, installed, files)
  for (const [program = '', ...args] of commands) {
    const printed = await run('node', [join(tools, program), ...args], { cwd, env })
    if (/warn/i.test(printed)) throw new Error(printed)
  }
  rmSync(join(cwd, 'node_modules'), { recursive: true })
  const out = join(cwd, 'out')
  const bundles = readdirSync(out).sort()
  if (bundles.join() !== 'node.cjs,node.mjs,page.js') throw new Error(`unexpected files: ${bundles}`)
  const runs = async (/** @type {string} */ expected) => {
    for (const file of ['node.cjs', 'node.mjs'])
      expectLine(await run('node', [join('out', file)], { cwd, env }), expected)
  }
  await runs(PRINTS_WITHOUT_ADDON)
  expectLine(runInPage(join(out, 'page.js')), PRINTS_WITHOUT_ADDON)
  cpSync(join(installed, 'prebuilds'), join(out, 'prebuilds'), { recursive: true })
  await runs(PRINTS)
}
