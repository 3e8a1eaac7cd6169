import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { codeBlocks, makeProject, ROOT, saidToPrint } from '../../support/project.js'

const { remove, run, write } = makeProject()
afterAll(remove)

const examples = codeBlocks(readFileSync(join(ROOT, 'docs/cuda.md'), 'utf8'), 'js')

it.each(examples)('docs/cuda.md: example %# prints what its comments say', (example) => {
  write('example.mjs', example)
  const said = saidToPrint(example)
  expect(said.length).toBeGreaterThan(0)
  expect(run('example.mjs').trim().split('\n')).toEqual(said)
})
