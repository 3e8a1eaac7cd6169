import { execFileSync, spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { wrongWith } from '../../scripts/prebuild/gates.mjs'
import { prebuildOf, TARGETS } from '../../scripts/prebuild/targets.mjs'
import { ROOT } from '../support/project.js'

// The reasons for which a release is refused. The command runs on a small repository. Also tests what a prebuild may
// be.
const folder = mkdtempSync(join(tmpdir(), 'scaloss-release-'))
afterAll(() => rmSync(folder, { recursive: true }))

const write = (file: string, text: string | Buffer) => {
  mkdirSync(dirname(join(folder, file)), { recursive: true })
  writeFileSync(join(folder, file), text)
}
const git = (...args: string[]) =>
  execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@b', ...args], { cwd: folder, stdio: 'pipe' })
const check = () => {
  const options = { encoding: 'utf8' } as const
  const { status, stderr, stdout } = spawnSync(
    process.execPath,
    [join(ROOT, 'scripts/release-check.mjs'), folder],
    options,
  )
  return {
    status,
    lines: `${stderr}${stdout}`
      .trim()
      .split('\n')
      .map((line) => line.replace('release:check: ', '')),
  }
}

describe('npm run release:check', () => {
  beforeEach(() => {
    rmSync(join(folder, '.git'), { recursive: true, force: true })
    write('package.json', '{ "version": "1.2.3", "repository": "a/b" }')
    write('package-lock.json', '{ "version": "1.2.3" }')
    write('CHANGELOG.md', '# Changelog\n\n## [Unreleased]\n\n## [1.2.3] - 2026-01-01\n\n## [1.2.2]\n')
    write('.gitignore', 'prebuilds/\n')
    write('README.md', '# A package\n')
    git('init', '-q')
    git('add', '.')
    git('commit', '-qm', 'all')
    git('tag', 'v1.2.3')
  })
  const missing = Object.values(TARGETS).map((target) => `${prebuildOf(target)} is missing: npm run prebuild:pack`)

  it('asks for every prebuild, and nothing else is wrong here', () => {
    expect(check()).toEqual({ status: 1, lines: missing })
  })

  it('looks into every prebuild', () => {
    const built = join(ROOT, 'build/Release/scaloss.node')
    for (const target of Object.values(TARGETS)) {
      mkdirSync(dirname(join(folder, prebuildOf(target))), { recursive: true })
      cpSync(built, join(folder, prebuildOf(target)))
    }
    const { status, lines } = check()
    rmSync(join(folder, 'prebuilds'), { recursive: true })
    expect(status).toBe(1)
    for (const target of Object.values(TARGETS))
      expect(lines).toContainEqual(
        expect.stringMatching(`${prebuildOf(target)}: asks for .*GLIBC|${prebuildOf(target)}: for `),
      )
  })

  it.each<[string, () => void, string]>([
    ['a changed file', () => write('CHANGELOG.md', '## [1.2.3]\n'), 'the working tree is not clean:'],
    ['a file that git does not know', () => write('new.txt', ''), 'the working tree is not clean:'],
    ['no tag', () => git('tag', '-d', 'v1.2.3'), 'tag of this commit: expected v1.2.3, as in package.json, got none'],
    [
      'the tag of another version',
      () => git('tag', '-d', 'v1.2.3') && git('tag', 'v1.2.4'),
      'tag of this commit: expected v1.2.3, as in package.json, got v1.2.4',
    ],
    [
      'no entry in the changelog',
      () => write('CHANGELOG.md', '## [Unreleased]\n\n## [1.2.2]\n'),
      'newest version in CHANGELOG.md: expected 1.2.3, got 1.2.2',
    ],
    [
      'a package without a repository',
      () => write('package.json', '{ "version": "1.2.3" }'),
      'repository in package.json: expected where the sources are, got none',
    ],
    [
      'a README that says there is no release',
      () => write('README.md', 'The package is not on npm yet.\n'),
      'README.md says that the package is not on npm yet',
    ],
    [
      'a lockfile left behind',
      () => write('package-lock.json', '{ "version": "1.2.2" }'),
      'version in package-lock.json: expected 1.2.3, got 1.2.2',
    ],
  ])('refuses %s', (_, change, reason) => {
    change()
    const { status, lines } = check()
    rmSync(join(folder, 'new.txt'), { force: true })
    expect(status).toBe(1)
    expect(lines).toContain(reason)
  })
})

describe('the gates of a prebuild', () => {
  const built = join(ROOT, 'build/Release/scaloss.node')
  const x64 = TARGETS['linux-x64-glibc']!

  it('see a newer glibc, which a plain build asks for', () => {
    expect(wrongWith(built, x64)).toContainEqual(expect.stringMatching(/asks for .*GLIBC_2\.3\d/))
  })

  it('see a glibc newer than docs/support.md says, by one', () => {
    const oldest = /glibc 2\.(\d+) and newer/.exec(readFileSync(join(ROOT, 'docs/support.md'), 'utf8'))![1]
    const asking = (minor: number) => {
      const file = join(folder, 'asking.node')
      writeFileSync(file, readFileSync(built, 'latin1').replace(/GLIBC_2\.\d\d(?=\0)/g, `GLIBC_2.${minor}`), 'latin1')
      return wrongWith(file, x64).filter((problem) => problem.includes('asks for'))
    }
    expect(asking(Number(oldest))).toEqual([])
    expect(asking(Number(oldest) + 1)).not.toEqual([])
  })

  it('see glibc in a file for musl, another CPU and too many bytes', () => {
    const wrong = wrongWith(built, { ...x64, libc: 'musl', arch: 'arm64', megabytes: 0.1 })
    for (const reason of [/of glibc$/, /AArch64 expected/, /at most 0\.1 MB/])
      expect(wrong).toContainEqual(expect.stringMatching(reason))
  })

  it('see what is exported beside the entry points', () => {
    const library = execFileSync('g++', ['-print-file-name=libstdc++.so.6'], { encoding: 'utf8' }).trim()
    if (existsSync(library)) expect(wrongWith(library, x64)).toContainEqual(expect.stringMatching(/^exports _Z/))
  })

  const here = Object.values(TARGETS).filter((target) => existsSync(join(ROOT, prebuildOf(target))))
  it.each(here.map((target) => [prebuildOf(target), target] as const))('%s is in order', (file, target) =>
    expect(wrongWith(join(ROOT, file), target)).toEqual([]),
  )
})
