// npm run release:check checks whether this checkout can be released (docs/support.md). It prints every reason why not.
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { wrongWith } from './prebuild/gates.mjs'
import { prebuildOf, TARGETS } from './prebuild/targets.mjs'

const root = process.argv[2] ?? join(import.meta.dirname, '..')
const read = (/** @type {string} */ file) => readFileSync(join(root, file), 'utf8')
const git = (/** @type {string[]} */ ...args) => execFileSync('git', args, { cwd: root, encoding: 'utf8' }).trim()

/** @returns {string[]} */
function reasons() {
  const found = []
  const { version, repository } = JSON.parse(read('package.json'))
  const changed = git('status', '--porcelain')
  if (changed) found.push(`the working tree is not clean:\n${changed}`)

  const tags = git('tag', '--points-at', 'HEAD').split('\n').filter(Boolean)
  if (!tags.includes(`v${version}`))
    found.push(`tag of this commit: expected v${version}, as in package.json, got ${tags.join(', ') || 'none'}`)
  const [, newest] = /^## \[(\d[^\]]*)\]/m.exec(read('CHANGELOG.md')) ?? []
  if (newest !== version) found.push(`newest version in CHANGELOG.md: expected ${version}, got ${newest ?? 'none'}`)
  const locked = JSON.parse(read('package-lock.json')).version
  if (locked !== version) found.push(`version in package-lock.json: expected ${version}, got ${locked}`)

  // SECURITY.md sends people there, and npm links to it.
  if (!repository) found.push('repository in package.json: expected where the sources are, got none')

  if (/not on npm yet/.test(read('README.md'))) found.push('README.md says that the package is not on npm yet')

  for (const target of Object.values(TARGETS)) {
    const file = prebuildOf(target)
    if (!existsSync(join(root, file))) found.push(`${file} is missing: npm run prebuild:pack`)
    else found.push(...wrongWith(join(root, file), target).map((problem) => `${file}: ${problem}`))
  }
  return found
}

const found = reasons()
for (const reason of found) console.error(`release:check: ${reason}`)
if (found.length === 0) console.log('release:check: npm publish')
process.exitCode = found.length > 0 ? 1 : 0
