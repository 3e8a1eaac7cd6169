import { describe, expect, test } from 'vitest'
import { files, SAMPLE, scaloss } from '../support/cli.js'

// An option that is not given has the same effect as its default written out, and not that of another value.

interface Default {
  command: string
  option: string
  value: string
  other: string
  /** Options that keep the command short, and the one looked at out of them. */
  rest: readonly string[]
}

const defaultsOf = (command: string, rest: Record<string, string>, values: Record<string, [string, string]>) =>
  Object.entries(values).map(([option, [value, other]]): Default => {
    const others = Object.entries(rest).filter(([name]) => name !== option)
    return { command, option, value, other, rest: others.flatMap(([name, text]) => [`--${name}`, text]) }
  })

const [, groundTruth, , detections] = files(SAMPLE)
const DEFAULTS = [
  ...defaultsOf(
    'evaluate',
    { 'ground-truth': groundTruth, detections },
    { loss: ['sca', 'so'], alpha: ['0.5', '0.6'], 'iou-threshold': ['0.5', '0.7'], backend: ['auto', 'js'] },
  ),
  ...defaultsOf(
    'gradcheck',
    { losses: 'sca', boxes: '20' },
    {
      losses: ['all', 'sca'],
      alpha: ['0.5', '0.6'],
      backend: ['all', 'js'],
      dtype: ['both', 'float32'],
      boxes: ['1000', '999'],
      seed: ['1', '2'],
    },
  ),
  ...defaultsOf(
    'simulate',
    { losses: 'sca', iterations: '3' },
    {
      losses: ['iou,giou,diou,ciou,so,cd,sca', 'all'],
      alpha: ['0.5', '0.6'],
      lr: ['0.1', '0.11'],
      geometry: ['dense', 'wide'],
      iterations: ['200', '199'],
      dtype: ['float32', 'float64'],
      backend: ['auto', 'js'],
    },
  ),
]

function output(command: string, ...argv: string[]) {
  const { code, stdout, stderr } = scaloss(command, ...argv)
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  return stdout
}

test.each(DEFAULTS)('$command --$option: $value', ({ command, option, value, other, rest }) => {
  // The table of gradcheck: its reports have the options as they were given.
  const form = command === 'gradcheck' ? [] : ['--json']
  const printed = (...argv: string[]) => output(command, ...rest, ...form, ...argv)
  const without = printed()
  expect(without === printed(`--${option}`, value)).toBe(true)
  expect(without === printed(`--${option}`, other)).toBe(false)
})

test.each(['evaluate', 'gradcheck', 'simulate'])('%s --help names these defaults and no others', (command) => {
  // An option and its text, which may go on in the next lines.
  const options = [...output(command, '--help').matchAll(/^ {2}--([a-z-]+).*(?:\n {10,}.*)*/gm)]
  const told = options.flatMap(([text, option]) => {
    const [, value] = /\(default: ([^)]*)\)/.exec(text) ?? []
    return value === undefined ? [] : [[option, value]]
  })
  const here = DEFAULTS.filter((each) => each.command === command)
  expect(Object.fromEntries(told)).toEqual(Object.fromEntries(here.map(({ option, value }) => [option, value])))
})

describe('what is off unless it is asked for', () => {
  const simulate = ['--losses', 'so', '--iterations', '3']
  const gradcheck = ['--losses', 'sca', '--boxes', '5', '--backend', 'js']

  test.each([
    ['info', []],
    ['evaluate', files(SAMPLE)],
    ['gradcheck', gradcheck],
    ['simulate', simulate],
  ])('%s --json', (command, argv) => {
    expect(() => JSON.parse(output(command, ...argv))).toThrow(SyntaxError)
    expect(JSON.parse(output(command, ...argv, '--json'))).toEqual(expect.any(Object))
  })

  test('gradcheck --variants', () => {
    const reports = (...argv: string[]) => JSON.parse(output('gradcheck', ...gradcheck, '--json', ...argv)).reports
    expect([reports().length, reports('--variants').length]).toEqual([2, 6])
  })

  test('simulate --enlarge, --csv', () => {
    const plain = output('simulate', ...simulate)
    expect(plain).not.toMatch(/^loss,iteration,/)
    expect(output('simulate', ...simulate, '--csv')).toMatch(/^loss,iteration,/)
    expect(plain).not.toContain('steps times')
    const meanIous = (...argv: string[]) =>
      JSON.parse(output('simulate', ...simulate, '--json', ...argv)).runs[0].meanIou
    expect(meanIous()).not.toEqual(meanIous('--enlarge'))
  })
})
