import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { ended, endOf, printed } from '../../support/process.js'
import { ROOT } from '../../support/project.js'

// Processes and workers that use a device and end, in one way or another. Also runs on a GPU.
const entry = join(ROOT, 'dist/index.js')

/**
 * For processes and workers: a device, an object of every kind there, and work under way on streams and on another
 * thread.
 */
const prologue = `
  const { Worker, parentPort } = require('node:worker_threads')
  const { alloc, boxLoss, boxLossAsync, createPlan, cuda } = require(${JSON.stringify(entry)})
  const device = cuda.device(0)
  const n = 3000
  const boxes = Float32Array.from({ length: 4 * n }, (_, i) => (i % 4 < 2 ? i % 97 : 100 + (i % 89)))
  const goal = boxes.map((x, i) => x + ((i * 7) % 13) - 6)
  const expected = boxLoss('giou', boxes, goal, { backend: 'cpu' }).loss
  const pred = device.tensor(boxes), target = device.tensor(goal)
  const stream = device.stream()
  const newPlan = () => {
    const plan = createPlan('giou', { boxes: n, backend: 'cuda' })
    plan.pred.set(boxes)
    plan.target.set(goal)
    return plan
  }
  const plan = newPlan()
  const underWay = () => boxLossAsync('giou', boxes, goal, { backend: 'cuda' })
  /** Some of every kind that can be disposed of, in use. */
  const objects = () => {
    const stream = device.stream(), sameStream = device.streamFromPointer(stream.pointer)
    const half = device.tensor(boxes, 'float16'), part = half.subarray(0, 400)
    const halfGoal = device.tensor(4 * n, 'float16').copyFrom(half, { stream: sameStream })
    const sameMemory = device.fromPointer(pred.pointer, 4 * n)
    const begin = stream.record()
    const { loss, grad, invalid } = device.boxLoss('giou', half, halfGoal, { stream })
    const other = device.boxLoss('sca', sameMemory, target, { stream: sameStream })
    const plan = newPlan()
    plan.run()
    alloc(n, 'float32', { backend: 'cuda' }).fill(1)
    const results = [loss, grad, invalid, other.loss, other.grad, other.invalid]
    return [stream, sameStream, half, part, halfGoal, sameMemory, begin, ...results, sameStream.record(), plan]
  }
  const alive = objects()
  underWay()
  const finalLoss = () => device.boxLoss('giou', pred, target, { stream }).loss.read()[0]`

const run = (body: string) => endOf(`${prologue}\n${body}`)

it('the example of docs/cuda.md prints what its comments say', () => {
  const [, example] = /```js\n(.*?)```/s.exec(readFileSync(join(ROOT, 'docs/cuda.md'), 'utf8')) ?? []
  const said = [...(example ?? '').matchAll(/\/\/ => (.*)/g)].map(([, text]) => text)
  const script = (example ?? '').replace("'scaloss'", JSON.stringify(entry.replace(/js$/, 'mjs')))
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' })
  expect(said.length).toBeGreaterThan(0)
  expect([stdout.trim().split('\n'), stderr]).toEqual([said, ''])
})

describe('a process ends as it should', () => {
  it('by itself, with objects in use and work under way', () => {
    const body = `
      for (let i = 0; i < 5; i++) device.boxLoss('sca', pred, target, { stream })
      underWay().then(({ loss }) => console.log(loss === expected, plan.run().loss === expected, finalLoss() === expected))
      objects()`
    expect(run(body)).toEqual(printed('true true true'))
  })

  it('by process.exit in a listener of that event, with work enqueued and calls queued', () => {
    const body = `
      process.on('exit', () => { objects(); underWay(); process.exitCode = finalLoss() === expected ? 9 : 1 })
      for (let i = 0; i < 20; i++) underWay()
      process.exit(7)`
    expect(run(body)).toEqual({ ...ended, status: 9 })
  })

  it.each([
    ['thrown', "throw new Error('planted')", 'Error: planted'],
    ['in a promise', "underWay().then(() => { throw new Error('planted') })", 'Error: planted'],
    ['of the package', 'pred.dispose(); pred.read()', 'ERR_SCALOSS_DISPOSED'],
  ])('by an error that nobody catches: %s', (_, body, message) => {
    const { status, signal, stdout, stderr } = run(body)
    expect([status, signal, stdout]).toEqual([1, null, ''])
    expect(stderr).toContain(message)
    // What the device has to say of a wrong use.
    expect(stderr).not.toContain('emulator:')
  })

  it.each(['SIGTERM', 'SIGINT', 'SIGKILL'])('by %s in the middle of a call', (name) => {
    const body = `
      console.log(finalLoss() === expected)
      new Worker("process.kill(process.pid, '${name}')", { eval: true })
      for (;;) { plan.run(); underWay() }`
    expect(run(body)).toEqual({ ...printed('true'), status: null, signal: name })
  })

  it('by a signal that it handles', () => {
    const body = `
      process.on('SIGTERM', () => { console.log(finalLoss() === expected); process.exit(3) })
      process.kill(process.pid, 'SIGTERM')
      setInterval(underWay, 1)`
    expect(run(body)).toEqual({ ...printed('true'), status: 3 })
  })

  it('with workers in the middle of their work', () => {
    const body = `
      const work = ${JSON.stringify(`${prologue}; parentPort.postMessage(finalLoss()); for (;;) { objects(); underWay() }`)}
      let ready = 0
      for (let i = 0; i < 3; i++)
        new Worker(work, { eval: true })
          .on('message', (loss) => { if (loss === expected && ++ready === 3) process.exit(4) })`
    expect(run(body)).toEqual({ ...ended, status: 4 })
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
  expect(run(body)).toEqual(printed('true'))
})

/** Bytes in use on the device, once no work is under way and garbage is collected. */
const settling = `
  const settled = async () => {
    // A tensor keeps the stream that used it last.
    finalLoss()
    for (let i = 0; i < 5; i++) {
      await underWay()
      gc()
      await new Promise(setImmediate)
    }
    return device.memory().allocated
  }`

it('objects disposed twice, in every order, and as garbage give their memory back once', () => {
  const body = `${settling}
    // Of its own: what a frame that goes on has held is no garbage.
    const round = (i) => {
      const made = objects(), first = i % made.length
      const list = [...made.slice(first), ...made.slice(0, first)]
      if (i % 2) list.reverse()
      if (i < 30) for (let twice = 0; twice < 2; twice++) for (const each of list) each.dispose()
      else if (i < 45) for (const each of list) { each.dispose(); each[Symbol.dispose]() }
      if (i % 20 === 0) gc()
    }
    const main = async () => {
      const before = await settled()
      for (let i = 0; i < 60; i++) round(i)
      console.log(await settled() - before, finalLoss() === expected)
    }
    main()`
  expect(run(body)).toEqual(printed('0 true'))
})

it('workers that end in every way give the memory of their objects back', () => {
  const ends = ['', 'process.exit(5)', "throw new Error('planted')", 'for (;;) { objects(); underWay() }']
  const body = `${settling}
    const ends = ${JSON.stringify(ends)}, codes = {}
    const one = (i) => new Promise((resolve) => {
      const end = i % ends.length
      const work = ${JSON.stringify(prologue)} + '\\nparentPort.postMessage(finalLoss())\\n' + ends[end]
      const worker = new Worker(work, { eval: true, stderr: true })
      worker.on('error', ({ message }) => { if (message !== 'planted') throw new Error(message) })
      worker.on('message', (loss) => { if (loss !== expected) throw new Error('loss'); if (end === 3) worker.terminate() })
      worker.on('exit', (code) => { (codes[end] ??= new Set()).add(code); resolve() })
    })
    const main = async () => {
      const before = await settled()
      for (let i = 0; i < 24; i += 4) await Promise.all([one(i), one(i + 1), one(i + 2), one(i + 3)])
      console.log(await settled() - before, finalLoss() === expected, ...Object.values(codes).flatMap((set) => [...set]))
    }
    main()`
  expect(run(body)).toEqual(printed('0 true 0 5 1 1'))
})
