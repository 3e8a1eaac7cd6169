import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { OPTIONS } from '../../src/arguments/job.js'
import { LOSS_NAMES, LOSS_OPTIONS } from '../../src/core/losses.js'
import { DOCUMENTS, ROOT as root } from '../support/project.js'

// The documents list exactly what exists.
const read = (path: string) => readFileSync(join(root, path), 'utf8')

const run = (...args: string[]) => execFileSync(process.execPath, args, { cwd: root, encoding: 'utf8' })

/** The names in backticks that begin the rows of the table with this head. */
function rowsOf(document: string, head: string): string[] {
  const table = read(document).split(head)[1]?.split('\n\n')[0] ?? ''
  return [...table.matchAll(/^\| (`\w+`(?:, `\w+`)*) +\|/gm)].flatMap(([, names]) =>
    names!.split(', ').map((name) => name.slice(1, -1)),
  )
}

describe('docs/losses.md', () => {
  it('has a row for every loss, in their order', () => {
    expect(rowsOf('docs/losses.md', '| name | loss |')).toEqual(LOSS_NAMES)
  })
})

describe('docs/options.md', () => {
  it('has a row for every option of boxLoss', () => {
    const ofLosses: readonly string[] = LOSS_OPTIONS
    const all = OPTIONS.filter((option) => !ofLosses.includes(option))
    expect(rowsOf('docs/options.md', '| option | default |').sort()).toEqual([...all].sort())
  })

  it('has a row for every option of the losses', () => {
    expect(rowsOf('docs/options.md', '| option | losses |').sort()).toEqual([...LOSS_OPTIONS].sort())
  })
})

describe('README.md', () => {
  it('has at most 120 lines', () => {
    expect(read('README.md').trimEnd().split('\n').length).toBeLessThanOrEqual(120)
  })

  it("shows the picture of the paper's report (cp bench/paper/results/fig1-gradient-jitter.svg docs/gradient.svg)", () => {
    expect(read('docs/gradient.svg')).toBe(read('bench/paper/results/fig1-gradient-jitter.svg'))
  })

  it('lists every loss', () => {
    expect(rowsOf('README.md', '| loss').sort()).toEqual([...LOSS_NAMES].sort())
  })

  it('states the accuracy that is measured, rounded up', () => {
    const { tables } = JSON.parse(run('bench/accuracy.mjs', '--json'))
    const { summary } = tables.find(
      (of: { backend: string; dtype: string }) => of.backend === 'cpu' && of.dtype === 'float32',
    )
    const { published, modified } = summary
    const stated = /losses are within (\d+) ulp and gradients within (\d+) .*?\((\d+) and (\d+)\s+with/s.exec(
      read('README.md'),
    )
    const measured = [published.loss, published.grad, modified.loss, modified.grad]
    expect(stated?.slice(1).map(Number)).toEqual(measured.map(Math.ceil))
  })
})

it('docs/edge-cases.md is what the package gives now (npm run edge-cases -- --write)', () => {
  expect(read('docs/edge-cases.md')).toBe(run('bench/edge-cases.mjs'))
})

/** The anchors that GitHub gives the headings of a page. */
const anchors = (page: string) =>
  [...page.matchAll(/^#+ (.*)$/gm)].map(([, heading]) =>
    heading!
      .toLowerCase()
      .replace(/[^\p{L}\p{N}_ -]/gu, '')
      .replaceAll(' ', '-'),
  )

describe.each(DOCUMENTS)('%s', (document) => {
  const page = read(document).replace(/```.*?```/gs, '')

  it('links to files and headings that exist', () => {
    const links = [...page.matchAll(/\]\((?!\w+:)([^)#]*)(?:#([^)]*))?\)|<img src="([^"]*)"/g)]
    const broken = links.filter(([, path, anchor, image]) => {
      const file = join(root, dirname(document), image ?? path!)
      if (image === undefined && path === '') return !anchors(page).includes(anchor!)
      return !existsSync(file) || (anchor !== undefined && !anchors(readFileSync(file, 'utf8')).includes(anchor))
    })
    expect(broken.map(([link]) => link)).toEqual([])
  })

  it('gives the command line options that it has', () => {
    const lines = [...read(document).matchAll(/npx scaloss (\w+)( .*)?$/gm)]
    const unknown = lines.filter(([, command, rest = '']) => {
      const help = run('dist/cli/main.js', command!, '--help')
      return [...rest.split(/[#`]/)[0]!.matchAll(/--[\w-]+/g)].some(([option]) => !`${help} --help`.includes(option))
    })
    expect(unknown.map(([line]) => line)).toEqual([])
  })

  it('names scripts that exist', () => {
    const { scripts } = JSON.parse(read('package.json'))
    const named = [...read(document).matchAll(/npm run ([\w:-]+)/g)].map(([, script]) => script!)
    expect(named.filter((script) => !(script in scripts))).toEqual([])
  })
})
