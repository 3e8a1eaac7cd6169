import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { ROOT } from '../support/project.js'

// Node has no fork(), but other native code in its process may. So the threads of the CPU backend are tested in a
// separate program.
const folder = mkdtempSync(join(tmpdir(), 'scaloss-fork-'))
const program = join(folder, 'fork')

beforeAll(() => {
  const options = ['-std=c++17', '-O1', '-pthread', '-Wall', '-Wextra', '-Werror']
  const sources = ['test/cpu/fork/fork.cpp', 'cpu/pool.cpp']
  execFileSync(process.env.CXX ?? 'c++', [...options, ...sources, '-o', program], { cwd: ROOT })
})
afterAll(() => rmSync(folder, { recursive: true }))

it('a process forks while threads compute: parent, child and grandchild go on, each with threads of its own', () => {
  // A fork during the very first call is one in each process.
  for (let i = 0; i < 20; ++i) expect(execFileSync(program, { encoding: 'utf8' })).toBe('20 forks\n')
})
