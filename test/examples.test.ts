import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { ROOT } from './support/project.js'

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

it('examples/worker.mjs: workers together give what one call gives', () => {
  const [losses, gradients] = run('examples/worker.mjs').trim().split('\n')
  const [, loss, whole] = /loss ([\d.]+), in one call ([\d.]+)$/.exec(losses!)!
  expect(Number(loss)).toBeGreaterThan(0)
  expect(loss).toBe(whole)
  expect(gradients).toMatch(/to the bit: true$/)
})
