import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { figure } from '../../bench/paper/simulation.mjs'

// The figure's program on few iterations: what it says is in bench/paper/results.

test('Figure 5: pictures that stand alone, the numbers behind them, and a verdict', { timeout: 60_000 }, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'scaloss-figure-'))
  try {
    const { id, images, data, finding, verdict } = await figure({
      folder,
      quick: true,
      progress: () => {},
      log: () => {},
    })
    expect(id).toBe('fig5-simulation')
    expect(['reproduced', 'partly', 'not']).toContain(verdict)
    expect(finding).toMatch(/SCA 0\.\d{3}, IoU 0\.\d{3}/)
    expect(images).toHaveLength(5)
    for (const { file, alt } of images) {
      const svg = readFileSync(join(folder, file), 'utf8')
      expect(svg).toMatch(/^<svg [^>]*viewBox="/)
      expect(svg).not.toMatch(/NaN|undefined|<script|href/)
      expect(alt.length).toBeGreaterThan(20)
    }
    const moving = readFileSync(join(folder, images[4].file), 'utf8')
    expect(moving.match(/<animate /g)).toHaveLength(7 * 3 * 4 + 1)

    const { rows } = JSON.parse(readFileSync(join(folder, data[0].file), 'utf8'))
    expect(rows).toHaveLength(3 * 7 * 41)
    const start = rows.filter(
      (row: { chart: string; iteration: number }) => row.chart === 'dense' && row.iteration === 0,
    )
    expect(new Set(start.map((row: { meanIou: number }) => row.meanIou))).toEqual(new Set([0.184531]))
  } finally {
    rmSync(folder, { recursive: true })
  }
})
