// Checks that the file of a prebuild must pass, whatever machine built it.
import { execFileSync } from 'node:child_process'
import { statSync } from 'node:fs'

/** The newest glibc that a prebuild may ask for: that of docs/support.md. */
const NEWEST_GLIBC = [2, 18]

/** @param {string} file @param {import('./targets.mjs').Target} target @returns {string[]} what is wrong */
export function wrongWith(file, target) {
  const problems = []
  const size = statSync(file).size
  if (size > target.megabytes * 1e6) problems.push(`${size} bytes, at most ${target.megabytes} MB expected`)

  const run = (/** @type {string} */ command, /** @type {string[]} */ ...args) =>
    execFileSync(command, [...args, file], { encoding: 'utf8', env: { ...process.env, LC_ALL: 'C' } })
  const machine = /Machine: +(.*)/.exec(run('readelf', '-h'))?.[1] ?? 'none'
  const expected = { x64: 'X86-64', arm64: 'AArch64' }[target.arch] ?? ''
  if (!machine.includes(expected)) problems.push(`for ${machine}, ${expected} expected`)

  const symbols = run('readelf', '--dyn-syms', '-W')
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
  const exported = symbols.filter(
    ([, , , , bind, , section]) => bind && bind !== 'LOCAL' && /^\d+$/.test(section ?? ''),
  )
  for (const [, , , , , , , name] of exported)
    if (!/^(napi_register_module_v|node_api_module_get_api_version_v)\d+$/.test(name ?? ''))
      problems.push(`exports ${name}`)
  if (exported.length === 0) problems.push('exports nothing')

  for (const [, , , , , , , name = ''] of symbols) {
    const [, major, minor] = /@GLIBC_(\d+)\.(\d+)/.exec(name) ?? []
    if (!major) continue
    if (target.libc === 'musl') problems.push(`asks for ${name} of glibc`)
    else if (Number(major) !== NEWEST_GLIBC[0] || Number(minor) > NEWEST_GLIBC[1]) problems.push(`asks for ${name}`)
  }
  return problems
}
