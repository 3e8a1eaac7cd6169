import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ended, endOf, LIMIT, printed } from '../support/process.js'
import { copyPackage, ROOT } from '../support/project.js'

// Processes and workers that use the package and end, in one way or another. test/cuda/device/lifecycle.test.ts has
// those with a GPU.
const entry = join(ROOT, 'dist/index.js')

/** Runs `body` in a process of its own, with boxes, a plan, and a call under way on another thread. */
function run(body: string) {
  return endOf(`
    const { Worker } = require('node:worker_threads')
    const entry = ${JSON.stringify(entry)}
    const { alloc, boxLoss, boxLossAsync, createPlan } = require(entry)
    const n = 60000
    const pred = Float32Array.from({ length: 4 * n }, (_, i) => (i % 4 < 2 ? i % 97 : 100 + (i % 89)))
    const target = pred.map((x, i) => x + ((i * 7) % 13) - 6)
    const options = { backend: 'cpu', threads: 3 }
    const plan = createPlan('giou', { boxes: n, ...options })
    plan.pred.set(pred)
    plan.target.set(target)
    const underWay = () => boxLossAsync('siou', pred, target, options)
    underWay()
    ${body}`)
}

describe('a process ends as it should', () => {
  it('by itself, with a plan alive and a call under way', () => {
    expect(run('console.log(plan.run().loss === boxLoss("giou", pred, target, options).loss)')).toEqual(printed('true'))
  })

  it('by process.exit in a listener of that event, and with calls queued', () => {
    const body = `
      process.on('exit', () => { plan.run(); underWay(); process.exitCode = 9 })
      for (let i = 0; i < 20; i++) underWay()
      process.exit(7)`
    expect(run(body)).toEqual({ ...ended, status: 9 })
  })

  it('by an error that nobody catches, thrown or in a promise', () => {
    for (const body of ["throw new Error('planted')", "underWay().then(() => { throw new Error('planted') })"]) {
      const { status, signal, stderr } = run(body)
      expect([status, signal]).toEqual([1, null])
      expect(stderr).toContain('Error: planted')
    }
  })

  it.each(['SIGTERM', 'SIGINT', 'SIGKILL'])('by %s in the middle of a call', (name) => {
    expect(run(`plan.run(); process.kill(process.pid, '${name}'); for (;;) plan.run()`)).toEqual({
      ...ended,
      status: null,
      signal: name,
    })
  })

  it('by a signal that it handles', () => {
    const body = `
      process.on('SIGTERM', () => { console.log(plan.run().backend); process.exit(3) })
      process.kill(process.pid, 'SIGTERM')
      setInterval(underWay, 1)`
    expect(run(body)).toEqual({ ...printed('cpu'), status: 3 })
  })

  it('with workers in the middle of their work', () => {
    const body = `
      const work = \`
        const { parentPort, workerData } = require('node:worker_threads')
        const { boxLoss, boxLossAsync, createPlan } = require(workerData.entry)
        const { pred, target } = workerData
        const plan = createPlan('giou', { boxes: 60000, backend: 'cpu', threads: 3 })
        parentPort.postMessage('ready')
        for (;;) { boxLossAsync('sca', pred, target, { backend: 'cpu' }); plan.run() }\`
      let ready = 0
      for (let i = 0; i < 3; i++)
        new Worker(work, { eval: true, workerData: { entry, pred, target } })
          .on('message', () => { if (++ready === 3) process.exit(4) })`
    expect(run(body)).toEqual({ ...ended, status: 4 })
  })
})

it('plans: disposed twice, while a view lives, and as garbage', () => {
  const body = `
    const { loss, grad } = plan.run()
    plan.dispose()
    plan.dispose()
    plan[Symbol.dispose]()
    try { plan.run() } catch (error) { console.log(error.code) }
    for (let i = 0; i < 300; i++) {
      const one = createPlan('giou', { boxes: 1000, backend: 'cpu' })
      one.run()
      if (i % 2) { one.dispose(); one.dispose() }
      alloc(1000, 'float64').fill(1)
      if (i % 50 === 0) gc()
    }
    const expected = boxLoss('giou', pred, target, options)
    console.log(loss === expected.loss, Buffer.compare(Buffer.from(grad.buffer, grad.byteOffset, grad.byteLength),
      Buffer.from(expected.grad.buffer)))`
  expect(run(body)).toEqual(printed('ERR_SCALOSS_DISPOSED', 'true 0'))
})

it(
  '200 workers, eight at a time: some end by themselves, some are ended in the middle of a call',
  () => {
    const body = `
    const work = \`
      const { parentPort, workerData } = require('node:worker_threads')
      const { boxLoss, boxLossAsync } = require(workerData.entry)
      const options = { backend: 'cpu', threads: 3 }
      const p = new Float32Array(workerData.pred), t = new Float32Array(workerData.target)
      boxLossAsync('giou', p, t, options)
      parentPort.postMessage(boxLoss('giou', p, t, options).loss)
      if (workerData.ends) process.exit(0)
      for (;;) boxLoss('giou', p, t, options)\`
    const losses = new Set([plan.run().loss]), codes = {}
    let started = 0
    const next = () => {
      if (started === 200) return
      const ends = started++ % 2 === 0
      const worker = new Worker(work, { eval: true, workerData: { entry, pred, target, ends } })
      worker.on('message', (loss) => { losses.add(loss); if (!ends) worker.terminate() })
      worker.on('exit', (code) => { codes[ends + ' ' + code] = (codes[ends + ' ' + code] ?? 0) + 1; next() })
    }
    for (let i = 0; i < 8; i++) next()
    process.on('exit', () => console.log(losses.size, JSON.stringify(Object.entries(codes).sort())))`
    expect(run(body)).toEqual(printed('1 [["false 1",100],["true 0",100]]'))
  },
  LIMIT,
)

it('workers are ended while calls fail: no error can be thrown in them any more, and the process goes on', () => {
  const body = `
    const work = \`
      const { parentPort, workerData } = require('node:worker_threads')
      const { backends, boxLoss } = require(workerData.entry)
      const boxes = new Float32Array(4), target = new Float32Array(4)
      parentPort.postMessage('ready')
      for (;;) {
        backends()
        try { boxLoss('sca', boxes, target, { backend: 'cpu', out: { grad: boxes } }) } catch {}
      }\`
    const codes = []
    const next = () => {
      const worker = new Worker(work, { eval: true, workerData: { entry } })
      worker.on('message', () => worker.terminate())
      worker.on('exit', (code) => { if (codes.push(code) <= 36) next() })
    }
    for (let i = 0; i < 4; i++) next()
    process.on('exit', () => console.log(codes.length, codes.every((code) => code === 1)))`
  expect(run(body)).toEqual(printed('40 true'))
})

describe('two copies of the package in one process', () => {
  const folder = mkdtempSync(join(tmpdir(), 'scaloss-copy-'))
  const copy = join(folder, 'scaloss')
  beforeAll(() => {
    copyPackage(copy)
    // The same as the other's: that may have been built with a sanitizer.
    const addon = 'build/Release/scaloss.node'
    cpSync(join(process.env.SCALOSS_PREBUILD || ROOT, addon), join(copy, addon))
  })
  afterAll(() => rmSync(folder, { recursive: true }))

  it('compute the same, each with threads of its own, and end', () => {
    const body = `
      // A prebuild that the environment chooses would be one and the same file for both.
      process.env.SCALOSS_PREBUILD = ''
      const other = require(${JSON.stringify(join(copy, 'dist/index.js'))})
      const results = [boxLoss('giou', pred, target, options), other.boxLoss('giou', pred, target, options), plan.run()]
      const addons = new Set(process.report.getReport().sharedObjects.filter((path) => path.endsWith('scaloss.node')))
      const promises = Promise.all([boxLossAsync, other.boxLossAsync].map((call) => call('giou', pred, target, options)))
      promises.then((more) => console.log(addons.size, new Set([...results, ...more].map(({ loss }) => loss)).size))`
    expect(run(body)).toEqual(printed('2 1'))
  })
})
