import { spawnSync } from 'node:child_process'
import { expect, it } from 'vitest'
import { buildCheck, checkCommand } from './check.mjs'

// The stand-alone check (README.md). .ci/run runs it with more pairs, AddressSanitizer and ThreadSanitizer.
const PAIRS = 2_000_000

it('kernels, CPU levels and runtime agree over 2,000,000 pairs', { timeout: 600_000 }, () => {
  const [command, arguments_] = checkCommand(buildCheck('plain'), PAIRS)
  const { status, stdout, stderr } = spawnSync(command, arguments_, { encoding: 'utf8' })
  expect(status, `${stdout}${stderr}`).toBe(0)
  const lines = stdout.trimEnd().split('\n')
  expect(lines.filter((line) => !/ ok +[\d.]+ s$/.test(line))).toEqual([])
  const bits = lines.flatMap((line) => /^bits: .* (\d+) pairs/.exec(line)?.[1] ?? [])
  expect(bits.reduce((sum, each) => sum + Number(each), 0)).toBe(PAIRS)
})
