import { spawnSync } from 'node:child_process'
import { expect, it } from 'vitest'
import { buildCheck, checkCommand } from './check.mjs'

// The stand-alone check (README.md). ThreadSanitizer has its turn in .ci/run.
it.each([
  ['plain', 10_000_000],
  ['address', 500_000],
] as const)('%s build: kernels, CPU levels and runtime agree over %i pairs', { timeout: 600_000 }, (build, pairs) => {
  const [command, arguments_] = checkCommand(buildCheck(build), pairs)
  const { status, stdout, stderr } = spawnSync(command, arguments_, { encoding: 'utf8' })
  expect(status, `${stdout}${stderr}`).toBe(0)
  const lines = stdout.trimEnd().split('\n')
  expect(lines.filter((line) => !/ ok +[\d.]+ s$/.test(line))).toEqual([])
  const bits = lines.flatMap((line) => /^bits: .* (\d+) pairs/.exec(line)?.[1] ?? [])
  expect(bits.reduce((sum, each) => sum + Number(each), 0)).toBe(pairs)
})
