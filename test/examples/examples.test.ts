import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { bothWays } from '../support/jax.mjs'
import { ROOT } from '../support/project.js'
import { randomPairs } from '../support/random.js'

// The examples, run as the reader would; the demo has simulation.test.ts.
const run = (...args: string[]) => execFileSync(process.execPath, args, { cwd: ROOT, encoding: 'utf8' })

describe('examples/trainer.mjs', () => {
  const file = 'examples/trainer.mjs'

  it.each([
    { loss: 'sca', backend: /sca on \w+/ },
    { loss: 'ciou', backend: /ciou on \w+/ },
  ])('$loss moves boxes onto their targets', ({ loss, backend }) => {
    const [title, , , ...rows] = run(file, '--loss', loss, '--boxes', '300').trimEnd().split('\n')
    expect(title).toMatch(backend)
    const table = rows.map((row) => row.trim().split(/ +/).map(Number))
    expect(table.map(([step]) => step)).toEqual([0, 20, 40, 60, 80, 100, 120, 140, 160, 180, 200])
    const [[, firstLoss, firstIou], [, lastLoss, lastIou]] = [table[0]!, table.at(-1)!]
    expect(firstIou).toBeLessThan(0.5)
    expect(lastIou).toBeGreaterThan(0.98)
    expect(lastLoss).toBeLessThan(firstLoss! / 20)
  })

  it('is short', () => {
    expect(readFileSync(join(ROOT, file), 'utf8').trimEnd().split('\n').length).toBeLessThan(60)
  })
})

describe('examples/head.mjs', () => {
  it.each([
    ['deltas', 0.9],
    ['yolov3', 0.9],
    ['yolov5', 0.9],
    ['yolox', 0.9],
    ['ltrb', 0.8],
    ['dfl', 0.95],
    // A sigmoid of a linear layer cannot tell a box from its place exactly.
    ['detr', 0.5],
  ])('%s: the head finds its boxes', (kind, least) => {
    const rows = run('examples/head.mjs', '--coder', kind).trimEnd().split('\n').slice(3)
    const ious = rows.map((row) => Number(row.trim().split(/ +/)[2]))
    expect(ious).toHaveLength(11)
    expect(ious[0]).toBeLessThan(0.6)
    expect(ious.at(-1)).toBeGreaterThan(least)
  })

  it('is short', () => {
    expect(readFileSync(join(ROOT, 'examples/head.mjs'), 'utf8').trimEnd().split('\n').length).toBeLessThan(80)
  })
})

it('examples/worker.mjs: workers together give what one call gives', () => {
  const [losses, gradients] = run('examples/worker.mjs').trim().split('\n')
  const [, loss, whole] = /loss ([\d.]+), in one call ([\d.]+)$/.exec(losses!)!
  expect(Number(loss)).toBeGreaterThan(0)
  expect(loss).toBe(whole)
  expect(gradients).toMatch(/to the bit: true$/)
})

describe('examples/jax.mjs', () => {
  it('the model finds its boxes', () => {
    const losses = [...run('examples/jax.mjs').matchAll(/^step +\d+ {2}loss ([\d.]+)$/gm)].map(([, loss]) =>
      Number(loss),
    )
    expect(losses).toHaveLength(9)
    expect(losses[0]).toBeGreaterThan(1)
    expect(losses.at(-1)).toBeLessThan(0.02)
  })

  const weights = Float32Array.from({ length: 12 }, (_, i) => i - 5)
  const bias = Float32Array.of(20, 25, 60, 70)

  it('gives every parameter the gradient that autograd of jax-js gives it', () => {
    const { target } = randomPairs(Float32Array, 50, { seed: 3 })
    const { own, autograd } = bothWays(target as Float32Array, weights, bias)
    expect(own.loss).toBeCloseTo(autograd.loss, 6)
    const largest = Math.max(...autograd.gradients.map(Math.abs))
    expect(largest).toBeGreaterThan(1e-3)
    expect(own.gradients).toHaveLength(16)
    for (const [i, gradient] of own.gradients.entries())
      expect(Math.abs(gradient - autograd.gradients[i]!)).toBeLessThan(1e-6 * largest)
  })

  it('at a perfect match loss and gradients are 0, where autograd gives NaN', () => {
    const target = Float32Array.from({ length: 200 }, (_, i) => bias[i % 4]!)
    const { own, autograd } = bothWays(target, new Float32Array(12), bias)
    expect(own.loss).toBe(0)
    expect(own.gradients.every((gradient) => gradient === 0)).toBe(true)
    expect(autograd.gradients.every(Number.isNaN)).toBe(true)
  })
})
