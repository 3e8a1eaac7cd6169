import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { expect, it } from 'vitest'

// Short forms of `npm run soak` and `npm run load`.
const run = (script: string, ...options: string[]) =>
  JSON.parse(
    execFileSync(process.execPath, ['--expose-gc', join(__dirname, 'soak', script), ...options], { encoding: 'utf8' }),
  )

it('400,000 calls leave no memory behind', () => {
  const { calls, growthMiB } = run('calls.mjs', '--calls', '400000')
  expect(calls).toBe(400_000)
  // 64 bytes of each call of the second half would be 12 MiB.
  expect(growthMiB).toBeLessThan(12)
}, 120_000)

it('workers that call at once get what calls alone give', () => {
  expect(run('load.mjs', '--calls', '80', '--workers', '4')).toMatchObject({ workers: 4, differences: 0 })
}, 120_000)
