// Programs that run a user's code in their own way: test runners, a framework that bundles, a host that is not Node.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { PRINTS, PRINTS_WITHOUT_ADDON, projectOfTool } from './project.mjs'
import { expectLine, run } from './tools.mjs'

const TEST = `
test('boxLoss', async () => {
  const box = new Float32Array([0, 0, 1, 1]), other = new Float32Array([0, 0, 2, 2])
  const { backend, loss, grad } = boxLoss('sca', box, other)
  expect([backend, loss]).toEqual(['cpu', 1.25])
  expect(grad).toBeInstanceOf(Float32Array)
  expect((await boxLossAsync('sca', box, other, { signal: new AbortController().signal })).loss).toBe(1.25)
  expect(createPlan('sca', { boxes: 1 }).pred).toBeInstanceOf(Float32Array)
  expect(pairwise('iou', box, other, { similarity: true, backend: 'wasm' })).toEqual(new Float32Array([0.25]))
  expect(() => boxLoss('sca', [], box)).toThrow(ScaLossError)
})`
const NAMES = '{ boxLoss, boxLossAsync, createPlan, pairwise, ScaLossError }'

const PAGE = `
import { boxLoss, scaLoss } from 'scaloss'
export default function Page() {
  const box = new Float32Array([0, 0, 1, 1]), other = new Float32Array([0, 0, 2, 2])
  const { backend, loss, grad } = boxLoss('sca', box, other)
  return <p>{[backend, loss, grad.length, scaLoss(box, box).loss].join(' ')}</p>
}`

const WORKER = `
import './auto.mjs'
export default { test() {} }`
const WORKERD = `
using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (services = [(name = "main", worker = .worker)]);
const worker :Workerd.Worker = (
  modules = [(name = "worker.js", esModule = embed "worker.js")], compatibilityDate = "2025-01-01");`

/**
 * @param {string} tools
 * @param {string} installed
 * @param {import('./tools.mjs').Environment} env
 * @returns {[what: string, check: () => Promise<unknown>][]}
 */
export function hosts(tools, installed, env) {
  const project = (/** @type {string} */ name, /** @type {Record<string, string>} */ files) =>
    projectOfTool(tools, name, installed, files)
  const node = (/** @type {string} */ cwd, /** @type {string} */ program, /** @type {string[]} */ ...args) =>
    run('node', [join(tools, program), ...args], { cwd, env })

  return [
    [
      'Jest 30',
      () =>
        node(
          project('jest', { 'a.test.cjs': `const ${NAMES} = require('scaloss')${TEST}` }),
          'jest/bin/jest.js',
          '--rootDir=.',
          '--testMatch=**/a.test.cjs',
        ),
    ],
    [
      'Vitest 4, with threads and in realms',
      async () => {
        const test = `import { expect, test } from 'vitest'\nimport ${NAMES} from 'scaloss'${TEST}`
        const cwd = project('vitest', { 'a.test.mjs': test })
        for (const pool of ['threads', 'vmThreads']) await node(cwd, 'vitest/vitest.mjs', 'run', `--pool=${pool}`)
      },
    ],
    [
      'Next.js 16, bundled (on WebAssembly) and in serverExternalPackages',
      async () => {
        const cwd = project('next', {
          'app/layout.jsx': 'export default ({ children }) => <html><body>{children}</body></html>',
          'app/page.jsx': PAGE,
          'app/client/page.jsx': `'use client'${PAGE}`,
          'next.config.mjs': `export default {
            serverExternalPackages: process.env.EXTERNAL ? ['scaloss'] : [], turbopack: { root: '${join(tools, '..')}' } }`,
        })
        const builds = async (/** @type {Record<string, string>} */ more, /** @type {string} */ expected) => {
          await run('node', [join(tools, 'next/dist/bin/next'), 'build'], { cwd, env: { ...env, ...more } })
          for (const page of ['index', 'client']) {
            const html = readFileSync(join(cwd, `.next/server/app/${page}.html`), 'utf8')
            expectLine(/<p>(.*?)<\/p>/.exec(html)?.[1] ?? html, expected)
          }
        }
        await builds({}, PRINTS_WITHOUT_ADDON)
        await builds({ EXTERNAL: '1' }, PRINTS)
      },
    ],
    [
      'workerd, in JavaScript',
      async () => {
        const cwd = project('workerd', { 'worker.mjs': WORKER, 'workerd.capnp': WORKERD })
        const esbuild = ['--bundle', '--format=esm', '--conditions=workerd,worker,browser', '--outfile=worker.js']
        await node(cwd, 'esbuild/bin/esbuild', 'worker.mjs', ...esbuild)
        const workerd = join(tools, '@cloudflare/workerd-linux-64/bin/workerd')
        const printed = await run(workerd, ['test', '--verbose', 'workerd.capnp'], { cwd, env })
        expectLine(printed, PRINTS_WITHOUT_ADDON.replace('wasm', 'js'))
      },
    ],
  ]
}
