import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'

// Processes and workers that use a device and end, in one way or another. Runs on a GPU, too.
const entry = join(__dirname, '../../dist/index.js')

/** Runs `body` in a process of its own, with a device, boxes on it, and a plan. */
function run(body: string) {
  const script = `
    const { Worker, isMainThread, parentPort } = require('node:worker_threads')
    const { boxLoss, createPlan, cuda } = require(${JSON.stringify(entry)})
    const device = cuda.device(0)
    const n = 3000
    const boxes = Float32Array.from({ length: 4 * n }, (_, i) => (i % 4 < 2 ? i % 97 : 100 + (i % 89)))
    const goal = boxes.map((x, i) => x + ((i * 7) % 13) - 6)
    const pred = device.tensor(boxes), target = device.tensor(goal)
    const plan = createPlan('giou', { boxes: n, backend: 'cuda' })
    plan.pred.set(boxes)
    plan.target.set(goal)
    const expected = boxLoss('giou', boxes, goal, { backend: 'cpu' }).loss
    ${body}`
  const { status, signal, stdout, stderr } = spawnSync(process.execPath, ['-e', script], { encoding: 'utf8' })
  return { status, signal, stdout, stderr }
}

it('the example of docs/cuda.md prints what its comments say', () => {
  const [, example] = /```js\n(.*?)```/s.exec(readFileSync(join(__dirname, '../../docs/cuda.md'), 'utf8')) ?? []
  const said = [...(example ?? '').matchAll(/\/\/ => (.*)/g)].map(([, text]) => text)
  const script = (example ?? '').replace("'scaloss'", JSON.stringify(entry.replace(/js$/, 'mjs')))
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' })
  expect(said.length).toBeGreaterThan(0)
  expect([stdout.trim().split('\n'), stderr]).toEqual([said, ''])
})

describe('a process ends as it should', () => {
  it('with tensors, streams and plans in use and work under way', () => {
    const body = `
      const stream = device.stream()
      for (let i = 0; i < 5; i++) device.boxLoss('sca', pred, target, { stream })
      console.log(plan.run().loss === expected)`
    expect(run(body)).toEqual({ status: 0, signal: null, stdout: 'true\n', stderr: '' })
  })

  it('by process.exit, with work under way', () => {
    const body = `device.boxLoss('sca', pred, target, { stream: device.stream() }); process.exit(7)`
    expect(run(body)).toEqual({ status: 7, signal: null, stdout: '', stderr: '' })
  })

  it('by an error that nobody catches', () => {
    const body = `device.boxLoss('sca', pred, target); pred.dispose(); pred.read()`
    const { status, signal, stderr } = run(body)
    expect([status, signal]).toEqual([1, null])
    expect(stderr).toContain('ERR_SCALOSS_DISPOSED')
  })
})

it('workers share a device, and end before others', () => {
  const body = `
    const work = () => {
      const { workerData, parentPort } = require('node:worker_threads')
      const { boxLoss, createPlan, cuda } = require(workerData.entry)
      const { boxes, goal, rounds } = workerData
      const device = cuda.device(0)
      const pred = device.tensor(boxes), target = device.tensor(goal), stream = device.stream()
      const plan = createPlan('giou', { boxes: boxes.length / 4, backend: 'cuda' })
      plan.pred.set(boxes)
      plan.target.set(goal)
      const losses = new Set()
      for (let i = 0; i < rounds; i++) {
        losses.add(device.boxLoss('giou', pred, target, { stream }).loss.read()[0])
        losses.add(plan.run().loss)
        losses.add(boxLoss('giou', boxes, goal, { backend: 'cuda' }).loss)
      }
      parentPort.postMessage([...losses])
    }
    const all = new Set([plan.run().loss])
    let left = 4
    for (let i = 1; i <= 4; i++) {
      const workerData = { entry: ${JSON.stringify(entry)}, boxes, goal, rounds: 3 * i }
      const worker = new Worker('(' + work + ')()', { eval: true, workerData })
      worker.on('error', (error) => { throw error })
      worker.on('message', (losses) => losses.forEach((loss) => all.add(loss)))
      worker.on('exit', (code) => {
        if (code !== 0) throw new Error('a worker ended with ' + code)
        all.add(device.boxLoss('giou', pred, target).loss.read()[0])
        if (--left === 0) console.log([...all].join() === String(expected))
      })
    }`
  expect(run(body)).toEqual({ status: 0, signal: null, stdout: 'true\n', stderr: '' })
})
