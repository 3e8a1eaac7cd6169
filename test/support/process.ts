import { spawnSync } from 'node:child_process'

/** For processes that hang. */
export const LIMIT = 60_000

/** Runs a script in a process of its own, in which `gc()` is there: how that ends, and what it says. */
export function endOf(script: string) {
  const { status, signal, stdout, stderr } = spawnSync(process.execPath, ['--expose-gc', '-e', script], {
    encoding: 'utf8',
    timeout: LIMIT,
  })
  return { status, signal, stdout, stderr }
}

/** An end without a word and without an error. */
export const ended = { status: 0, signal: null, stdout: '', stderr: '' }
export const printed = (...lines: string[]) => ({ ...ended, stdout: `${lines.join('\n')}\n` })
