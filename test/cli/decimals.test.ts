import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { gradcheck } from '../../src/cli/gradcheck.js'
import type { GradCheckReport } from '../../src/grad-check/grad-check.js'
import { files, scaloss } from '../support/cli.js'
import { mapped, planting } from '../support/gradcheck.js'

// How many digits the tables show; --json has all of them.

const cellsOf = (text: string) => text.split('\n').map((line) => line.trim().split(/ {2,}/))

test('simulate: IoU with four decimals; total L1 with two below 1000 and with none from there on', () => {
  const around: number[] = []
  for (const lr of ['0.65', '0.655']) {
    const argv = ['simulate', '--losses', 'smooth_l1', '--iterations', '10', '--lr', lr]
    const cells = cellsOf(scaloss(...argv).stdout)
    const [{ meanIou, totalL1 }]: { meanIou: number[]; totalL1: number[] }[] = JSON.parse(
      scaloss(...argv, '--json').stdout,
    ).runs
    const table = (title: string) => cells.slice(cells.findIndex(([first]) => first === title) + 3).slice(0, 11)
    expect(table('mean IoU')).toEqual(meanIou.map((value, t) => [`${t}`, value.toFixed(4)]))
    expect(table('total L1')).toEqual(totalL1.map((value, t) => [`${t}`, value.toFixed(value < 1000 ? 2 : 0)]))
    around.push(...totalL1.filter((value) => value > 850 && value < 1020).sort((a, b) => a - b))
  }
  // Both forms, and near where one becomes the other.
  expect([around.some((value) => value < 1000), around.some((value) => value >= 1000)]).toEqual([true, true])
})

test('gradcheck: worst errors with two digits, what a failure shows with all', () => {
  const run = (...argv: string[]) => {
    let stdout = ''
    const io = { stdout: { write: (text: string) => (stdout += text) }, stderr: { write: () => true } }
    const planted = planting(({ grad }) => ({ grad: mapped(grad, (g, j) => (j === 6 ? -g : g)) }))
    gradcheck(['--losses', 'sca', '--boxes', '20', '--backend', 'js', ...argv], io, planted)
    return stdout
  }
  const reports: GradCheckReport[] = JSON.parse(run('--json')).reports
  const [{ skipped }] = reports
  const text = run()
  const errors = reports.flatMap(({ byArgument }) => [byArgument.pred.worst.error, byArgument.target!.worst.error])
  expect(cellsOf(text)).toContainEqual(['sca', 'js', ...errors.map((e) => e.toExponential(1)), `${skipped}`, 'FAILED'])
  const failures = reports.map(({ dtype, faults, worst }) =>
    [
      `\nsca on js in ${dtype}:`,
      ...faults.map((fault) => `  ${fault}`),
      `  pred [${worst.pred.join(', ')}], target [${worst.target.join(', ')}]`,
      `  component ${worst.component} of the gradient for pred: ${worst.analytic}, by differences ${worst.numeric}\n`,
    ].join('\n'),
  )
  expect(failures.length).toBe(2)
  for (const failure of failures) expect(text).toContain(failure)
})

const folder = mkdtempSync(join(tmpdir(), 'scaloss-decimals-'))
afterAll(() => rmSync(folder, { recursive: true }))

/** Evaluates one pair: a square whose first edge is found further right. */
function evaluated(moved: number) {
  const side = 100
  const box = { image_id: 1, category_id: 1 }
  const instances = {
    images: [{ id: 1 }],
    categories: [{ id: 1, name: 'cup' }],
    annotations: [{ ...box, id: 1, bbox: [0, 0, side, side] }],
  }
  writeFileSync(join(folder, 'instances.json'), JSON.stringify(instances))
  writeFileSync(
    join(folder, 'detections.json'),
    JSON.stringify([{ ...box, score: 1, bbox: [moved, 0, side - moved, side] }]),
  )
  const argv = ['evaluate', ...files(folder), '--loss', 'l1']
  const { total } = JSON.parse(scaloss(...argv, '--json').stdout)
  const row = cellsOf(scaloss(...argv).stdout).find(([first]) => first === 'cup')!
  return { total, row }
}

// The l1 loss of such a pair is how far the edge is off.
test.each([
  ['four decimals', 4, '4.0000'],
  ['rounded', 0.12344, '0.1234'],
  ['the smallest with four decimals', 0.001, '0.0010'],
  ['four digits below', 0.00099992, '0.0009999'],
  ['four digits far below', 1.23456789e-7, '1.235e-7'],
  ['none', 0, '0.0000'],
])('evaluate: %s', (_, moved, expected) => {
  const { total, row } = evaluated(moved)
  expect(total.meanLoss).toBeCloseTo(moved, 12)
  expect(row[5]).toBe(expected)
  expect([row[4], row[6]]).toEqual([total.meanIou.toFixed(4), total.meanGradNorm.toFixed(4)])
})
