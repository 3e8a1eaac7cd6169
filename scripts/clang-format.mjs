// Checks the format of all C++ and CUDA sources; with --write, formats them.
import { execFileSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'

const sources = ['bench', 'binding', 'core', 'cpu', 'cuda', 'test', 'wasm']
  .flatMap((folder) => readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((file) => join(folder, file)))
  .filter((file) => /\.(h|cpp|cu|cuh)$/.test(file))
const mode = process.argv.includes('--write') ? ['-i'] : ['--dry-run', '--Werror']
try {
  execFileSync('clang-format', [...mode, ...sources], { stdio: 'inherit' })
} catch {
  console.error('clang-format: run `npm run format`')
  process.exitCode = 1
}
