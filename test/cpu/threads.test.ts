import { spawnSync } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { backends, boxLoss, createPlan, type FloatArray, type LossName, pairwise } from '../../src/index.js'
import { endOf } from '../support/process.js'
import { ROOT } from '../support/project.js'
import { randomPairs } from '../support/random.js'
import { rejection } from '../support/rejection.js'
import { resultBytes } from '../support/same-bits.js'

// The threads of the CPU backend: their results, and the processes that they live in.
const THREADS = [2, 3, 7, 64]
const bytes = (array: FloatArray) => Buffer.from(array.buffer, array.byteOffset, array.byteLength)
const BOTH = { reduction: 'none', gradTarget: true, iou: true } as const

describe.each([Float32Array, Float64Array])('%o: the same bits on any number of threads', (Float) => {
  it.each(['sca', 'ciou', 'cd3'] as const)('%s', (name) => {
    const axes = name === 'cd3' ? 3 : 2
    // Around where threads begin, and with a last part that is not full.
    for (const n of [49_152, 49_153, 100_003]) {
      const { pred, target } = randomPairs(Float, n, { seed: n, axes, kinds: ['overlap', 'disjoint', 'inverted'] })
      for (const options of [{}, BOTH, { grad: false, reduction: 'sum' } as const]) {
        const on = (threads: number) => resultBytes(name, pred, target, { ...options, backend: 'cpu', threads })
        const expected = on(1)
        for (const threads of THREADS) expect(on(threads).equals(expected), `${n} boxes, ${threads} threads`).toBe(true)
      }
    }
  })

  it.each<[LossName, number, number]>([
    ['giou', 653, 647],
    ['giou', 20, 20_000], // more columns than a part has pairs
    ['cd3', 600, 600],
  ])('pairwise %s of %i and %i boxes', (name, rows, columns) => {
    const axes = name === 'cd3' ? 3 : 2
    const a = randomPairs(Float, rows, { seed: 3, axes }).pred
    const b = randomPairs(Float, columns, { seed: 3, axes }).target
    const expected = pairwise(name, a, b, { backend: 'cpu', threads: 1 })
    for (const threads of THREADS) {
      const actual = pairwise(name, a, b, { backend: 'cpu', threads })
      expect(bytes(actual).equals(bytes(expected))).toBe(true)
    }
  })

  it('plans', () => {
    const dtype = Float === Float32Array ? 'float32' : 'float64'
    const { pred, target } = randomPairs(Float, 50_000, { seed: 4 })
    const expected = boxLoss('diou', pred, target, { backend: 'cpu', threads: 1 })
    for (const threads of THREADS) {
      const plan = createPlan('diou', { boxes: 50_000, dtype, backend: 'cpu', threads })
      plan.pred.set(pred as never)
      plan.target.set(target as never)
      for (let i = 0; i < 3; ++i) {
        const { loss, grad } = plan.run()
        expect(loss).toBe(expected.loss)
        expect(bytes(grad).equals(bytes(expected.grad))).toBe(true)
      }
    }
  })
})

describe('how many', () => {
  const run = (script: string, threads?: string) => {
    const env = threads === undefined ? process.env : { ...process.env, SCALOSS_THREADS: threads }
    const { status, stdout, stderr } = spawnSync(process.execPath, ['-e', script], { cwd: ROOT, env, encoding: 'utf8' })
    expect([status, stderr]).toEqual([0, ''])
    return stdout.trim()
  }
  const count =
    "console.log(require('./dist/index.js').backends().cpu.threads ?? require('./dist/index.js').backends().cpu.message)"

  it('one a processor, or SCALOSS_THREADS', () => {
    const { cpu } = backends()
    expect(cpu.available && cpu.threads).toBe(Number(process.env.SCALOSS_THREADS ?? availableParallelism()))
    expect(run(count, '5')).toBe('5')
    expect(run(count, '0')).toBe('SCALOSS_THREADS: expected a whole number from 1 to 256, got "0"')
    for (const wrong of ['many', '2 cores']) expect(run(count, wrong)).toMatch(/^SCALOSS_THREADS: expected/)
  })

  it.each([0, -1, 1.5, 257, '2', null])('not %o', (threads) => {
    const boxes = new Float32Array(4)
    const options = { threads, backend: 'cpu' } as never
    expect(rejection(() => boxLoss('sca', boxes, boxes.slice(), options)).argument).toBe('threads')
    expect(rejection(() => pairwise('sca', boxes, boxes.slice(), options)).argument).toBe('threads')
    expect(rejection(() => createPlan('sca', { boxes: 1, ...(options as object) })).argument).toBe('threads')
  })

  const work = `
    const { boxLoss } = require('./dist/index.js')
    const n = 60000
    const p = Float32Array.from({ length: 4 * n }, (_, i) => (i % 4 < 2 ? i % 97 : 100 + (i % 89)))
    const t = p.map((x, i) => x + ((i * 7) % 13) - 6)
    const losses = new Set()
    for (let i = 0; i < 50; i++) losses.add(boxLoss('giou', p, t, { backend: 'cpu', threads: 1 + (i % 5) }).loss)`

  it('workers share them, end while others compute, and take nothing with them', () => {
    const script = `
      const { Worker } = require('node:worker_threads')
      const work = ${JSON.stringify(work)} + "; require('node:worker_threads').parentPort.postMessage([...losses])"
      const all = new Set()
      let left = 6
      for (let i = 0; i < 6; i++) {
        const worker = new Worker(work, { eval: true })
        worker.on('error', (error) => { throw error })
        worker.on('message', (losses) => losses.forEach((loss) => all.add(loss)))
        // Only here, after the workers, does this thread load the addon.
        worker.on('exit', () => { if (--left === 0) { ${work}; losses.forEach((loss) => all.add(loss)); console.log(all.size) } })
      }`
    expect(run(script)).toBe('1')
  })

  it('a process that ends at once, with threads that wait, ends as it should', () => {
    expect(run(`${work}; console.log(losses.size); process.exit(0)`)).toBe('1')
  })
})

describe.runIf(process.platform === 'linux')('no more of them than were asked for', () => {
  it.each(["boxLoss('l1', boxes, boxes.slice(), options)", "createPlan('l1', { boxes: n, ...options }).run()"])(
    '%s',
    (call) => {
      const { stdout } = endOf(`
      const { boxLoss, createPlan } = require(${JSON.stringify(join(ROOT, 'dist/index.js'))})
      const n = 200000, boxes = new Float32Array(4 * n), options = { backend: 'cpu', threads: 3 }
      const threads = () => require('node:fs').readdirSync('/proc/self/task').length
      // This loads the addon, for which Node may start threads.
      boxLoss('l1', new Float32Array(4), new Float32Array(4), options)
      const before = threads()
      for (let i = 0; i < 5; i++) ${call}
      console.log(threads() - before)`)
      expect(stdout).toBe('2\n')
    },
  )
})
