import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { figure as ablation } from '../../bench/paper/ablation.mjs'
import { PAPER_TABLES } from '../../bench/paper/paper-tables.mjs'
import type { Figure } from '../../bench/paper/run.mjs'
import { figure as tables } from '../../bench/paper/tables.mjs'

// The paper's tables, beside the trainings of the detector of digits where there are any.

const folder = mkdtempSync(join(tmpdir(), 'scaloss-tables-'))
afterAll(() => rmSync(folder, { recursive: true }))

const columns = ['mAP', 'AP50', 'AP65', 'AP75', 'AP80', 'AP90']
const each = <T>(value: T) => Object.fromEntries(columns.map((column) => [column, value]))
/** A row of the comparison, so many points from its reference. */
const row = (points: number | null) => ({
  mean: each(70 + (points ?? 0)),
  deviation: each(0.5),
  difference: points === null ? null : each({ mean: points, low: points - 1, high: points + 1 }),
})

/** As `npm run compare` writes it; the rows that are not named are 0.2 points worse than the reference. */
function comparison(points: Record<string, number>) {
  const references = { 1: 'IoU', 6: '(c) IoU', 7: '0.5' }
  return {
    columns,
    seeds: [1, 2, 3],
    tables: Object.entries(references).map(([paperTable, reference]) => ({
      paperTable: Number(paperTable),
      reference,
      rows: Object.fromEntries(
        Object.keys(PAPER_TABLES[Number(paperTable) - 1]!.rows).map((label) => [
          label,
          row(label === reference ? null : (points[label] ?? -0.2)),
        ]),
      ),
    })),
    curves: ['giou', 'diou', 'sca'].map((name, at) => ({
      name,
      points: [0, 1, 2].map((step) => ({ step, mean: 10 * step + at })),
    })),
  }
}

const context = (digits: string) => ({ folder, digits, quick: true, progress: () => {}, log: () => {} })

/** The statement whose text has this in it. */
const statement = (of: Figure, part: string) =>
  [of, ...(of.statements ?? [])].find(({ statement }) => statement.includes(part))!

describe('without trainings', () => {
  const absent = context(join(folder, 'absent.json'))

  test('the report has the seven tables of the paper and says what is missing', async () => {
    const made = await tables(absent)
    const captions = made.tables!.map(({ caption }) => caption)
    expect(captions).toHaveLength(7)
    for (const caption of captions) expect(caption).toMatch(/The paper's figures; not run here$/)
    expect(made.notes!.join()).toContain('npm run compare')
    expect(made.images).toEqual([])
    for (const part of ['Detectors trained', 'In small: a detector', 'α = 0.5'])
      expect(statement(made, part).verdict).toBe('not run')
  })

  test('Table 6 has a verdict on every part by the simulation', { timeout: 30_000 }, async () => {
    const made = await ablation(absent)
    expect(statement(made, 'centre distance cannot').verdict).toMatch(/reproduced|partly/)
    expect(statement(made, 'CD loss alone').finding).toMatch(
      /0\.\d{3} against 0\.\d{3} at one rate.*equal first steps\.$/,
    )
    expect(made.notes!.join()).toContain('npm run compare')
    expect(made.tables![0]!.rows).toHaveLength(7)
    expect(made.tables![0]!.rows[1]).toEqual(['(b) CD', expect.any(String), expect.any(String), '52.64'])
  })
})

describe('with trainings', () => {
  const file = join(folder, 'compare.json')
  const made = (points: Record<string, number>) => {
    writeFileSync(file, JSON.stringify(comparison(points)))
    return tables(context(file))
  }

  test('their tables stand beside those of the paper, told apart', async () => {
    const { tables, images } = await made({ SCA: 1.5 })
    const small = tables!.filter(({ caption }) => caption.includes("not the paper's data: 3 seeds"))
    expect(small).toHaveLength(2)
    expect(small[0]!.rows.at(-1)).toEqual(['SCA', ...Array(6).fill('71.5 ± 0.5'), '+1.5 (+0.5 to +2.5)'])
    expect(images.map(({ file }) => file)).toEqual(['fig6-digits.svg'])
  })

  test.each([
    [1.5, 'reproduced', 'better'],
    [0.5, 'not', 'within the noise'],
    [-1.5, 'not', 'worse'],
  ])('a difference of %d points, ± 1: %s', async (points, verdict, word) => {
    const of = statement(await made({ SCA: points }), 'In small: a detector')
    expect(of.verdict).toBe(verdict)
    expect(of.finding).toContain(word)
  })

  test('Table 6: CD alone is reproduced in part at most where they disagree', { timeout: 30_000 }, async () => {
    await made({ '(b) CD': -3 })
    const table6 = await ablation(context(file))
    expect(statement(table6, 'CD loss alone')).toMatchObject({
      finding: expect.stringContaining('−3.0 (−4.0 to −2.0) mAP, worse'),
      verdict: expect.not.stringMatching('reproduced'),
    })
    expect(table6.tables!.map(({ rows }) => rows.length)).toEqual([7, 7])
  })

  test('α = 0.5 is best only if all others are worse', async () => {
    const others = ['0.2', '0.3', '0.4', '0.6', '0.7']
    const all = (points: number) => Object.fromEntries(others.map((alpha) => [alpha, points]))
    expect(statement(await made(all(-2)), 'α = 0.5').verdict).toBe('reproduced')
    expect(statement(await made(all(-0.2)), 'α = 0.5').verdict).toBe('partly')
    expect(statement(await made({ ...all(-2), '0.3': 0.1 }), 'α = 0.5').verdict).toBe('not')
  })
})
