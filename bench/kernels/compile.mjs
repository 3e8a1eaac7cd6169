import { execFile, execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { parseCubin } from './cubin.mjs'
import { describe } from './describe.mjs'
import { parsePtx } from './ptx.mjs'
import { parsePtxasLog } from './ptxas-log.mjs'

// Compiles CUDA sources as the addon does, for sm_90, and reads the output. Needs nvcc but no GPU.

/**
 * @typedef {import('./describe.mjs').Description & import('./ptxas-log.mjs').Usage & import('./cubin.mjs').Size &
 *   { opcodes: string[] }} Kernel Opcodes: of its PTX.
 */

const JOBS = 2
// The environment variables that CMake reads, too.
const { CUDACXX: nvcc = 'nvcc', CUDAHOSTCXX: hostCompiler } = process.env
const root = fileURLToPath(new URL('../../', import.meta.url))

/** The kernels of the addon. */
export const CUDA_SOURCES = readdirSync(join(root, 'cuda'))
  .filter((name) => name.endsWith('.cu'))
  .map((name) => join(root, 'cuda', name))
/** Each loss of two axes with nothing around it. */
export const ONE_ROW_SOURCE = join(root, 'bench/one-row.cu')

/** The options that CMakeLists.txt gives the CUDA compiler, but for those that only make the addon smaller. */
function projectFlags() {
  const lists = readFileSync(join(root, 'CMakeLists.txt'), 'utf8')
  const given = [...lists.matchAll(/\$<\$<COMPILE_LANGUAGE:CUDA>:([^$>]*)>/g)].flatMap(([, flags]) =>
    flags.split(/[\s;]+/),
  )
  if (given.length === 0) throw new Error('CMakeLists.txt: found no options for the CUDA compiler')
  return given.filter((flag) => !/^(--compress-mode=.*|-t\d+)$/.test(flag))
}

export const FLAGS = ['-std=c++17', '-O3', ...new Set(projectFlags()), '-arch=sm_90']

/** @returns {string | undefined} Why nothing can be compiled here. */
export function missingTool() {
  const tool = [nvcc, 'c++filt'].find((name) => spawnSync(name, ['--version']).status !== 0)
  return tool && `${tool} does not run: the CUDA kernels cannot be compiled`
}

/** @returns {string} The compiler's release, which register and instruction counts hold for. */
export function nvccRelease() {
  return /release ([\d.]+)/.exec(execFileSync(nvcc, ['--version'], { encoding: 'utf8' }))?.[1] ?? 'unknown'
}

/**
 * The kernels of a source file.
 * @param {string} source
 * @param {string} folder For what the compiler writes.
 * @returns {Promise<Kernel[]>}
 */
async function compileOne(source, folder) {
  const name = basename(source, '.cu')
  const cubin = join(folder, `${name}.cubin`)
  const output = ['-cubin', '-o', cubin, '--keep', '--keep-dir', folder, '-Xptxas', '-v']
  const host = hostCompiler ? ['-ccbin', hostCompiler] : []
  const { stdout, stderr } = await promisify(execFile)(nvcc, [...FLAGS, ...host, ...output, source])
  const usage = parsePtxasLog(stdout + stderr)
  const opcodes = parsePtx(readFileSync(join(folder, `${name}.ptx`), 'utf8'))
  const sizes = [...parseCubin(readFileSync(cubin))]
  const symbols = sizes.map(([symbol]) => `${symbol}\n`).join('')
  const names = execFileSync('c++filt', { input: symbols, encoding: 'utf8' }).split('\n')
  return sizes.map(([symbol, size], i) => {
    const [used, code] = [usage.get(symbol), opcodes.get(symbol)]
    if (!used || !code) throw new Error(`${source}: ptxas or PTX say nothing of ${names[i]}`)
    return { ...describe(names[i]), ...used, ...size, opcodes: code }
  })
}

/**
 * The kernels of several source files.
 * @param {string[]} sources
 * @returns {Promise<Map<string, Kernel[]>>} By source.
 */
export async function compile(sources) {
  const folder = mkdtempSync(join(tmpdir(), 'scaloss-kernels-'))
  /** @type {Map<string, Kernel[]>} */
  const kernels = new Map()
  const waiting = [...sources]
  const work = async () => {
    for (let source = waiting.shift(); source !== undefined; source = waiting.shift())
      kernels.set(source, await compileOne(source, folder))
  }
  try {
    await Promise.all(Array.from({ length: JOBS }, work))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
  return kernels
}
