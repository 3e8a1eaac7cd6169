import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { CONFIGURATIONS } from '../../examples/digits/configurations.mjs'
import { deviation, mean, pairedDifference } from '../../examples/digits/statistics.mjs'
import { ROOT } from '../support/project.js'

// The comparison of losses in the digits example. Takes about 3 s.

describe('statistics', () => {
  it('mean and standard deviation', () => {
    expect(mean([2, 4, 4, 6])).toBe(4)
    expect(deviation([2, 4, 4, 6])).toBeCloseTo(Math.sqrt(8 / 3), 12)
  })

  it('a paired difference leaves out what both share', () => {
    // Differences 1, 2, 3: mean 2, standard deviation 1, t(0.975, 2) = 4.303.
    const { mean, low, high } = pairedDifference([11, 52, 33], [10, 50, 30])
    expect(mean).toBeCloseTo(2, 12)
    expect(low).toBeCloseTo(2 - 4.303 / Math.sqrt(3), 12)
    expect(high).toBeCloseTo(2 + 4.303 / Math.sqrt(3), 12)
  })
})

describe('npm run compare', { timeout: 60_000 }, () => {
  const settings = { steps: 2, batch: 2, lr: 0.004, weights: 'balanced', heldOut: 5, backend: 'wasm' }
  const options = ['--steps', '2', '--batch', '2', '--held-out', '5', '--jobs', '1']
  const run = (...args: string[]) =>
    new Promise<{ code: number; stdout: string; stderr: string }>((resolve) => {
      execFile(process.execPath, ['examples/digits/compare.mjs', ...args], { cwd: ROOT }, (error, stdout, stderr) =>
        resolve({ code: error ? Number(error.code) : 0, stdout, stderr }),
      )
    })

  /** A folder in which all trainings of these seeds are finished, with invented scores. */
  function finished(seeds: number[]) {
    const out = mkdtempSync(join(tmpdir(), 'scaloss-compare-'))
    for (const seed of seeds)
      CONFIGURATIONS.forEach(({ name, ...boxLoss }, at) => {
        const folder = join(out, 'runs', `${name}-seed${seed}`)
        mkdirSync(folder, { recursive: true })
        // SCA is ahead of IoU by 5 with each seed, GIoU now ahead and now behind, all with the seed's own offset.
        const ahead = name === 'sca' ? 5 + seed / 100 : name === 'giou' ? (-1) ** seed : 0
        const mAP = 20 + 3 * seed + ahead
        const scores = { mAP, AP50: 80 + at, AP65: 60, AP75: 40, AP80: 20, AP90: 1 }
        const curve = [1, 2].map((step) => ({ step, ...scores, mAP: (mAP * step) / 2 }))
        const result = { settings: { ...boxLoss, seed, ...settings }, lossWeight: 2, seconds: 1, scores, curve }
        writeFileSync(join(folder, 'result.json'), JSON.stringify(result))
        writeFileSync(join(folder, 'sheet.svg'), '')
      })
    return out
  }
  const read = (out: string) => JSON.parse(readFileSync(join(out, 'compare.json'), 'utf8'))

  it('tables in the shape of the paper, with what is within the noise', async () => {
    const out = finished([1, 2, 3])
    const { code, stdout } = await run(...options, '--seeds', '3', '--out', out)
    expect(code).toBe(0)
    expect(stdout).toContain('| SCA | 2 | 31.0 ± 3.0 | 85.0 ± 0.0 |')
    expect(stdout).toMatch(/\| SCA .*\| \+5\.02 \(\+5\.00 to \+5\.04\) \| better \|/)
    expect(stdout).toMatch(/\| GIoU .*\| within the noise \|/)
    expect(readFileSync(join(out, 'compare.md'), 'utf8').trimEnd()).toBe(stdout.trimEnd())
    for (const file of ['curves.svg', 'sheet.svg']) expect(existsSync(join(out, file))).toBe(true)

    const { tables, curves, seeds } = read(out)
    expect(seeds).toEqual([1, 2, 3])
    const paper = JSON.parse(readFileSync(join(ROOT, 'bench/paper/tables.json'), 'utf8'))
    for (const { paperTable, rows } of tables)
      expect(Object.keys(rows)).toEqual(expect.arrayContaining(Object.keys(paper.tables[paperTable - 1].rows)))
    expect(tables[0].rows.SCA.runs.map(({ mAP }: { mAP: number }) => mAP)).toEqual([28.01, 31.02, 34.03])
    expect(tables[0].rows.IoU.difference).toBeNull()
    expect(curves.find(({ name }: { name: string }) => name === 'iou').points[0]).toEqual({
      ...{ step: 1, mean: 13, deviation: 1.5 },
    })
  })

  it('trains what is missing and no more, and leaves out seeds that are not complete', async () => {
    const out = finished([1, 2])
    rmSync(join(out, 'runs', 'so-seed1', 'result.json'))
    const first = await run(...options, '--seeds', '1', '--out', out)
    expect(first.stderr.trim()).toBe('15/15  so, seed 1')
    expect(read(out).seeds).toEqual([1])
    expect(read(out).tables[0].rows.SCA.deviation).toBeNull()
    expect(existsSync(join(out, 'runs', 'so-seed1', 'checkpoint.bin'))).toBe(false)
    const second = await run(...options, '--seeds', '2', '--out', out)
    expect(second.stderr).toBe('')
    expect(read(out).seeds).toEqual([1, 2])
  })

  it('does not mix settings', async () => {
    const { code, stderr } = await run(...options, '--steps', '3', '--seeds', '1', '--out', finished([1]))
    expect(code).toBe(1)
    expect(stderr).toMatch(/result\.json has other settings than this comparison; use another --out/)
  })

  it.each([
    [['--seeds', '0'], /--seeds: expected an integer of at least 1, got '0'/],
    [['--weights', 'none'], /--weights: expected one of balanced, same, got 'none'/],
  ])('%j: exit code 2', async (args, message) => {
    const { code, stderr } = await run(...args)
    expect(code).toBe(2)
    expect(stderr).toMatch(message)
  })
})
