import { describe, expect, test } from 'vitest'
import { boxLoss } from '../../src/calls/box-loss.js'
import { DTYPES } from '../../src/core/dtypes.js'
import { FORMATS } from '../../src/core/formats.js'
import { LOSS_NAMES, type LossName } from '../../src/core/losses.js'
import type { DType, Format, LossOptions } from '../../src/core/types.js'
import { checkGradient, type Evaluate, type GradCheckOptions, gradCheck } from '../../src/grad-check/grad-check.js'
import { drawProblem, type ProblemOptions } from '../../src/grad-check/problem.js'
import { backends } from '../../src/native/backends.js'
import { mapped, planting, rows } from '../support/gradcheck.js'
import { ALL, TOGETHER } from '../support/variants.js'

const BACKENDS = ['cpu', 'wasm', 'js'] as const
const CONFIGURATIONS = BACKENDS.flatMap((backend) => DTYPES.map((dtype) => ({ backend, dtype })))

describe('gradCheck', () => {
  test.each(ALL)('passes every backend and dtype: $label', ({ name, options }) => {
    const problem = drawProblem(name, { ...options, boxes: 150 })
    for (const configuration of CONFIGURATIONS) {
      const report = checkGradient(problem, { ...configuration, gradTarget: true })
      expect(report.faults).toEqual([])
      expect(report).toMatchObject({ passed: true, name, options, ...configuration })
      expect(report.skipped).toBeLessThan(0.05 * 150)
    }
  })

  // Far from the usual, rounding in float32 is worth nothing: a power of small numbers, a sliver of a box.
  test.each(TOGETHER)('passes in float64: $label', ({ name, options }) => {
    const problem = drawProblem(name, { ...options, boxes: 100 })
    for (const backend of BACKENDS) {
      expect(checkGradient(problem, { backend, dtype: 'float64', gradTarget: true }).faults).toEqual([])
    }
  })

  test.each(FORMATS)('passes in the numbers of %s', (format) => {
    for (const name of ['sca', 'giou', 'siou', 'l1'] as const) {
      for (const configuration of CONFIGURATIONS) {
        expect(gradCheck(name, { ...configuration, format, boxes: 100 }).faults).toEqual([])
      }
    }
    if (format !== 'yxyx') expect(gradCheck('sca3', { format, boxes: 100, dtype: 'float64' }).faults).toEqual([])
  })

  test('leaves out few pairs', () => {
    for (const name of LOSS_NAMES)
      expect(gradCheck(name, { backend: 'js', boxes: 400, seed: 3 }).skipped).toBeLessThan(8)
  })

  test('reports what it did', () => {
    const report = gradCheck('mpdiou', { backend: 'js', boxes: 50, mode: 'log' })
    const { worst, byArgument } = report
    expect(report).toMatchObject({
      name: 'mpdiou',
      options: { imageWidth: 640, imageHeight: 480, mode: 'log' },
      backend: 'js',
      dtype: 'float32',
      format: 'xyxy',
      boxes: 50,
      seed: 1,
      passed: true,
      faults: [],
    })
    expect(worst.pred).toHaveLength(4)
    expect(worst.target).toHaveLength(4)
    const pair = { pred: Float32Array.from(worst.pred), target: Float32Array.from(worst.target) }
    const options = { ...report.options, backend: 'js', reduction: 'none', gradTarget: true } as const
    const { grad, gradTarget } = boxLoss('mpdiou', pair.pred, pair.target, options)
    expect({ pred: grad, target: gradTarget }[worst.argument][worst.component]).toBe(worst.analytic)
    expect(Math.abs(worst.analytic - worst.numeric)).toBeLessThan(1e-6)
    const both = [byArgument.pred, byArgument.target!]
    expect(worst.error).toBe(Math.max(...both.map((deviation) => deviation.worst.error)))
    for (const key of ['relativeL2', 'direction', 'bias'] as const) {
      expect(report[key]).toBe(Math.max(...both.map((deviation) => deviation[key])))
      expect(report[key]).toBeLessThanOrEqual(report.tolerances[key])
    }
    expect(report.lossError).toBeLessThanOrEqual(report.tolerances.loss)
  })

  test('is the same again with the same seed, and another with another', () => {
    const check = (seed: number) => gradCheck('ciou', { backend: 'cpu', boxes: 30, seed })
    expect(check(7)).toEqual(check(7))
    expect(check(8).worst).not.toEqual(check(7).worst)
  })

  test('takes the best backend, float32, 1000 pairs and both gradients by default', () => {
    const { cuda, cpu } = backends()
    const report = gradCheck('so')
    expect(report).toMatchObject({ dtype: 'float32', boxes: 1000, passed: true })
    expect(report.backend).toBe(cuda.available ? 'cuda' : cpu.available ? 'cpu' : 'wasm')
    expect(Object.keys(report.byArgument)).toEqual(['pred', 'target'])
  })

  test.each<[keyof GradCheckOptions, unknown, unknown]>([
    ['boxes', 1000, 999],
    ['seed', 1, 2],
    ['format', 'xyxy', 'xywh'],
    ['backend', 'auto', 'js'],
    ['dtype', 'float32', 'float64'],
    ['gradTarget', true, false],
  ])('%s is %o where it is not given', (option, value, other) => {
    const check = (options: GradCheckOptions) => {
      const { worst, byArgument, backend, lossError } = gradCheck('ciou', {
        ...(option !== 'boxes' && { boxes: 50 }),
        ...options,
      })
      return { worst, byArgument, backend, lossError }
    }
    expect(check({})).toEqual(check({ [option]: value }))
    expect(check({})).not.toEqual(check({ [option]: other }))
  })

  test('an image of 640 by 480 where the loss asks for one and none is given', () => {
    const check = (options: GradCheckOptions) => gradCheck('mpdiou', { boxes: 50, ...options })
    expect(check({})).toEqual(check({ imageWidth: 640, imageHeight: 480 }))
    for (const other of [{ imageWidth: 641 }, { imageHeight: 481 }])
      expect(check({}).worst).not.toEqual(check(other).worst)
  })

  test('takes an option that is undefined for one that is not given', () => {
    const undefinedOptions: object = { boxes: 20, imageWidth: undefined, seed: undefined, dtype: undefined }
    expect(gradCheck('mpdiou', undefinedOptions)).toEqual(gradCheck('mpdiou', { boxes: 20 }))
  })

  test('without gradTarget computes and reports the one gradient', () => {
    const problem = drawProblem('iou', { boxes: 20 })
    const asked: unknown[] = []
    const report = checkGradient(problem, { backend: 'js', dtype: 'float32', gradTarget: false }, (...args) => {
      asked.push(args[3].gradTarget)
      return rows(...args)
    })
    expect(asked).toEqual([false])
    expect(report).toMatchObject({ passed: true, worst: { argument: 'pred' } })
    expect(gradCheck('iou', { boxes: 20, gradTarget: false }).byArgument).not.toHaveProperty('target')
  })

  test.each<[string, unknown, unknown]>([
    ["name: expected one of 'sca', ", 'scal', {}],
    ['options: expected a plain object, got null', 'sca', null],
    ['options: expected only the members ', 'sca', { box: 3 }],
    ["backend: expected one of 'auto', 'cuda', 'cpu', 'wasm', 'js', got \"gpu\"", 'sca', { backend: 'gpu' }],
    ["dtype: expected one of 'float32', 'float64', got \"half\"", 'sca', { dtype: 'half' }],
    ['boxes: expected a whole number from 1 to 1000000, got 0', 'sca', { boxes: 0 }],
    ['boxes: expected a whole number from 1 to 1000000, got 2.5', 'sca', { boxes: 2.5 }],
    ['boxes: expected a whole number from 1 to 1000000, got "9"', 'sca', { boxes: '9' }],
    ['boxes: expected a whole number from 1 to 1000000, got 1125899906842624', 'sca', { boxes: 2 ** 50 }],
    ['seed: expected a whole number, got NaN', 'sca', { seed: Number.NaN }],
    ["format: expected one of 'xyxy', 'xywh', 'cxcywh', got \"yxyx\"", 'sca3', { format: 'yxyx' }],
    ['gradTarget: expected true or false, got 1', 'sca', { gradTarget: 1 }],
    ['power: expected ', 'sca', { power: 3 }],
    ['imageWidth: expected a finite number above 0, got -1', 'mpdiou', { imageWidth: -1 }],
  ])('refuses what it does not know: %s', (message, name, options) => {
    const call = () => gradCheck(name as LossName, options as GradCheckOptions)
    expect(call).toThrow(expect.objectContaining({ name: 'ScaLossError', code: 'ERR_SCALOSS_INVALID_ARGUMENT' }))
    expect(call).toThrow(message)
  })
})

describe('a planted error', () => {
  const check = (name: LossName, options: ProblemOptions, evaluate: Evaluate, dtype: DType = 'float32') =>
    checkGradient(drawProblem(name, { boxes: 60, ...options }), { backend: 'cpu', dtype, gradTarget: true }, evaluate)

  const ERRORS: { error: string; plant: Parameters<typeof planting>[0]; worst: object }[] = [
    {
      error: 'a sign in one row',
      plant: ({ grad }, columns) => ({ grad: mapped(grad, (g, j) => (Math.floor(j / columns) === 30 ? -g : g)) }),
      worst: { argument: 'pred', row: 30 },
    },
    {
      error: 'one NaN',
      plant: ({ gradTarget }) => ({ gradTarget: mapped(gradTarget, (g, j) => (j === 11 ? Number.NaN : g)) }),
      worst: { argument: 'target', error: Number.NaN, analytic: Number.NaN },
    },
    {
      error: 'NaN in the first gradient',
      plant: ({ grad }) => ({ grad: mapped(grad, (g, j) => (j === 0 ? Number.NaN : g)) }),
      worst: { argument: 'pred', row: 0, component: 0, error: Number.NaN },
    },
    {
      error: 'a factor 1.001 in all rows',
      plant: ({ gradTarget }) => ({ gradTarget: mapped(gradTarget, (g) => 1.001 * g) }),
      worst: { argument: 'target' },
    },
    {
      error: 'x and y exchanged',
      plant: ({ grad }, columns) => ({
        grad: mapped(grad, (_, j, all) => all[columns === 4 ? j ^ 1 : j - (j % 3) + 1]),
      }),
      worst: { argument: 'pred' },
    },
    {
      error: 'first and second corner exchanged',
      plant: ({ grad }, columns) => {
        const half = columns / 2
        return { grad: mapped(grad, (_, j, all) => all[j % columns < half ? j + half : j - half]) }
      },
      worst: { argument: 'pred' },
    },
    {
      error: 'the gradient of the other box',
      plant: ({ grad }) => ({ gradTarget: grad }),
      worst: { argument: 'target' },
    },
    {
      error: 'divided by the number of boxes',
      plant: ({ grad }) => ({ grad: mapped(grad, (g) => g / 60) }),
      worst: { argument: 'pred' },
    },
  ]
  test.each(LOSS_NAMES.flatMap((name) => ERRORS.map((planted) => ({ name, ...planted }))))(
    'is found: $name, $error',
    ({ name, plant, worst }) => {
      const report = check(name, { seed: 2 }, planting(plant))
      expect(report.passed).toBe(false)
      expect(report).toMatchObject({ worst })
      expect(report.faults.join()).toContain(`${report.worst.argument}: element: ${report.worst.error} > `)
    },
  )

  test.each(DTYPES)('is found below the bound of a component: %s', (dtype) => {
    const shrunk = planting(({ grad }) => ({ grad: mapped(grad, (g) => g * (1 - 1.3e-6)) }))
    const { faults } = check('giou', { boxes: 1000 }, shrunk, dtype)
    expect(faults.map((fault) => fault.split(' ').slice(0, 2).join(' '))).toContain('pred: bias:')
  })

  test('is found in the loss', () => {
    const { passed, faults } = check(
      'diou',
      {},
      planting(({ loss }) => ({ loss: loss.map((l) => 1.0001 * l) })),
    )
    expect(passed).toBe(false)
    expect(faults).toEqual([expect.stringMatching(/^loss: 0\.0001\d* > 0\.000001$/)])
    const none = planting(({ loss }) => ({ loss: loss.map((l, i) => (i === 3 ? Number.NaN : l)) }))
    expect(check('diou', {}, none).faults).toEqual([expect.stringMatching(/^loss: NaN > /)])
  })

  test.each<[LossName, ProblemOptions, LossOptions & { format?: Format }]>([
    ['ciou', { detachAlpha: false }, { detachAlpha: true }],
    ['ciou', { detachAlpha: true }, { detachAlpha: false }],
    ['giou', { convention: 'torchvision' }, {}],
    ['cd', { convention: 'official' }, {}],
    ['iou', { focal: 0.5 }, { focal: 0.6 }],
    ['iou', { inner: 0.75 }, { inner: 0.76 }],
    ['diou', { power: 3 }, { power: 3.01 }],
    ['iou', { mode: 'log', logFloor: 0.2 }, { mode: 'log' }],
    ['smooth_l1', { beta: 1 }, { beta: 1.1 }],
    ['sca', { alpha: 0.5 }, { alpha: 0.5001 }],
    ['so', { format: 'cxcywh' }, { format: 'xywh' }],
  ])('%s %o: the gradient of %o is found', (name, options, actual) => {
    const evaluate: Evaluate = (loss, pred, target, { backend, format, gradTarget }) => {
      const image = name === 'mpdiou' ? { imageWidth: 640, imageHeight: 480 } : {}
      const right = rows(loss, pred, target, { ...options, backend, format, gradTarget })
      return { ...rows(loss, pred, target, { format, ...image, ...actual, backend, gradTarget }), loss: right.loss }
    }
    expect(check(name, options, evaluate).faults.join()).toMatch(/pred: element: /)
    expect(check(name, options, rows).passed).toBe(true)
  })

  test('at a kink is nobody’s error', () => {
    const problem = drawProblem('l1', { boxes: 2000 })
    const kinks = [...problem.slopes.units].flatMap((unit, i) => (unit === 0 ? [i] : []))
    expect(kinks.length).toBeGreaterThan(0)
    const ties = planting(({ grad }) => ({ grad: mapped(grad, (g, j) => (kinks.includes(j >> 2) ? 1 : g)) }))
    const report = checkGradient(problem, { backend: 'cpu', dtype: 'float64', gradTarget: true }, ties)
    expect(report).toMatchObject({ passed: true, skipped: kinks.length })
  })

  test('cannot hide behind pairs left out', () => {
    const problem = drawProblem('so', { boxes: 100 })
    problem.slopes.units.fill(0, 0, 40)
    const subject = { backend: 'cpu', dtype: 'float64', gradTarget: true } as const
    expect(checkGradient(problem, subject).faults).toEqual(['skipped: 40 of 100 pairs'])
    problem.slopes.units.fill(0)
    expect(checkGradient(problem, subject).passed).toBe(false)
  })
})

test('the worst pair of a loss of three axes has all its numbers', () => {
  const { worst } = gradCheck('sca3', { boxes: 20, backend: 'js' })
  expect([worst.pred.length, worst.target.length]).toEqual([6, 6])
})
