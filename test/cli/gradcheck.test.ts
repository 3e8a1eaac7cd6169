import { spawnSync } from 'node:child_process'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { gradcheck } from '../../src/cli/gradcheck.js'
import { DTYPES } from '../../src/core/dtypes.js'
import { LOSS_NAMES, type LossName } from '../../src/core/losses.js'
import type { DType, LossOptions } from '../../src/core/types.js'
import { type Evaluate, gradCheck } from '../../src/grad-check/grad-check.js'
import { backends } from '../../src/native/backends.js'
import { scaloss } from '../support/cli.js'
import { mapped, planting, rows } from '../support/gradcheck.js'
import { ROOT } from '../support/project.js'

describe('scaloss gradcheck', () => {
  const lines = (text: string) => text.split('\n').map((line) => line.trim().split(/ {2,}/))

  test('prints a row for each loss and backend that can run, and exits 0', () => {
    const { code, stdout, stderr } = scaloss('gradcheck', '--boxes', '20')
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    const here = Object.entries(backends()).flatMap(([name, { available }]) => (available ? [name] : []))
    const table = lines(stdout).slice(2)
    const titles = ['float32 pred', 'float32 target', 'float64 pred', 'float64 target']
    expect(table[0]).toEqual(['loss', 'backend', ...titles, 'at a kink'])
    const expected = LOSS_NAMES.flatMap((name) => here.map((backend) => [name, backend]))
    const body = table.slice(2, 2 + expected.length)
    expect(body.map((cells) => cells.slice(0, 2))).toEqual(expected)
    for (const cells of body) {
      for (const error of cells.slice(2, 6)) expect(error).toMatch(/^\d\.\de[+-]\d+$/)
      expect(cells.slice(6)).toEqual([expect.stringMatching(/^\d+$/), 'ok'])
    }
    expect(stdout).toContain(`passed: ${2 * expected.length} of ${2 * expected.length}\n`)
  })

  test('takes losses, backend, dtype, alpha and variants', () => {
    const argv = ['--losses', 'sca,smooth_l1', '--backend', 'js', '--dtype', 'float64', '--boxes', '20', '--variants']
    const { code, stdout } = scaloss('gradcheck', ...argv)
    expect(code).toBe(0)
    const labels = lines(stdout).map((cells) => cells.slice(0, 2).join(' on '))
    expect(labels.filter((label) => label.endsWith(' on js'))).toEqual([
      'sca on js',
      'sca alpha=2 on js',
      'sca convention=official on js',
      'smooth_l1 on js',
      'smooth_l1 beta=0 on js',
    ])
    const alpha = scaloss('gradcheck', '--losses', 'sca,so', '--alpha', '4', '--boxes', '20', '--json').stdout
    for (const { name, options } of JSON.parse(alpha).reports)
      expect(options).toEqual(name === 'sca' ? { alpha: 4 } : {})
  })

  // What `--variants` adds to each loss, as docs/losses.md has its options.
  const FAMILY = ['mode=log', 'mode=square']
  const INNER = ['inner=0.75', 'focal=0.5']
  const VARIANTS: Record<LossName, string[]> = {
    sca: ['alpha=2', 'convention=official'],
    so: ['convention=official'],
    cd: ['convention=official'],
    iou: [...FAMILY, 'power=3', ...INNER],
    giou: [...FAMILY, 'power=3', ...INNER, 'convention=torchvision'],
    diou: [...FAMILY, 'power=3', ...INNER, 'convention=torchvision'],
    ciou: [...FAMILY, 'power=3', ...INNER, 'detachAlpha=false', 'convention=torchvision'],
    center: [],
    center2: [],
    iou_cd: ['alpha=2', ...FAMILY, ...INNER],
    eiou: [...FAMILY, ...INNER],
    siou: [...FAMILY, ...INNER],
    mpdiou: [...FAMILY, ...INNER],
    smooth_l1: ['beta=0'],
    l1: [],
    nwd: ['constant=30'],
    sca3: ['alpha=2'],
    so3: [],
    cd3: [],
  }

  test('--variants: each loss by itself, then with each of its options, named in the label and given to the loss', () => {
    const argv = ['--variants', '--boxes', '5', '--backend', 'js', '--dtype', 'float64']
    const labels = lines(scaloss('gradcheck', ...argv).stdout).flatMap(([label, backend]) =>
      backend === 'js' ? [label] : [],
    )
    const expected = LOSS_NAMES.flatMap((name) => ['', ...VARIANTS[name]].map((variant) => `${name} ${variant}`.trim()))
    expect(labels).toEqual(expected)
    const { reports } = JSON.parse(scaloss('gradcheck', ...argv, '--json').stdout)
    const told = reports.map(({ name, options }: { name: LossName; options: LossOptions }) => {
      const { imageWidth, imageHeight, ...own } = options
      return [name, ...Object.entries(own).map(([option, value]) => `${option}=${value}`)].join(' ')
    })
    expect(told).toEqual(expected)
  })

  test('a variant goes over what is given', () => {
    const argv = ['--variants', '--boxes', '5', '--backend', 'js', '--dtype', 'float64']
    const own = JSON.parse(scaloss('gradcheck', '--losses', 'sca', '--alpha', '4', '--json', ...argv).stdout)
    expect(own.reports.map(({ options }: { options: LossOptions }) => options.alpha)).toEqual([4, 2, 4])
  })

  test('passes over the CPU where the addon is missing', () => {
    const program = join(ROOT, 'dist/cli/main.js')
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      [program, 'gradcheck', '--losses', 'so', '--boxes', '5', '--json'],
      { env: { ...process.env, SCALOSS_PREBUILD: tmpdir() }, encoding: 'utf8' },
    )
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    const { reports } = JSON.parse(stdout)
    expect(reports.map(({ backend }: { backend: string }) => backend)).toEqual(['wasm', 'wasm', 'js', 'js'])
  })

  test('--json prints the reports of gradCheck', () => {
    const argv = ['--losses', 'iou,cd3', '--backend', 'cpu', '--boxes', '20', '--seed=-5', '--json']
    const { code, stdout } = scaloss('gradcheck', ...argv)
    expect(code).toBe(0)
    const check = (name: LossName, dtype: DType) => gradCheck(name, { backend: 'cpu', dtype, boxes: 20, seed: -5 })
    expect(JSON.parse(stdout)).toEqual({
      passed: true,
      reports: (['iou', 'cd3'] as const).flatMap((name) => DTYPES.map((dtype) => check(name, dtype))),
    })
  })

  test('exits 1 for a wrong gradient, and shows the pair', () => {
    const planted: Evaluate = (...args) =>
      args[0] === 'giou' && args[3].backend === 'js' && args[1].BYTES_PER_ELEMENT === 8
        ? planting(({ grad }) => ({ grad: mapped(grad, (g, j) => (j === 22 ? -3 * g : g)) }))(...args)
        : rows(...args)
    let stdout = ''
    const io = { stdout: { write: (text: string) => (stdout += text) }, stderr: { write: () => true } }
    const argv = ['--losses', 'iou, giou', '--boxes', '20']
    expect(gradcheck(argv, io, planted)).toBe(1)
    const ends = lines(stdout).map((cells) => [cells[0], cells[1], cells.at(-1)])
    expect(ends).toContainEqual(['iou', 'js', 'ok'])
    expect(ends).toContainEqual(['giou', 'js', 'FAILED'])
    expect(ends).toContainEqual(['giou', 'cpu', 'ok'])
    expect(stdout).toMatch(/\ngiou on js in float64:\n {2}pred: element: [\d.]+ > 2e-7 \(row 5, component 2: .*\n/)
    expect(stdout).toMatch(
      /\n {2}pred \[.*\], target \[.*\]\n {2}component 2 of the gradient for pred: \S+, by differences \S+\n$/,
    )

    stdout = ''
    expect(gradcheck([...argv, '--json'], io, planted)).toBe(1)
    const { passed, reports } = JSON.parse(stdout)
    expect(passed).toBe(false)
    expect(reports.filter((report: { passed: boolean }) => !report.passed)).toEqual([
      expect.objectContaining({
        name: 'giou',
        backend: 'js',
        dtype: 'float64',
        worst: expect.objectContaining({ row: 5 }),
      }),
    ])
    expect(gradcheck(argv, io)).toBe(0)
  })

  test.each([
    ['--losses: expected all or one of sca, so, ', ['--losses', 'iou,ioo']],
    ['--losses: expected all or one of sca, so, ', ['--losses', '']],
    ['--backend: expected all or one of auto, cuda, cpu, wasm, js, got "gpu"', ['--backend', 'gpu']],
    ['--dtype: expected both or one of float32, float64, got "half"', ['--dtype', 'half']],
    ['--boxes: expected a whole number from 1 on, got "0"', ['--boxes', '0']],
    ['--boxes: expected a whole number from 1 on, got ""', ['--boxes=']],
    ['--boxes: expected a whole number from 1 on, got "1.5"', ['--boxes', '1.5']],
    ['--seed: expected a whole number, got "1.5"', ['--seed', '1.5']],
    ['--alpha: expected a finite number, got "much"', ['--alpha', 'much']],
    ['--alpha: expected a loss that has it (sca, iou_cd, sca3), got so, cd', ['--alpha', '2', '--losses', 'so,cd']],
    ["Unknown option '--format'", ['--format', 'xywh']],
  ])('a wrong command line: exit code 2: %s', (message, argv) => {
    const { code, stdout, stderr } = scaloss('gradcheck', ...argv)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toContain(message)
  })

  test('a backend that cannot run here: exit code 1, and the reason', () => {
    const { cuda } = backends()
    const { code, stderr } = scaloss('gradcheck', '--losses', 'so', '--boxes', '5', '--backend', 'cuda')
    expect(code).toBe(cuda.available ? 0 : 1)
    if (!cuda.available) expect(stderr).toContain(cuda.message)
  })

  test('--help lists the options and the losses', () => {
    const { code, stdout } = scaloss('gradcheck', '--help')
    expect(code).toBe(0)
    for (const name of LOSS_NAMES) expect(stdout).toContain(name)
    for (const option of ['losses', 'variants', 'alpha', 'backend', 'dtype', 'boxes', 'seed', 'json']) {
      expect(stdout).toContain(`--${option} `)
    }
    expect(Math.max(...stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(120)
  })
})
