import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { formatInfo } from '../../src/cli/info.js'
import { formatTable } from '../../src/cli/table.js'
import { backends } from '../../src/native/backends.js'
import { files, SAMPLE, scaloss } from '../support/cli.js'
import { ROOT } from '../support/project.js'

const VERSION = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')).version

describe('errors', () => {
  const instances = join(SAMPLE, 'instances.json')
  const detections = join(SAMPLE, 'detections.json')

  test('a file that fails: exit code 1, and one line that names it', () => {
    const missing = scaloss('evaluate', '--ground-truth', 'absent.json', '--detections', detections)
    expect(missing).toStrictEqual({
      code: 1,
      stdout: '',
      stderr: 'scaloss: absent.json: cannot read the file: no such file\n',
    })
    const swapped = scaloss('evaluate', '--ground-truth', instances, '--detections', instances)
    expect(swapped).toStrictEqual({
      code: 1,
      stdout: '',
      stderr: `scaloss: ${instances}: expected an array, got an object (Object)\n`,
    })
  })

  test('a backend that cannot run here: exit code 1, and the reason', () => {
    const { cuda } = backends()
    const { code, stderr } = scaloss('evaluate', ...files(SAMPLE), '--backend', 'cuda')
    expect(code).toBe(cuda.available ? 0 : 1)
    expect(stderr).toMatch(cuda.available ? /^$/ : /^scaloss: .*/)
    if (!cuda.available) expect(stderr).toContain(cuda.message)
  })

  const evaluate = ['evaluate', '--ground-truth', instances, '--detections', detections]
  test.each([
    ['expected a command', []],
    ['unknown command "train"; the commands are info, evaluate', ['train']],
    ['unknown command "toString"', ['toString']],
    ['unknown option "--json"', ['--json', 'info']],
    [/^scaloss: Unknown option '--verbose'\n/, ['info', '--verbose']],
    [/^scaloss: Unexpected argument 'cuda'\n/, ['info', 'cuda']],
    ['--ground-truth: expected a file, but it is missing', ['evaluate', '--detections', detections]],
    ['--detections: expected a file, but it is missing', ['evaluate', '--ground-truth', instances]],
    ['--detections: expected a file, got ""', ['evaluate', '--ground-truth', instances, '--detections=']],
    ["Unexpected argument 'more.json'", [...evaluate, 'more.json']],
    ["Option '--alpha <value>' argument missing", [...evaluate, '--alpha']],
    ['--alpha: expected a finite number, got "half"', [...evaluate, '--alpha', 'half']],
    ['--alpha: expected a finite number, got ""', [...evaluate, '--alpha=']],
    ['--alpha: expected a finite number, got "Infinity"', [...evaluate, '--alpha', 'Infinity']],
    ['--alpha: expected a loss that has it (sca, iou_cd), got iou', [...evaluate, '--alpha', '1', '--loss', 'iou']],
    ['--iou-threshold: expected a number above 0 and up to 1, got "0"', [...evaluate, '--iou-threshold', '0']],
    ['--iou-threshold: expected a number above 0 and up to 1, got "1.01"', [...evaluate, '--iou-threshold', '1.01']],
    ['--iou-threshold: expected a number above 0 and up to 1, got "x"', [...evaluate, '--iou-threshold', 'x']],
    [/^scaloss: --loss: expected one of sca, so, cd(, \w+)*, got "l2"\n/, [...evaluate, '--loss', 'l2']],
    [/^scaloss: --loss: expected one of sca, so, cd(, \w+)*, got "sca3"\n/, [...evaluate, '--loss', 'sca3']],
    [/^scaloss: --loss: expected one of sca, so, cd(, \w+)*, got "mpdiou"\n/, [...evaluate, '--loss', 'mpdiou']],
    ['--loss: expected one of', [...evaluate, '--loss', 'constructor']],
    ['--backend: expected one of auto, cuda, cpu, wasm, js, got "gpu"', [...evaluate, '--backend', 'gpu']],
  ])('a wrong command line: exit code 2: %s', (message, argv) => {
    const { code, stdout, stderr } = scaloss(...argv)
    expect(stderr).toMatch(message)
    expect(stderr).toMatch(/^scaloss: .*\n.*--help.*\n$/)
    expect({ code, stdout }).toStrictEqual({ code: 2, stdout: '' })
  })
})

describe('help, version, info', () => {
  test('--help lists the commands; <command> --help lists its options', () => {
    expect(scaloss('--help')).toMatchObject({ code: 0, stderr: '' })
    expect(scaloss('--help').stdout).toMatch(/info .*\n *evaluate /)
    expect(scaloss('info', '--help').stdout).toMatch(/--json/)
    const { code, stdout } = scaloss('evaluate', '--help')
    expect(code).toBe(0)
    for (const option of ['ground-truth', 'detections', 'loss', 'alpha', 'iou-threshold', 'backend', 'json'])
      expect(stdout).toContain(`--${option} `)
  })

  test.each(['info', 'evaluate', 'gradcheck', 'simulate'])('%s --help, and -h, fit a terminal', (command) => {
    const { code, stdout } = scaloss(command, '--help')
    expect([code, stdout.split('\n')[0]]).toEqual([0, expect.stringMatching(new RegExp(`^Usage: scaloss ${command} `))])
    expect(Math.max(...stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(120)
    expect(scaloss(command, '--json', '-h')).toEqual({ code: 0, stdout, stderr: '' })
    expect(scaloss('--help').stdout).toMatch(new RegExp(`^  ${command} `, 'm'))
  })

  test('--version prints the version of the package', () => {
    expect(scaloss('--version')).toStrictEqual({ code: 0, stdout: `${VERSION}\n`, stderr: '' })
  })

  test('info names versions and every backend, in text and JSON', () => {
    const { code, stdout } = scaloss('info')
    expect(code).toBe(0)
    expect(stdout.split('\n')[0]).toContain(`scaloss ${VERSION}, Node.js ${process.version}`)
    for (const [name, { available, reason }] of Object.entries<{ available: boolean; reason?: string }>({
      ...backends(),
    }))
      expect(stdout).toMatch(new RegExp(`^${name} +${available ? 'available' : `not available: ${reason}`}$`, 'm'))
    const report = JSON.parse(scaloss('info', '--json').stdout)
    expect(report).toMatchObject({ version: VERSION, node: process.version })
    expect(Object.keys(report.backends)).toStrictEqual(Object.keys(backends()))
    expect(report.backends.js.available).toBe(true)
  })

  test('info shows reason, message and details, nested ones too', () => {
    const text = formatInfo({
      version: '1.2.3',
      node: 'v20.0.0',
      platform: 'linux',
      arch: 'x64',
      backends: {
        cuda: { available: false, reason: 'no-driver', message: 'first line\nsecond line' },
        cpu: Object.assign(
          { available: true },
          { simd: 'avx2', threads: 2, levels: ['sse4', 'avx2'], missing: [], none: undefined },
        ),
        gpu: Object.assign({ available: true }, { devices: [{ name: 'one', bytes: 5n }] }),
      },
    })
    expect(text).toBe(`scaloss 1.2.3, Node.js v20.0.0, linux x64

cuda  not available: no-driver
      first line
      second line

cpu   available
      simd     avx2
      threads  2
      levels   sse4, avx2
      missing  none

gpu   available
      devices
        0
          name   one
          bytes  5
`)
  })

  test('tables align columns and show control characters as blanks', () => {
    const columns = [
      { title: 'name', align: 'left' as const },
      { title: 'n', align: 'right' as const },
    ]
    expect(
      formatTable(
        columns,
        [
          ['a\u001bb\nlong', '1'],
          ['c', '23'],
        ],
        ['all', '24'],
      ),
    ).toBe(
      ['name       n', '--------  --', 'a b long   1', 'c         23', '--------  --', 'all       24', ''].join('\n'),
    )
  })
})

describe('the built program', () => {
  const program = (...argv: string[]) =>
    spawnSync(process.execPath, [join(ROOT, 'dist', 'cli', 'main.js'), ...argv], { encoding: 'utf8' })

  test('evaluates, and its exit code and streams are those of run()', () => {
    const argv = ['evaluate', ...files(SAMPLE), '--backend', 'js']
    const { status, stdout, stderr } = program(...argv)
    expect({ code: status, stdout, stderr }).toStrictEqual(scaloss(...argv))
    expect(program('--version').stdout).toBe(`${VERSION}\n`)
    expect(program('train')).toMatchObject({ status: 2, stdout: '' })
    expect(program('evaluate', '--ground-truth', 'absent.json', '--detections', 'absent.json')).toMatchObject({
      status: 1,
      stdout: '',
      stderr: 'scaloss: absent.json: cannot read the file: no such file\n',
    })
  })

  describe.skipIf(process.platform === 'win32')('on pipes and devices', () => {
    const inShell = (command: string) => {
      const [node, main] = [process.execPath, join(ROOT, 'dist', 'cli', 'main.js')]
      return spawnSync('sh', ['-c', command, node, main, ...files(SAMPLE)], { encoding: 'utf8', timeout: 20_000 })
    }

    test('detections may come through a pipe, and what is wrong with them is said all the same', () => {
      const argv = '"$0" "$1" evaluate "$2" "$3" --detections /dev/stdin --backend js'
      expect(inShell(`cat "$5" | ${argv}`).stdout.split('\n').slice(1)).toEqual(
        scaloss('evaluate', ...files(SAMPLE), '--backend', 'js')
          .stdout.split('\n')
          .slice(1),
      )
      expect(inShell(`printf '{"a":1}' | ${argv}`)).toMatchObject({
        status: 1,
        stderr: 'scaloss: /dev/stdin: expected an array, got an object (Object)\n',
      })
      expect(inShell(`printf '[1,\n}' | ${argv}`).stderr).toMatch(/^scaloss: \/dev\/stdin:2:1: not valid JSON/)
    })

    test.runIf(existsSync('/dev/full'))('a disk that is full: exit code 1, and one line', () => {
      expect(inShell('"$0" "$1" info > /dev/full')).toMatchObject({
        status: 1,
        stderr: expect.stringMatching(/^scaloss: cannot write the output: ENOSPC.*\n$/),
      })
    })
  })

  test('starts with a line that lets the shell run it', () => {
    expect(readFileSync(join(ROOT, 'dist', 'cli', 'main.js'), 'utf8')).toMatch(/^#!\/usr\/bin\/env node\n/)
  })
})
