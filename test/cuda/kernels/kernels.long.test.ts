import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import {
  CUDA_SOURCES,
  compile,
  type Kernel,
  missingTool,
  nvccRelease,
  ONE_ROW_SOURCE,
} from '../../../bench/kernels/compile.mjs'
import { LOSSES } from '../../../bench/kernels/describe.mjs'
import { LONG_LOSSES, SPILLS } from '../../../bench/kernels/limits.mjs'
import { readPage, writePage } from '../../../bench/kernels/page.mjs'
import { nameOf, type Row, tabulate } from '../../../bench/kernels/table.mjs'
import { ROOT } from '../../support/project.js'
import { growth, ON_CODE, pathLength, spills } from './gates.js'

// Checks what nvcc makes of the CUDA kernels, without a GPU. Each source is compiled once.

const page = readFileSync(join(ROOT, 'docs/kernels.md'), 'utf8')
const { rows: committed, release } = readPage(page)
const PLANTED = join(__dirname, 'planted.cu')
const SECONDS = 1000

it('docs/kernels.md says of its numbers what npm run kernels -- --write does', () => {
  expect(committed.length).toBeGreaterThan(0)
  expect(writePage(committed, release)).toBe(page)
})

const twoAxes = LOSSES.filter(({ axes }) => axes === 2).map(({ name }) => name)
/** The kernel for training with a loss. */
const fused = (loss: string) => nameOf({ kernel: `\`${loss}\``, pass: 'loss and gradient', dtype: 'float32' })

const missing = missingTool()
const otherRelease = missing === undefined && nvccRelease() !== release
if (missing) console.warn(`test/cuda/kernels/kernels.long.test.ts skips: ${missing}`)
if (otherRelease)
  console.warn(`test/cuda/kernels/kernels.long.test.ts skips the counts: docs/kernels.md is of nvcc ${release}`)

describe.skipIf(missing)('the CUDA kernels', () => {
  let kernels: Kernel[]
  let planted: Kernel[]
  let rows: Row[]

  beforeAll(async () => {
    const compiled = await compile([...CUDA_SOURCES, ONE_ROW_SOURCE, PLANTED])
    planted = compiled.get(PLANTED)!
    compiled.delete(PLANTED)
    rows = tabulate(compiled)
    kernels = [...compiled.values()].flat()
  }, 300 * SECONDS)

  /** What is wrong with which. */
  const faults = <T extends Pick<Row, 'kernel' | 'pass' | 'dtype'>>(of: T[], gate: (kernel: T) => string[]) =>
    of.flatMap((kernel) => gate(kernel).map((fault) => `${nameOf(kernel)}: ${fault}`))

  it.each(Object.keys(ON_CODE) as (keyof typeof ON_CODE)[])('%s', (gate) => {
    expect(faults(kernels, ON_CODE[gate])).toEqual([])
  })

  it.each<[string, keyof typeof ON_CODE]>([
    ['contraction_kernel', 'no contraction'],
    ['unrounded_kernel', 'no contraction'],
    ['approximation_kernel', 'no approximation'],
    ['flush_kernel', 'no flush to zero'],
    ['local_kernel', 'no local memory'],
    ['float_atomic_kernel', 'no atomics but on integers'],
    ['compare_and_swap_kernel', 'no atomics but on integers'],
    ['shuffle_kernel', 'the reduction alone shuffles and counts'],
    ['narrow_kernel', 'boxes in wide, streaming loads'],
    ['cached_kernel', 'boxes in wide, streaming loads'],
  ])('would see the fault of %s: %s', (template, gate) => {
    const kernel = planted.find((of) => of.template === template)!
    expect(ON_CODE[gate](kernel)).not.toEqual([])
  })

  it('would see a spill', () => {
    expect(spills(planted.find(({ template }) => template === 'spill_kernel')!)).not.toEqual([])
  })

  it('would see nothing where there is nothing', () => {
    const faultless = planted.find(({ template }) => template === 'faultless_kernel')!
    for (const gate of [...Object.values(ON_CODE), spills]) expect(gate(faultless)).toEqual([])
  })

  it('each loss of two axes has a kernel of its own, and the lists name only kernels that there are', () => {
    const names = rows.map(nameOf)
    expect(names).toEqual(expect.arrayContaining(twoAxes.map(fused)))
    const gone = [...committed.map(nameOf), ...Object.keys(SPILLS)].filter((name) => !names.includes(name))
    expect(gone, 'take them out of SPILLS in bench/kernels/limits.mjs; npm run kernels -- --write').toEqual([])
    expect(Object.keys(LONG_LOSSES).filter((name) => !twoAxes.includes(name))).toEqual([])
  })

  describe.skipIf(otherRelease)(`by nvcc ${release}`, () => {
    it('spill nothing and have no stack, but for what is listed', () => {
      expect(faults(rows, spills)).toEqual([])
    })

    it('have the registers and instructions of docs/kernels.md', () => {
      const known = new Map(committed.map((row) => [nameOf(row), row]))
      expect(faults(rows, (row) => growth(row, known.get(nameOf(row))))).toEqual([])
    })

    it('take no more instructions a box than memory leaves time for, but for what is listed', () => {
      const losses = rows.filter((row) => twoAxes.map(fused).includes(nameOf(row)))
      expect(faults(losses, ({ kernel, box }) => pathLength(kernel.slice(1, -1), box))).toEqual([])
    })
  })
})
