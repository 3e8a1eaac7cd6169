import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { drawPairs, SAMPLINGS } from '../../bench/paper/boxes.mjs'
import { type Contents, statementsOf } from '../../bench/paper/report.mjs'
import { pearson, spearman } from '../../bench/paper/statistics.mjs'
import { referencePair } from '../support/paper.js'
import { ROOT } from '../support/project.js'

// A quick npm run paper: every figure exists, shows something, and has the numbers that a plain second computation
// gives.

const PICTURES = [
  ...['corners', 'centre', 'jitter'].map((sampling) => `fig1-gradient-${sampling}`),
  ...['iou', 'corner-distance', 'centre-distance'].map((what) => `fig1-corners-${what}`),
  ...['corner', 'off-centre', 'centre', 'around', 'wide', 'near'].map((name) => `fig2-${name}`),
  ...['iou-overlapping', 'giou-overlapping', 'giou-apart'].map((name) => `fig4-${name}`),
  ...['dense', 'wide', 'rates', 'same-step'].map((name) => `fig5-simulation-${name}`),
  'properties-slack',
  ...['table6-same-rate', 'table6-same-step'],
]
const TABLES = [
  'fig1-gradient',
  'fig1-corners',
  'fig2-cases',
  'fig4-correlation',
  'fig4-bounds',
  'properties',
  'table6',
  'tables',
]

type Row = Record<string, string | number | boolean | null>
interface Data {
  parameters: { boxes: number; seed: number; listed: Row[] }
  rows: Row[]
}

const folder = mkdtempSync(join(tmpdir(), 'scaloss-paper-'))
const text = (file: string) => readFileSync(join(folder, file), 'utf8')
const data = (name: string): Data => JSON.parse(text(`${name}.json`))
const paper = (...options: string[]) =>
  execFileSync(process.execPath, ['bench/paper/run.mjs', ...options], { cwd: ROOT, stdio: 'pipe', encoding: 'utf8' })

const RESULTS = join(ROOT, 'bench/paper/results')
const statementsIn = (of: string) => {
  const { figures }: Contents = JSON.parse(readFileSync(join(of, 'figures.json'), 'utf8'))
  return figures.flatMap(statementsOf)
}

beforeAll(() => {
  paper('--quick', '--out', folder)
})
afterAll(() => rmSync(folder, { recursive: true }))

describe.each(PICTURES)('%s', (name) => {
  test('is drawn, with letters and with what they are about', () => {
    const svg = text(`${name}.svg`)
    expect(svg).toMatch(/^<svg [\s\S]*<text [\s\S]*<\/svg>\n$/)
    expect(svg).not.toMatch(/NaN|undefined|Infinity|<script|href/)
    const [, width, height] = /^<svg [^>]*viewBox="0 0 ([\d.]+) ([\d.]+)"/.exec(svg) ?? []
    expect(Math.min(Number(width), Number(height))).toBeGreaterThan(200)
    const title = /class="mark-text role-title-text"[\s\S]*?<text [^>]*>([^<]+)</.exec(svg)?.[1]
    expect(title?.length).toBeGreaterThan(5)
    // Marks of the data with some extent, apart from the frame.
    const marks = [...svg.matchAll(/class="mark-(?:line|rect|area|symbol|rule|bar) role-mark[\s\S]*?<\/g>/g)].join('')
    expect(new Set(marks.match(/ d="[^"]{10,}"/g)).size).toBeGreaterThan(1)
  })
})

test.each(TABLES)('%s: every row has the keys of the first', (name) => {
  const { rows } = data(name)
  expect(rows.length).toBeGreaterThan(1)
  for (const row of rows) expect(Object.keys(row)).toEqual(Object.keys(rows[0]!))
})

test('figure 1: gradients of a bin, by differences of the losses as the paper writes them', () => {
  const { parameters, rows } = data('fig1-gradient')
  const { pred, target } = drawPairs(SAMPLINGS.jitter.pair, parameters.boxes, parameters.seed)
  for (const loss of ['IoU', 'SO'] as const) {
    const row = rows.find((row) => row.sampling === 'jitter' && row.loss === loss && row.iou === '0.9-1')!
    const lengths: number[] = []
    for (let i = 0; i < pred.length; i += 4) {
      const [a, b] = [[...pred.subarray(i, i + 4)], [...target.subarray(i, i + 4)]]
      if (referencePair(a, b).IoU >= 0.1) continue
      const slopes = a.map((_, k) => {
        const moved = (by: number) => referencePair(a.with(k, a[k]! + by), b)[loss]
        return (moved(1e-7) - moved(-1e-7)) / 2e-7
      })
      lengths.push(Math.hypot(...slopes))
    }
    expect(row.boxes).toBe(lengths.length)
    expect(row.mean).toBeCloseTo(lengths.reduce((sum, length) => sum + length, 0) / lengths.length, 3)
  }
})

test('figure 1: IoU has no gradient apart, and less than SCA at every overlap', () => {
  const { rows } = data('fig1-gradient')
  const of = (loss: string) => rows.filter((row) => row.loss === loss && row.boxes !== 0)
  for (const row of of('IoU').filter(({ iou }) => iou === 'apart')) expect(row.mean).toBe(0)
  expect(of('SCA').filter((row, i) => row.mean! <= of('IoU')[i]!.mean!)).toEqual([])
})

test('figure 2: within the target, GIoU is IoU; with one centre, DIoU is', () => {
  const { rows } = data('fig2-cases')
  const loss = (name: string, of: string) => rows.find((row) => row.case === name && row.loss === of)!.value
  expect([loss('corner', 'giou'), loss('corner', 'iou')]).toEqual([0.75, 0.75])
  expect(loss('corner', 'diou')).toBe(0.75 + 1 / 16)
  expect([loss('centre', 'diou'), loss('centre', 'sca')]).toEqual([0.75, 1.25])
  expect(loss('wide', 'giou')).toBeGreaterThan(Number(loss('wide', 'iou')))
})

test('figure 4: the coefficients', () => {
  expect(pearson(Float64Array.of(1, 2, 3, 4), Float64Array.of(2, 4, 6, 8))).toBeCloseTo(1, 12)
  expect(spearman(Float64Array.of(1, 2, 2, 9), Float64Array.of(-1, -3, -2, -40))).toBeCloseTo(-0.9487, 4)
  const { parameters, rows } = data('fig4-correlation')
  const { pred, target } = drawPairs(SAMPLINGS.corners.pair, parameters.boxes, parameters.seed)
  const pairs = Array.from({ length: parameters.boxes }, (_, i) =>
    referencePair([...pred.subarray(4 * i, 4 * i + 4)], [...target.subarray(4 * i, 4 * i + 4)]),
  ).filter(({ IoU }) => IoU < 1)
  const row = rows.find((row) => row.sampling === 'corners' && row.subset === 'overlapping' && row.against === 'IoU')!
  expect(row.pairs).toBe(pairs.length)
  const column = (of: 'SO' | 'IoU') => Float64Array.from(pairs, (pair) => -pair[of])
  expect(row.pearson).toBeCloseTo(pearson(column('SO'), column('IoU')), 5)
})

test('the bounds hold of every valid pair and fail of inverted and of flat ones', () => {
  const { rows, parameters } = data('fig4-bounds')
  const broken = (set: string) =>
    rows.filter((row) => row.set === set && row.violations !== 0).map(({ bound }) => bound)
  for (const row of rows)
    if (row.valid) expect(row, `${row.set}, ${row.bound}`).toMatchObject({ violations: 0, invalid: 0 })
  expect(rows.filter((row) => row.valid)).toHaveLength(5 * 6)
  expect(broken('inverted')).toEqual([...['SO ≤ IoU + 1', 'SO ≤ GIoU + 1', 'SO ≤ 2', 'SO ≥ −2', '−1 ≤ GIoU ≤ 1']])
  expect(broken('two flat boxes')).toContain('SO ≤ IoU + 1')
  expect(parameters.listed.length).toBeGreaterThan(4)
  for (const { bound, so, iou } of parameters.listed)
    if (bound === 'SO ≤ IoU + 1') expect(so).toBeGreaterThan(Number(iou) + 1)
})

test('statements that do not hold are said not to', () => {
  const verdict = (part: string) =>
    statementsIn(folder).find(({ statement }) => String(statement).includes(part))?.verdict
  expect(verdict('For all A, B')).toBe('partly')
  expect(verdict('larger gradient than GIoU')).toBe('partly')
  expect(verdict('Eq. 7')).toBe('not')
  expect(verdict('Detectors trained')).toBe('not run')
})

test('the committed report has the statements that are made now', () => {
  const texts = (of: string) => statementsIn(of).map(({ statement }) => statement)
  expect(texts(RESULTS)).toEqual(texts(folder))
})

test('every committed file is one that the report names, and the other way round', () => {
  const files = (of: string) => {
    const { figures }: Contents = JSON.parse(readFileSync(join(of, 'figures.json'), 'utf8'))
    const named = figures.flatMap(({ images, data }) => [...images, ...data].map(({ file }) => file))
    expect([...named, 'figures.json'].sort()).toEqual(
      readdirSync(of)
        .filter((file) => file !== 'report.html')
        .sort(),
    )
    return named
  }
  expect(files(RESULTS)).toEqual(files(folder))
})

test('--render makes the report of files that are there', () => {
  const made = text('report.html')
  rmSync(join(folder, 'report.html'))
  expect(paper('--render', '--out', folder)).toBe(`${folder}/report.html\n`)
  expect(text('report.html')).toBe(made)
})

test('the report holds every picture and number, and loads nothing', () => {
  const page = text('report.html')
  for (const name of PICTURES) expect(page).toContain(readFileSync(join(folder, `${name}.svg`)).toString('base64'))
  for (const [image] of page.matchAll(/<img[^>]*>/g)) expect(image).toMatch(/ alt="[^"]{10,}"/)
  const links = [...page.matchAll(/(?:src|href)="(?!data:|#)([^"]*)"/g)].map(([, link]) => link!)
  expect(links.filter((link) => !readdirSync(folder).includes(link))).toEqual([])
  expect(page.replaceAll(/"data:[^"]*"/g, '')).not.toMatch(/https?:|\/\/\w|@import|url\(|<script|<link/)
  expect(page).toContain('A quick run')
})
