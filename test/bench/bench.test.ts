import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { checkAgrees, columnsOf, rowsOf } from '../../bench/cpu/check.mjs'
import { crossover } from '../../bench/cpu/model.mjs'
import { fill, PAGES } from '../../bench/cpu/pages.mjs'
import { page } from '../../bench/cpu/report.mjs'
import type { Results, Row } from '../../bench/cpu/run.mjs'
import { targetsOf } from '../../bench/cpu/targets.mjs'
import { medianOfRounds, takeTurns, type Variant } from '../../bench/cpu/turns.mjs'
import { ROOT } from '../support/project.js'

// Tests the code of the benchmark, and that the pages quote its results. No test looks at how long anything takes.

const read = (path: string) => readFileSync(join(ROOT, path), 'utf8')
const bench = (...args: string[]) =>
  spawnSync(process.execPath, ['bench/cpu/run.mjs', ...args], { cwd: ROOT, encoding: 'utf8' })

describe('npm run bench', () => {
  it('measures every part, and says where it is', { timeout: 60_000 }, () => {
    const { status, stdout, stderr } = bench('--quick', '--json')
    expect(stderr).toMatch(/\[ +\d+ s\] trainer: 1000 boxes/)
    expect(status).toBe(0)
    const { machine, parts, targets }: Results = JSON.parse(stdout)
    expect(machine).toMatchObject({ node: process.version, packages: { '@jax-js/jax': expect.any(String) } })
    expect(Object.keys(parts)).toEqual(['sizes', 'losses', 'heads', 'wasm', 'calls', 'start', 'peers', 'trainer'])
    for (const rows of Object.values(parts)) {
      for (const { ns, rounds } of rows) {
        expect(ns.median).toBeGreaterThan(0)
        expect(rounds).toBeGreaterThan(0)
      }
    }
    expect(targets.length).toBeGreaterThan(5)
  })

  it('--only measures what it names, as a table', () => {
    const { status, stdout } = bench('--quick', '--only', 'calls,wasm')
    expect(status).toBe(0)
    expect(stdout.match(/^## .*/gm)).toEqual(['## Targets', '## Without the addon', '## Calls'])
    const rows = [...stdout.matchAll(/^\| 1,000 \| `(\w+)` \| (addon|backend wasm, plan|backend \w+|plain JS loop)/gm)]
    const others = ['addon', 'backend wasm', 'backend wasm, plan', 'backend js', 'plain JS loop']
    expect(rows.map(([, name, code]) => `${name} ${code}`).sort()).toEqual(
      ['ciou', 'giou', 'sca'].flatMap((name) => others.map((code) => `${name} ${code}`)).sort(),
    )
    expect(stdout).toContain('A quick run')
  })

  it.each([
    [
      ['--only', 'calls,nothing'],
      "--only: expected some of sizes, losses, heads, wasm, calls, start, peers, trainer, got 'nothing'",
    ],
    [['--save', '--quick'], '--save: expected a full run'],
    [['--render', '--json'], '--render: expected no other option'],
    [['--frobnicate'], "Unknown option '--frobnicate'"],
  ])('%s is a wrong command line', (args, message) => {
    const { status, stdout, stderr } = bench(...args)
    expect(stderr).toContain(message)
    expect(stderr).toContain('usage: npm run bench')
    expect([status, stdout]).toEqual([2, ''])
  })
})

describe('a peer must give the same result', () => {
  const expected = { loss: 1.5, grad: Float32Array.of(0.1, -0.2, 0.3, 0.4) }

  it('within float32 rounding', () => {
    checkAgrees('a peer', { loss: 1.5 + 1e-7, grad: expected.grad.map((g) => g * (1 + 1e-7)) }, expected)
  })

  it.each([
    ['another loss', { loss: 1.51, grad: expected.grad }],
    ['another gradient', { loss: 1.5, grad: Float32Array.of(0.1, -0.2, 0.3, 0.401) }],
    ['NaN', { loss: 1.5, grad: Float32Array.of(0.1, -0.2, 0.3, Number.NaN) }],
    ['too few numbers', { loss: 1.5, grad: [] }],
  ])('%s is refused', (_, actual) => {
    expect(() => checkAgrees('a peer', actual, expected)).toThrow(/^a peer does not give the result of scaloss: loss/)
  })

  it('columns are rows turned', () => {
    const rows = Float32Array.from({ length: 12 }, (_, i) => i)
    expect(Array.from(columnsOf(rows)[1]!)).toEqual([1, 5, 9])
    expect(rowsOf(columnsOf(rows))).toEqual(rows)
  })
})

describe('turns', () => {
  const effort = { rounds: 12, timing: 1e-6, most: 1e9 }
  const variant = (name: string, calls: string[], more = {}): Variant => ({
    is: { name },
    call: () => calls.push(name),
    ...more,
  })

  it('ratios are medians of what was measured in the same round', () => {
    const skipped: number[] = []
    skipped[1] = 10
    skipped[2] = 30
    expect(medianOfRounds(skipped, [1, 2, 3, 4], (a, b) => a / b)).toBe(10)
  })

  it('all take turns, and another one begins each round', async () => {
    const calls: string[] = []
    const [a, b] = [variant('a', calls), variant('b', calls)]
    a.against = { b }
    const rows = await takeTurns([a, b], 1, effort)
    expect(rows.map(({ rounds }) => rounds)).toEqual([12, 12])
    expect(rows[0]!.times.b).toBeGreaterThan(0)
    expect(calls.slice(-8).join('')).toBe('aabbbbaa')
  })

  it('a slow one takes part in three rounds at least', async () => {
    const [row] = await takeTurns([variant('slow', [])], 1, { ...effort, most: 0 })
    expect(row!.rounds).toBe(3)
  })

  it('what to compare with must take turns too', async () => {
    const stranger = variant('stranger', [])
    const turns = takeTurns([variant('a', [], { against: { stranger } })], 1, effort)
    await expect(turns).rejects.toThrow('{"name":"stranger"} is not in its group')
  })
})

describe('targets', () => {
  const row = (name: string, boxes: number, median: number): Row => {
    return { name, boxes, ns: { median, q1: median, q3: median }, rounds: 1, times: {}, adds: {} }
  }

  it.each([
    [90, true],
    [110, false],
  ])('a plan of 16 boxes in %i ns: met %s', (ns, met) => {
    const [target, ...rest] = targetsOf({ calls: [row('plan', 16, ns)] })
    expect(rest).toEqual([])
    expect(target).toMatchObject({ target: '≤ 0.1 µs', measured: ns / 1e3, met })
  })

  it('the worst of several figures counts', () => {
    const peers = [12.5, 11].map((loop, i) => ({
      ...row('scaloss', [1e5, 1e6][i]!, 2),
      times: { loop, jax: 20, wasm: 300, cpu: 2000 },
    }))
    const targets = targetsOf({ peers })
    expect(targets.map(({ measured, met }) => [measured, met])).toEqual([
      [11, false],
      [20, true],
      [300, true],
      [2000, true],
    ])
  })
})

it('a GPU that moves a box in less time than the CPU makes up for its latency; another never does', () => {
  expect(crossover(2, 1)).toBe(20_000)
  expect(crossover(1, 1)).toBe(Number.POSITIVE_INFINITY)
})

describe('bench/results/cpu.json (npm run bench -- --save, or --render)', () => {
  const results: Results = JSON.parse(read('bench/results/cpu.json'))

  it('is of a full run', () => {
    expect(results.quick).toBe(false)
    expect(results.targets).toEqual(targetsOf(results.parts))
  })

  it('cpu.md is its page', () => {
    expect(read('bench/results/cpu.md')).toBe(page(results))
  })

  it.each(PAGES)('%s quotes it', (name) => {
    expect(read(name)).toContain('<!-- bench:')
    expect(read(name)).toBe(fill(read(name), results))
  })

  it('a block that nobody writes is an error', () => {
    expect(() => fill('<!-- bench:nothing --><!-- bench -->', results)).toThrow('no block bench:nothing')
  })
})
