import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { describe, expect, it } from 'vitest'
import { loadNative } from '../../src/native/addon.js'
import { ROOT } from '../support/project.js'

// Influences from outside the process: environment variables and threads. Runs the built package.
const script = (entry: string) => `
  const { backends, boxLoss } = require(${JSON.stringify(entry)})
  const p = new Float32Array([0, 0, 1, 1]), t = new Float32Array([0, 0, 2, 2])
  const attempt = (f) => { try { return f() } catch (e) { return { code: e.code, message: e.message } } }
  console.log(JSON.stringify({
    backends: attempt(backends),
    auto: attempt(() => boxLoss('sca', p, t)),
    cpu: attempt(() => boxLoss('sca', p, t, { backend: 'cpu' })),
    js: attempt(() => boxLoss('sca', p, t, { backend: 'js' })),
  }))`

function run(directory: string, env: Record<string, string> = {}) {
  const child = spawnSync(process.execPath, ['-e', script(join(directory, 'dist/index.js'))], {
    cwd: directory,
    env: { ...process.env, ...env },
    encoding: 'utf8',
  })
  expect(child.stderr).toBe('')
  return JSON.parse(child.stdout)
}

describe('SCALOSS_SIMD', () => {
  it.each(loadNative().simdLevels())('%s is put in force', (level) => {
    const { backends, auto } = run(ROOT, { SCALOSS_SIMD: level })
    expect(backends.cpu.simd).toBe(level)
    expect(auto.loss).toBeCloseTo(1 + 0.5 * 0.5, 6)
  })

  it('of another name is an error that lists the levels, never another backend', () => {
    const { backends, auto, cpu } = run(ROOT, { SCALOSS_SIMD: 'mmx' })
    const message = /^SCALOSS_SIMD: expected one of the levels this CPU can run: scalar, .*, got "mmx"$/
    expect(backends.cpu).toMatchObject({ available: false, reason: 'error', message: expect.stringMatching(message) })
    for (const result of [auto, cpu]) {
      expect(result).toMatchObject({ code: 'ERR_SCALOSS_INVALID_ARGUMENT', message: expect.stringMatching(message) })
    }
  })
})

it('SCALOSS_THREADS that is no number is an error of the CPU backend alone', () => {
  const { backends, cpu, js } = run(ROOT, { SCALOSS_THREADS: 'abc' })
  const message = 'SCALOSS_THREADS: expected a whole number from 1 to 256, got "abc"'
  expect(backends.cpu).toEqual({ available: false, reason: 'error', message })
  expect(backends.cuda).toEqual(run(ROOT).backends.cuda)
  expect(cpu).toEqual({ code: 'ERR_SCALOSS_INVALID_ARGUMENT', message })
  expect(js.loss).toBeCloseTo(1.25, 6)
})

describe('worker threads', () => {
  const work = `
    const { parentPort, workerData } = require('node:worker_threads')
    const { boxLoss } = require(workerData)
    const p = Float32Array.from({ length: 4000 }, (_, i) => (i % 4 < 2 ? i % 97 : 100 + (i % 89)))
    const t = p.map((x, i) => x + ((i * 7) % 13) - 6)
    const out = { grad: new Float32Array(4000) }
    const results = new Set()
    for (let i = 0; i < 300; i++) {
      const { loss } = boxLoss('sca', p, t, { out, backend: 'cpu' })
      results.add([loss, ...out.grad].join())
    }
    parentPort.postMessage([...results])`

  it('compute side by side, each with the results of one alone', async () => {
    const results = await Promise.all(
      Array.from(
        { length: 4 },
        () =>
          new Promise<string[]>((resolve, reject) => {
            const worker = new Worker(work, { eval: true, workerData: join(ROOT, 'dist/index.js') })
            worker.on('message', resolve)
            worker.on('error', reject)
          }),
      ),
    )
    // Every call of every thread gave the same.
    expect(new Set(results.flat()).size).toBe(1)
  })
})
