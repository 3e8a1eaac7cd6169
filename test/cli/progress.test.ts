import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { run } from '../../src/cli/main.js'
import { Progress } from '../../src/cli/progress.js'
import { files, SAMPLE } from '../support/cli.js'

// The line on a terminal that shows the progress of a command.

/** What a command writes where stderr is a terminal or is not. */
function onTerminal(isTTY: boolean, ...argv: string[]) {
  let stdout = ''
  const shown: string[] = []
  const code = run(argv, {
    stdout: { write: (text) => (stdout += text) },
    stderr: { write: (text) => shown.push(text), isTTY },
  })
  return { code, stdout, shown }
}

test.each([
  ['simulate', ['--losses', 'so', '--iterations', '3'], 'so (1 of 1): iteration 0 of 3'],
  ['gradcheck', ['--losses', 'so', '--boxes', '10'], 'so (1 of 1)'],
  ['evaluate', files(SAMPLE), '0 detections read'],
])('%s: a line on a terminal, gone at the end; none elsewhere', (command, options, line) => {
  const { code, stdout, shown } = onTerminal(true, command, ...options)
  expect(code).toBe(0)
  expect(shown[0]).toBe(`\r\x1b[K${line}`)
  expect(shown.at(-1)).toBe('\r\x1b[K')
  expect(onTerminal(false, command, ...options)).toEqual({ code: 0, stdout, shown: [] })
})

describe('where every line is shown', () => {
  let now = 0
  beforeEach(() => {
    vi.spyOn(performance, 'now').mockImplementation(() => (now += 1000))
  })
  afterEach(() => {
    vi.restoreAllMocks()
  })
  const lines = (...argv: string[]) => onTerminal(true, ...argv).shown
  const written = (...texts: string[]) => [...texts.map((text) => `\r\x1b[K${text}`), '\r\x1b[K']

  test('evaluate goes on by a thousand detections, then class by class', () => {
    const classes = [1, 2, 3].map((id) => `class ${id} judged`)
    expect(lines('evaluate', ...files(SAMPLE))).toEqual(written('0 detections read', ...classes))

    const folder = mkdtempSync(join(tmpdir(), 'scaloss-progress-'))
    const instances = { images: [{ id: 1 }], annotations: [], categories: [{ id: 7, name: 'cup' }] }
    writeFileSync(join(folder, 'instances.json'), JSON.stringify(instances))
    const detection = { image_id: 1, category_id: 7, bbox: [0, 0, 1, 1], score: 0 }
    writeFileSync(join(folder, 'detections.json'), JSON.stringify(Array(2001).fill(detection)))
    const read = [0, 1000, 2000].map((count) => `${count} detections read`)
    expect(lines('evaluate', ...files(folder))).toEqual(written(...read, 'class 7 judged'))
    rmSync(folder, { recursive: true })
  })

  test('simulate goes on loss by loss, iteration by iteration', () => {
    const of = (loss: string, i: number) => [0, 1, 2].map((t) => `${loss} (${i} of 2): iteration ${t} of 2`)
    expect(lines('simulate', '--losses', 'so,cd', '--iterations', '2')).toEqual(written(...of('so', 1), ...of('cd', 2)))
  })

  test('gradcheck goes on variant by variant', () => {
    expect(lines('gradcheck', '--losses', 'so,nwd', '--variants', '--boxes', '5')).toEqual(
      written('so (1 of 4)', 'so convention=official (2 of 4)', 'nwd (3 of 4)', 'nwd constant=30 (4 of 4)'),
    )
  })
})

test('the line is gone before an error', () => {
  const { code, shown } = onTerminal(true, 'simulate', '--losses', 'sca', '--alpha', '1e300', '--dtype', 'float32')
  expect(code).toBe(1)
  expect(shown.at(-1)).toMatch(/^scaloss: alpha: expected /)
})

test('progress does not flood a terminal', () => {
  const shown: string[] = []
  const progress = new Progress({ stdout: { write() {} }, stderr: { isTTY: true, write: (text) => shown.push(text) } })
  for (let i = 0; i < 3; i++) progress.show(`${i}`)
  expect(shown).toEqual(['\r\x1b[K0'])
})
