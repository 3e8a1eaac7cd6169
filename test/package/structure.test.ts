import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { ROOT } from '../support/project.js'

// The layers of the sources: a folder imports only from the folders below it, and no two files import each other.

/** From top to bottom; rooms of one line know nothing of each other. `doors` are the files of src/ itself. */
const ROOMS = [
  ['doors'],
  ['cli'],
  ['tfjs', 'grad-check', 'simulation', 'coco'],
  ['calls'],
  ['cuda'],
  ['arguments'],
  ['native'],
  ['wasm'],
  ['memory'],
  ['reference'],
  ['core'],
]
/** The reference is a witness for what the addon computes: besides it, only who asks it knows it. */
const KNOW_REFERENCE = ['reference', 'arguments', 'calls', 'grad-check']

const filesIn = (folder: string, endings: RegExp) =>
  readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => endings.test(file))
    .map((file) => join(folder, file))
const matches = (file: string, pattern: RegExp) =>
  [...readFileSync(join(ROOT, file), 'utf8').matchAll(pattern)].map(([, name]) => name!)

describe('src/', () => {
  const files = filesIn('src', /(?<!\.d)\.m?ts$/)
  /** What each file imports of this package, types too. */
  const imports = new Map(
    files.map((file) => [
      file,
      matches(file, /\b(?:from|import) ?\(?'(\.[^']+)'/g).map((path) => join(dirname(file), path.replace(/js$/, 'ts'))),
    ]),
  )
  const roomOf = (file: string) => (dirname(file) === 'src' ? 'doors' : file.split('/')[1]!)
  const levelOf = (file: string) => ROOMS.findIndex((rooms) => rooms.includes(roomOf(file)))
  const edges = [...imports].flatMap(([from, tos]) => tos.map((to) => ({ from, to })))
  const shown = ({ from, to }: { from: string; to: string }) => `${from} imports ${to}`

  it('has imports that were found', () => {
    expect(edges.length).toBeGreaterThan(200)
    expect(edges.filter(({ to }) => !imports.has(to)).map(shown)).toEqual([])
  })

  it('has these rooms', () => {
    expect([...new Set(files.map(roomOf))].sort()).toEqual(ROOMS.flat().sort())
  })

  it('a room imports only from rooms below it', () => {
    // An ES module entry repeats the names of the CommonJS one.
    const isEntry = ({ from, to }: { from: string; to: string }) => from === to.replace(/ts$/, 'mts')
    const wrong = edges.filter((edge) => {
      const { from, to } = edge
      return roomOf(from) === roomOf(to) ? roomOf(from) === 'doors' && !isEntry(edge) : levelOf(from) >= levelOf(to)
    })
    expect(wrong.map(shown)).toEqual([])
  })

  it('imports no module of Node but in the command line, so that it can be bundled for any host', () => {
    const packages = files.flatMap((file) =>
      matches(file, /^(?:import|export)\b[\w\s{},*]*'([^.'][^']*)'/gm).map((name) => `${roomOf(file)}: ${name}`),
    )
    const others = packages.filter((line) => !/^cli: node:|^tfjs: @tensorflow\/tfjs-core$/.test(line))
    expect(packages.length).toBeGreaterThan(5)
    expect(others).toEqual([])
  })

  it('the reference is known to few', () => {
    const wrong = edges.filter(({ from, to }) => roomOf(to) === 'reference' && !KNOW_REFERENCE.includes(roomOf(from)))
    expect(wrong.map(shown)).toEqual([])
  })

  it('no files import each other in a circle', () => {
    const done = new Set<string>()
    const circles: string[] = []
    const visit = (file: string, path: readonly string[]) => {
      const start = path.indexOf(file)
      if (start >= 0) circles.push([...path.slice(start), file].join(' → '))
      if (start >= 0 || done.has(file)) return
      for (const to of imports.get(file) ?? []) visit(to, [...path, file])
      done.add(file)
    }
    for (const file of files) visit(file, [])
    expect(circles).toEqual([])
  })
})

describe('native code', () => {
  /** What each room may include besides its own files. The binding may include everything. */
  const BELOW: Record<string, string[]> = { core: [], cpu: ['core'], cuda: ['core'], wasm: ['core', 'cpu'] }
  const NODE = /^(napi|node_api|js_native_api|node|v8|uv)\b/

  describe.each(Object.entries(BELOW))('%s/', (room, below) => {
    const files = filesIn(room, /\.(h|cpp|cu|cuh)$/)

    it('includes only what is below it', () => {
      const wrong = files.flatMap((file) =>
        matches(file, /^ *# *include "([^"]+)"/gm)
          .map((path) => join(dirname(file), path))
          .filter((path) => ![room, ...below].includes(path.split('/')[0]!))
          .map((path) => `${file} includes ${path}`),
      )
      expect(files.length).toBeGreaterThan(room === 'wasm' ? 0 : 5)
      expect(wrong).toEqual([])
    })

    it(`knows no Node${room === 'cuda' ? '' : ' and no CUDA'}`, () => {
      const isForeign = (name: string) => NODE.test(name) || (room !== 'cuda' && /^(cuda|cub|nv)/.test(name))
      const wrong = files.flatMap((file) =>
        matches(file, /^ *# *include <([^>]+)>/gm)
          .filter(isForeign)
          .map((name) => `${file} includes <${name}>`),
      )
      expect(wrong).toEqual([])
    })
  })
})
