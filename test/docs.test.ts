import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { LOSS_NAMES, LOSS_OPTIONS } from '../src/losses.js'

// What the documents list is what there is.
const root = join(__dirname, '..')
const read = (path: string) => readFileSync(join(root, path), 'utf8')
const documents = ['README.md', ...readdirSync(join(root, 'docs')).map((name) => `docs/${name}`)]

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

  it('has a row for every option of the losses', () => {
    expect(rowsOf('docs/losses.md', '| option | default |').sort()).toEqual([...LOSS_OPTIONS].sort())
  })
})

describe('README.md', () => {
  it('lists every loss', () => {
    expect(rowsOf('README.md', '| loss').sort()).toEqual([...LOSS_NAMES].sort())
  })

  it('states the accuracy that is measured, rounded up', () => {
    const { tables } = JSON.parse(run('bench/accuracy.mjs', '--json'))
    const { summary } = tables.find(
      (of: { backend: string; dtype: string }) => of.backend === 'cpu' && of.dtype === 'float32',
    )
    const { published, modified } = summary
    const stated = /losses within (\d+) ulp and gradients within (\d+) .*?\((\d+) and (\d+) with/s.exec(
      read('README.md'),
    )
    const measured = [published.loss, published.grad, modified.loss, modified.grad]
    expect(stated?.slice(1).map(Number)).toEqual(measured.map(Math.ceil))
  })
})

it('docs/edge-cases.md is what the package gives now (npm run edge-cases -- --write)', () => {
  expect(read('docs/edge-cases.md')).toBe(run('bench/edge-cases.mjs'))
})

describe.each(documents)('%s', (document) => {
  it('links to files that exist', () => {
    const links = [...read(document).matchAll(/\]\((?!\w+:|#)([^)#]+)/g)].map(([, path]) => path!)
    expect(links.filter((path) => !existsSync(join(root, dirname(document), path)))).toEqual([])
  })

  it('names scripts that exist', () => {
    const { scripts } = JSON.parse(read('package.json'))
    const named = [...read(document).matchAll(/npm run ([\w:-]+)/g)].map(([, script]) => script!)
    expect(named.filter((script) => !(script in scripts))).toEqual([])
  })
})
