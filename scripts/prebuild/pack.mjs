// npm run prebuild:pack -- [linux-x64-glibc ...] builds the prebuilds of a release into prebuilds/. See
// docs/support.md.
import { spawnSync } from 'node:child_process'
import { mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
// @ts-expect-error: it has no types
import prebuildify from 'prebuildify'
import { wrongWith } from './gates.mjs'
import { prebuildOf, TARGETS } from './targets.mjs'

const root = join(import.meta.dirname, '../..')

/** @param {string} message @returns {never} */
function fail(message) {
  console.error(`prebuild:pack: ${message}`)
  process.exit(1)
}

/** @param {string} name */
async function pack(name) {
  const target = TARGETS[name] ?? fail(`expected ${Object.keys(TARGETS).join(', ')}, got ${name}`)
  for (const command of target.needs)
    if (spawnSync('which', [command]).status !== 0) fail(`${name}: needs ${command} on the PATH`)

  // prebuildify takes build/Release out of the folder it works in: one of its own, so that the checkout's build stays.
  const folder = join(root, 'build/prebuild', name)
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'package.json'), '{ "name": "scaloss" }\n')
  const file = join(root, prebuildOf(target))
  rmSync(file, { force: true })
  await promisify(prebuildify)({
    ...{ cwd: folder, out: root, napi: true, nodeGyp: join(import.meta.dirname, 'cmake-js.mjs') },
    ...{ platform: target.platform, arch: target.arch, libc: target.libc, tagLibc: Boolean(target.libc) },
    ...{ strip: Boolean(target.strip), stripBin: target.strip },
  })
  const problems = wrongWith(file, target)
  if (problems.length > 0) fail(`${prebuildOf(target)}:\n  ${problems.join('\n  ')}`)
  console.log(`${prebuildOf(target)}: ${statSync(file).size} bytes`)
}

const names = process.argv.slice(2)
for (const name of names.length > 0 ? names : Object.keys(TARGETS)) await pack(name)
