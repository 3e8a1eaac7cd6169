import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { backends } from '../../src/native/backends.js'
import { SIMULATION_LOSSES, simulate } from '../../src/simulation.js'
import { scaloss } from '../support/cli.js'
import { ROOT } from '../support/project.js'

const simulateJson = (...options: string[]) => {
  const { code, stdout, stderr } = scaloss('simulate', '--json', ...options)
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  return JSON.parse(stdout)
}

describe('scaloss simulate', () => {
  test('--json: the parameters, and every t from 0 to T', () => {
    const options = ['--losses', 'sca,iou', '--lr', '0.5', '--geometry', 'wide', '--enlarge', '--dtype', 'float64']
    const { parameters, runs } = simulateJson(...options, '--iterations', '12', '--backend', 'js')
    expect(parameters).toEqual({
      geometry: 'wide',
      cases: 18000,
      lr: 0.5,
      enlarge: true,
      iterations: 12,
      dtype: 'float64',
      backend: 'js',
    })
    expect(runs.map(({ loss, options }: { loss: string; options: object }) => [loss, options])).toEqual([
      ['sca', { alpha: 0.5 }],
      ['iou', {}],
    ])
    const states = [...simulate('sca', { geometry: 'wide', lr: 0.5, enlarge: true, dtype: 'float64', iterations: 12 })]
    for (const [field, digits] of [
      ['meanIou', 12],
      ['totalL1', 6],
    ] as const) {
      expect(runs[0][field]).toEqual(states.map((state) => expect.closeTo(state[field], digits)))
    }
  })

  test('defaults: the losses of the paper and SCALoss parts, 200 iterations, float32, dense, plain steps', () => {
    const { parameters, runs } = simulateJson()
    expect(parameters).toMatchObject({ geometry: 'dense', lr: 0.1, enlarge: false, iterations: 200, dtype: 'float32' })
    const losses = runs.map(({ loss, meanIou, totalL1 }: Record<string, number[]>) => [
      loss,
      meanIou.length,
      totalL1.length,
    ])
    expect(losses).toEqual(['iou', 'giou', 'diou', 'ciou', 'so', 'cd', 'sca'].map((loss) => [loss, 201, 201]))
  })

  test('--losses all, and --alpha for those that have it', () => {
    const { runs } = simulateJson('--losses', 'all', '--alpha', '2', '--iterations', '1')
    expect(runs.map(({ loss }: { loss: string }) => loss)).toEqual(SIMULATION_LOSSES)
    const optionsOf = Object.fromEntries(runs.map((run: { loss: string; options: object }) => [run.loss, run.options]))
    expect(optionsOf).toMatchObject({ sca: { alpha: 2 }, iou_cd: { alpha: 2 }, so: {}, mpdiou: { imageWidth: 20 } })
    const ends = ['1', '2'].map((alpha) => simulateJson('--losses', 'sca', '--iterations', '1', '--alpha', alpha))
    expect(ends[0].runs[0].meanIou[1]).not.toBe(ends[1].runs[0].meanIou[1])
  })

  test('--csv: a row for each loss and iteration, the numbers of --json', () => {
    const options = ['--losses', 'so,l1', '--iterations', '3']
    const [head, ...rows] = scaloss('simulate', '--csv', ...options)
      .stdout.trimEnd()
      .split('\n')
    expect(head).toBe('loss,iteration,mean_iou,total_l1')
    const { runs } = simulateJson(...options)
    const expected = runs.flatMap(
      ({ loss, meanIou, totalL1 }: { loss: string; meanIou: number[]; totalL1: number[] }) =>
        meanIou.map((value, t) => `${loss},${t},${value},${totalL1[t]}`),
    )
    expect(rows).toEqual(expected)
  })

  test('for people: a table of some iterations, the first and the last among them', () => {
    const { code, stdout } = scaloss('simulate', '--losses', 'so,sca', '--iterations', '95', '--enlarge')
    expect(code).toBe(0)
    const lines = stdout.split('\n').map((line) => line.trim().split(/ {2,}/))
    expect(lines[0][0]).toMatch(
      /^18000 boxes, geometry dense, learning rate 0\.1, steps times 2 - IoU, float32, backend /,
    )
    const { runs } = simulateJson('--losses', 'so,sca', '--iterations', '95', '--enlarge')
    const shown = lines.filter(([first]) => /^\d+$/.test(first)).map(([t]) => Number(t))
    expect(shown).toEqual([0, 10, 20, 30, 40, 50, 60, 70, 80, 90, 95, 0, 10, 20, 30, 40, 50, 60, 70, 80, 90, 95])
    for (const t of [0, 10, 95]) {
      expect(lines).toContainEqual([String(t), ...[0, 1].map((i) => runs[i].meanIou[t].toFixed(4))])
      expect(lines).toContainEqual([String(t), ...[0, 1].map((i) => runs[i].totalL1[t].toFixed(0))])
    }
  })

  test.each([
    [/--losses: expected all or one of sca, so, .*, got "sca3"/, ['--losses', 'iou,sca3']],
    ['--losses: expected all or one of sca, so, ', ['--losses', '']],
    ['--lr: expected a finite number above 0, got "0"', ['--lr', '0']],
    ['--lr: expected a finite number above 0, got "fast"', ['--lr', 'fast']],
    ["'--lr' argument is ambiguous", ['--lr', '-1']],
    ['--geometry: expected one of dense, wide, got "round"', ['--geometry', 'round']],
    ['--iterations: expected a whole number from 1 on, got "0"', ['--iterations', '0']],
    ['--iterations: expected a whole number from 1 on, got "2.5"', ['--iterations', '2.5']],
    ['--dtype: expected one of float32, float64, got "half"', ['--dtype', 'half']],
    ['--backend: expected one of auto, cuda, cpu, wasm, js, got "gpu"', ['--backend', 'gpu']],
    ['--alpha: expected a finite number, got "much"', ['--alpha', 'much']],
    ['--alpha: expected a loss that has it (sca, iou_cd), got so, cd', ['--alpha', '1', '--losses', 'so,cd']],
    ['--csv: expected one form of output, got --json too', ['--csv', '--json']],
    ["Option '--enlarge' does not take an argument", ['--enlarge=no']],
    ["Unknown option '--rate'", ['--rate', '1']],
  ])('a wrong command line: exit code 2: %s', (message, argv) => {
    const { code, stdout, stderr } = scaloss('simulate', ...argv)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toMatch(message)
    expect(stderr).toMatch(/\nRun "scaloss simulate --help" for what there is\.\n$/)
  })

  test('computes a loss once, however often it is named', () => {
    const { stdout } = scaloss('simulate', '--losses', 'so, cd,so', '--iterations', '1', '--csv', '--backend', 'cpu')
    const rows = stdout.split('\n').slice(1, -1)
    expect(rows.map((row) => row.split(',')[0])).toEqual(['so', 'so', 'cd', 'cd'])
  })

  test('a backend that cannot run here: exit code 1, and the reason', () => {
    const { cuda } = backends()
    const { code, stderr } = scaloss('simulate', '--iterations', '1', '--backend', 'cuda')
    expect(code).toBe(cuda.available ? 0 : 1)
    if (!cuda.available) expect(stderr).toContain(cuda.message)
  })

  test('--help lists the options and the losses', () => {
    const { code, stdout } = scaloss('simulate', '--help')
    expect(code).toBe(0)
    for (const name of SIMULATION_LOSSES) expect(stdout).toContain(name)
    const options = ['losses', 'alpha', 'lr', 'enlarge', 'geometry', 'iterations', 'dtype', 'backend', 'json', 'csv']
    for (const option of options) expect(stdout).toContain(`  --${option} `)
    expect(Math.max(...stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(120)
  })
})

test('a reader that closes the pipe early ends the program quietly', () => {
  const program = join(ROOT, 'dist/cli/main.js')
  const command = `"${process.execPath}" "${program}" simulate --losses so --iterations 4000 --csv | head -n 1`
  const { status, stdout, stderr } = spawnSync('bash', ['-c', `set -o pipefail; ${command}`], { encoding: 'utf8' })
  expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: 'loss,iteration,mean_iou,total_l1\n', stderr: '' })
})
