import { describe, expect, test } from 'vitest'
import { boxLoss } from '../../src/calls/box-loss.js'
import { ScaLossError } from '../../src/core/errors.js'
import {
  CONVENTIONS,
  LOSS_NAMES,
  LOSS_OPTIONS,
  LOSSES,
  type LossName,
  type LossOption,
  type LossSpec,
} from '../../src/core/losses.js'
import type { LossOptions } from '../../src/core/types.js'
import { rejection } from '../support/rejection.js'
import { ALL, demanded, TOGETHER } from '../support/variants.js'

// The options of the losses: which loss has which options, which values they accept, and which options go together.
// Their results are tested in relations.test.ts, agree.test.ts and by the golden vectors.

const specOf = (name: LossName): LossSpec => LOSSES[name]
const having = (option: LossOption) => LOSS_NAMES.filter((name) => specOf(name).options.includes(option))
const lacking = (option: LossOption) => LOSS_NAMES.filter((name) => !specOf(name).options.includes(option))

/** Any argument may be anything here: that is what the tests are about. */
type Anything = Record<string, unknown>

/** A call that works but for the options, on some box. */
function call(
  name: LossName,
  options: Anything,
  Boxes: Float32ArrayConstructor | Float64ArrayConstructor = Float64Array,
) {
  const box = new Boxes(2 * specOf(name).axes)
  return boxLoss(name, box, box.slice(), { backend: 'js', ...demanded(name), ...(options as LossOptions) })
}

function expectRejected(name: LossName, options: Anything, argument: string, ...mentions: string[]) {
  const { argument: refused, message } = rejection(() => call(name, options))
  expect(refused).toBe(argument)
  for (const mention of mentions) expect(message).toContain(mention)
}

interface OptionValues {
  /** None for an option that must be given. */
  initial?: unknown
  good: unknown[]
  bad: unknown[]
  /** A part of what the error says was expected. */
  expected: string
  /** What must be given with it for it to mean something. */
  together?: LossOptions
}
const NOT_NUMBERS = ['1', '', null, 1n, true, {}, [1], () => 1, Number.NaN, Infinity, -Infinity]
const above0 = { bad: [...NOT_NUMBERS, 0, -0, -1, -5e-324], expected: 'number above 0' }
const VALUES: Record<LossOption, OptionValues> = {
  alpha: { initial: 0.5, good: [0, -1, 7, 1e300], bad: NOT_NUMBERS, expected: 'a finite number' },
  mode: {
    initial: 'linear',
    good: ['linear', 'log', 'square'],
    bad: ['cube', '', 'Log', 'toString', 0, null, true, {}, ['log']],
    expected: "one of 'linear', 'log', 'square'",
  },
  logFloor: {
    initial: 1e-6,
    good: [5e-324, 0.5, 1 - 2 ** -53],
    bad: [...above0.bad, 1, 2],
    expected: 'above 0 and below 1',
    together: { mode: 'log' },
  },
  power: { initial: 1, good: [5e-324, 0.5, 3, 1e300], ...above0 },
  inner: { initial: 1, good: [5e-324, 0.7, 4], bad: [...above0.bad, 4 + 2 ** -50, 5], expected: 'above 0 and up to 4' },
  focal: { initial: 0, good: [0, 5e-324, 2, 1e300], bad: [...NOT_NUMBERS, -1, -5e-324], expected: 'from 0 on' },
  detachAlpha: { initial: true, good: [true, false], bad: [0, 1, 'true', '', null, {}], expected: 'true or false' },
  beta: { initial: 1, good: [0, 5e-324, 4, 1e300], bad: [...NOT_NUMBERS, -1, -5e-324], expected: 'from 0 on' },
  imageWidth: { good: [1e-300, 640, 1e300], ...above0 },
  imageHeight: { good: [1e-300, 480, 1e300], ...above0 },
  constant: { initial: 12.8, good: [1e-300, 40, 1e300], ...above0 },
}

test('every option of every loss has a variant that other tests run', () => {
  const variants = [...ALL, ...TOGETHER]
  for (const name of LOSS_NAMES) {
    const { options, conventions } = specOf(name)
    const own = variants.filter((v) => v.name === name)
    for (const option of options)
      expect(
        own.some((v) => v.options[option] !== undefined),
        `${name}, ${option}`,
      ).toBe(true)
    for (const convention of conventions) expect(own.some((v) => v.options.convention === convention)).toBe(true)
  }
})

describe.each(LOSS_OPTIONS)('%s', (option) => {
  const { initial, good, bad, expected, together } = VALUES[option]

  test.each(having(option))('%s takes it', (name) => {
    for (const value of [...good, undefined].filter((v) => v !== undefined || initial !== undefined)) {
      expect(() => call(name, { ...together, [option]: value })).not.toThrow()
    }
    for (const value of bad) {
      const got = typeof value === 'number' ? `got ${Object.is(value, -0) ? 0 : value}` : 'got '
      expectRejected(name, { ...together, [option]: value }, option, expected, got)
    }
  })

  test.each(lacking(option))(
    '%s does not: an error that names the losses that do, unless it is the default',
    (name) => {
      if (initial !== undefined) expect(() => call(name, { [option]: initial })).not.toThrow()
      expect(() => call(name, { [option]: undefined })).not.toThrow()
      for (const value of good.filter((v) => v !== initial)) {
        expectRejected(name, { [option]: value }, option, 'the default', name, having(option).join(', '))
      }
      // Of a wrong type, or out of its range, it is wrong for that reason with any loss.
      for (const value of bad) expectRejected(name, { [option]: value }, option, expected)
    },
  )

  const leavesFloat32 = good.filter((v) => typeof v === 'number' && (v === 1e300 || (v !== 0 && Math.fround(v) === 0)))
  test.runIf(leavesFloat32.length > 0).each(having(option))('%s in float32: within the range of numbers', (name) => {
    for (const value of leavesFloat32) {
      const attempt = () => call(name, { ...together, [option]: value }, Float32Array)
      // A focal or beta of 0 has a meaning.
      if (value === 1e300 || (option !== 'focal' && option !== 'beta')) {
        expect(attempt).toThrow(ScaLossError)
        expect(attempt).toThrow(/^\w+: expected a number .*float32/i)
        expect(attempt).toThrow(`got ${value}`)
      } else expect(attempt).not.toThrow()
    }
  })
})

describe('options that exclude or ask for each other', () => {
  test.each(having('power'))('%s: a power, or a mode', (name) => {
    for (const mode of ['log', 'square']) expectRejected(name, { power: 2, mode }, 'power', `mode '${mode}'`, 'got 2')
    expect(() => call(name, { power: 2, mode: 'linear' })).not.toThrow()
    expect(() => call(name, { power: 1, mode: 'log' })).not.toThrow()
  })

  test.each(having('logFloor'))('%s: a logFloor, with the logarithm', (name) => {
    for (const mode of ['linear', 'square', undefined])
      expectRejected(name, { logFloor: 0.1, mode }, 'logFloor', "mode: 'log'")
    expect(() => call(name, { logFloor: 1e-6 })).not.toThrow()
  })

  test.each(['imageWidth', 'imageHeight'] as const)('%s: not left out', (option) => {
    for (const name of having(option)) expectRejected(name, { [option]: undefined }, option, name, 'got undefined')
  })

  test.each(LOSS_NAMES.filter((name) => specOf(name).conventions.includes('torchvision')))(
    '%s: the convention of torchvision, or an option that its functions do not have',
    (name) => {
      const convention = 'torchvision'
      for (const option of specOf(name).options) {
        const { initial, good, together } = VALUES[option]
        expect(() => call(name, { convention, [option]: initial })).not.toThrow()
        const blamed = together ? 'mode' : option
        for (const value of good.filter((v) => v !== initial)) {
          expectRejected(name, { ...together, convention, [option]: value }, blamed, "convention 'torchvision'")
        }
      }
    },
  )
})

describe.each(CONVENTIONS.filter((convention) => convention !== 'exact'))('convention %s', (convention) => {
  const losses = LOSS_NAMES.filter((name) => specOf(name).conventions.includes(convention))
  test.each(LOSS_NAMES)('%s', (name) => {
    if (losses.includes(name)) expect(() => call(name, { convention })).not.toThrow()
    else expectRejected(name, { convention }, 'convention', "'exact'", name, losses.join(', '), `got "${convention}"`)
    for (const value of ['', 'Exact', 'paper', null, 0, true])
      expectRejected(name, { convention: value }, 'convention', 'one of')
  })
})

describe.each(LOSS_NAMES.filter((name) => specOf(name).axes === 3))('%s, of three axes', (name) => {
  const boxes = (n: number) => new Float32Array(n)
  test('takes rows of 6', () => {
    for (const n of [4, 7, 8, 10]) {
      expect(() => boxLoss(name, boxes(n), boxes(n))).toThrow(
        /^pred: expected a length that is a multiple of 6, \[N, 6\]/,
      )
    }
    expect(() => boxLoss(name, boxes(12), boxes(6))).toThrow(/^target: expected length 12/)
    const options = { reduction: 'none', gradTarget: true, iou: true, backend: 'js' } as const
    const { loss, grad, gradTarget, iou } = boxLoss(name, boxes(12), boxes(12), options)
    expect([loss, grad, gradTarget, iou].map((array) => array.length)).toEqual([2, 12, 12, 2])
    expect(() => boxLoss(name, boxes(12), boxes(12), { ...options, out: { grad: boxes(8) } })).toThrow(
      /^out\.grad: expected length 12/,
    )
    expect(() => boxLoss(name, boxes(12), boxes(12), { ...options, weight: boxes(3) })).toThrow(
      /^weight: expected length 2/,
    )
  })
  test('has no format yxyx', () => {
    expect(() => boxLoss(name, boxes(6), boxes(6), { format: 'yxyx' })).toThrow(
      /^format: expected one of 'xyxy', 'xywh', 'cxcywh', got "yxyx"$/,
    )
  })
  test('wants z1 <= z2', () => {
    const flipped = Float32Array.of(0, 0, 1, 1, 1, 0)
    expect(() => boxLoss(name, flipped, boxes(6), { onInvalid: 'throw' })).toThrow(/^pred: row 0 .* z1 <= z2/)
    expect(boxLoss(name, flipped, boxes(6), { backend: 'js' }).invalid).toBe(1)
  })
})
