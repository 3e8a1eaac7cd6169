import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

// What the compiler makes of the CUDA kernels on sm_90: registers, spills and stack as ptxas reports them, instructions as the
// cubin's symbol table has them. Needs nvcc, no GPU. --write writes docs/kernels.md.

/**
 * @typedef {{ registers: number, stack: number, spill: number }} Usage Spill: bytes stored and loaded.
 * @typedef {{ instructions: number, helpers: number }} Size Of the kernel without its helper functions, and of these.
 * @typedef {{ kernel: string, pass: string, dtype: string, rank: number } & Usage & Size} Row
 * @typedef {Map<string, number>} PlainPath Instructions for a box by the name of the kernel's loss.
 */

const FLAGS = ['-std=c++17', '-O3', '-fmad=false', '-arch=sm_90', '-cubin', '-Xptxas', '-v']
const INSTRUCTION_BYTES = 16
const cuda = fileURLToPath(new URL('../cuda/', import.meta.url))

/**
 * @param {string} log What `ptxas -v` says.
 * @returns {Map<string, Usage>} By mangled name.
 */
function parseLog(log) {
  /** @type {Map<string, Usage>} */
  const usage = new Map()
  const entry =
    /Compiling entry function '(\w+)'.*?(\d+) bytes stack frame, (\d+) bytes spill stores, (\d+) bytes spill loads.*?Used (\d+) registers/gs
  for (const [, name, stack, stores, loads, registers] of log.matchAll(entry))
    usage.set(name, { registers: Number(registers), stack: Number(stack), spill: Number(stores) + Number(loads) })
  return usage
}

/**
 * Sizes of the kernels in a cubin, a 64-bit ELF file with one section of code a kernel. The kernel's own symbol spans all of the
 * section; the functions that it calls lie at its end.
 * @param {Buffer} elf
 * @returns {Map<string, Size>} By mangled name.
 */
function parseCubin(elf) {
  const word = (/** @type {number} */ at) => Number(elf.readBigUInt64LE(at))
  const [sectionsAt, sectionBytes, sectionCount] = [word(0x28), elf.readUInt16LE(0x3a), elf.readUInt16LE(0x3c)]
  const sections = Array.from({ length: sectionCount }, (_, i) => {
    const at = sectionsAt + i * sectionBytes
    const [type, offset, bytes] = [elf.readUInt32LE(at + 4), word(at + 0x18), word(at + 0x20)]
    return { type, offset, bytes, link: elf.readUInt32LE(at + 0x28) }
  })
  const table = sections.find(({ type }) => type === 2)
  if (!table) throw new Error('a cubin without a symbol table')
  const names = sections[table.link].offset
  const functions = Array.from({ length: table.bytes / 24 }, (_, i) => {
    const at = table.offset + i * 24
    const name = names + elf.readUInt32LE(at)
    return {
      name: elf.toString('latin1', name, elf.indexOf(0, name)),
      isFunction: (elf[at + 4] & 15) === 2,
      isGlobal: elf[at + 4] >>> 4 === 1,
      section: elf.readUInt16LE(at + 6),
      start: word(at + 8),
      bytes: word(at + 16),
    }
  }).filter(({ isFunction }) => isFunction)
  /** @type {Map<string, Size>} */
  const sizes = new Map()
  for (const { name, section, bytes } of functions.filter(({ isGlobal }) => isGlobal)) {
    const helpers = functions.filter((f) => f.section === section && !f.isGlobal)
    const own = Math.min(bytes, ...helpers.map(({ start }) => start))
    const rest = helpers.reduce((sum, helper) => sum + helper.bytes, 0)
    sizes.set(name, { instructions: own / INSTRUCTION_BYTES, helpers: rest / INSTRUCTION_BYTES })
  }
  return sizes
}

/** Names of the losses by the type of their code, from the table in cuda/losses.h. */
const lossTypes = [...readFileSync(join(cuda, 'losses.h'), 'utf8').matchAll(/ROW\((\w+), (\w+)Loss, 2\)/g)]

/**
 * @param {string} mangled
 * @returns {Omit<Row, keyof Usage | keyof Size>}
 */
function describe(mangled) {
  const dtypes = { f: 'float32', d: 'float64' }
  const axesOf = (/** @type {string} */ axes) => (axes === '2' ? 'two axes' : 'three axes')
  const pairwise = /pairwise_kernelILi(\d)E([fd])E/.exec(mangled)
  if (pairwise) {
    const [, axes, type] = pairwise
    const dtype = dtypes[/** @type {'f' | 'd'} */ (type)]
    return { kernel: `pairwise, any loss of ${axesOf(axes)}`, pass: 'loss', dtype, rank: 200 + Number(axes) }
  }
  const boxLoss = /_kernelINS_\d+(?:FamilyLossINS_\d+(\w+?)TermsEE|(\w+?)Loss)E(?:Li(\d)ELNS_4PassE(\d)E([fd]))?E/.exec(
    mangled,
  )
  if (!boxLoss) return { kernel: `\`${mangled}\``, pass: '', dtype: '', rank: 300 }
  const [, family, plain, axes = '2', pass = '1', type = 'f'] = boxLoss
  const index = lossTypes.findIndex(([, , of]) => of === (family ?? plain))
  return {
    kernel: plain === 'Any' ? `any loss of ${axesOf(axes)}` : `\`${lossTypes[index]?.[1] ?? mangled}\``,
    pass: pass === '0' ? 'loss' : 'loss and gradient',
    dtype: dtypes[/** @type {'f' | 'd'} */ (type)],
    rank: index < 0 ? 100 + Number(axes) : index,
  }
}

/**
 * The kernels of a source file.
 * @param {string} source
 * @param {string} folder For the cubin.
 * @returns {Row[]}
 */
function compile(source, folder) {
  const output = join(folder, `${basename(source)}.cubin`)
  const { status, stdout, stderr } = spawnSync('nvcc', [...FLAGS, source, '-o', output], { encoding: 'utf8' })
  if (status !== 0) throw new Error(`nvcc ${source}:\n${stderr}`)
  const usage = parseLog(stdout + stderr)
  return [...parseCubin(readFileSync(output))].map(([name, size]) => {
    const used = usage.get(name)
    if (!used) throw new Error(`ptxas said nothing of ${name}`)
    return { ...describe(name), ...used, ...size }
  })
}

/** Blocks of 256 threads that the 65,536 registers of an SM hold; a thread gets them by eights. */
const blocksOf = (/** @type {number} */ registers) => Math.floor(65536 / (256 * 8 * Math.ceil(registers / 8)))

/**
 * @param {Row[]} rows
 * @param {PlainPath} plain
 * @param {string} release
 */
function page(rows, plain, release) {
  const head = [
    'kernel',
    'pass',
    'dtype',
    'registers',
    'blocks an SM',
    'spill bytes',
    'stack',
    'instructions',
    'helpers',
    'a box',
  ]
  const aBox = (/** @type {Row} */ { kernel, pass, dtype }) =>
    pass === 'loss and gradient' && dtype === 'float32' ? (plain.get(kernel) ?? '') : ''
  const total = (/** @type {'spill' | 'stack'} */ key) => rows.reduce((sum, row) => sum + row[key], 0)
  return [
    '# The CUDA kernels as compiled',
    '',
    `\`npm run kernels -- --write\` writes this page. Compiler: nvcc ${release}, \`${FLAGS.slice(0, 4).join(' ')}\`. **Not yet run on a GPU**:`,
    'these are facts about the code, and nothing here is a speed.',
    '',
    'In float32 each loss of two axes has a kernel of its own for loss and gradient. The kernels for any loss serve the rest: the loss',
    'alone, float64, three axes, and the options `mode`, `power`, `inner`, `focal` and `detachAlpha`. Those of float64, of three axes and of',
    '`pairwise` are in the addon as PTX, which the compiler of the driver may make something else of.',
    '',
    `| ${head.join(' | ')} |`,
    `| --- | --- | --- |${' ---: |'.repeat(head.length - 3)}`,
    ...rows.map((row) => {
      const { kernel, pass, dtype, registers, spill, stack, instructions, helpers } = row
      const numbers = [registers, blocksOf(registers), spill, stack, instructions, helpers, aBox(row)]
      return `| ${[kernel, pass, dtype, ...numbers].join(' | ')} |`
    }),
    '',
    `${rows.length} kernels; ${total('spill')} bytes of spills and ${total('stack')} bytes of stack in all of them.`,
    '',
    '- _registers, spill bytes, stack_: as `ptxas -v` reports them, a thread; spills count stores and loads.',
    '- _blocks an SM_: how many blocks of 256 threads the 65,536 registers of an SM hold.',
    '- _instructions_: static, the bytes of code of the whole kernel over 16. That is one row of boxes with every format and option, and the',
    '  reduction. `l1`, which computes next to nothing, shows about what all kernels share.',
    '- _helpers_: functions beside that, which the compiler adds for the rare cases of division and square root, and for 64-bit integer division.',
    '- _a box_: instructions of the plain path, from the load of two boxes in xyxy to the store of the gradient: those of a kernel that has',
    '  nothing else (`bench/one-row.cu`).',
    '',
  ].join('\n')
}

const { values: flags } = parseArgs({ options: { write: { type: 'boolean', default: false } } })
const version = spawnSync('nvcc', ['--version'], { encoding: 'utf8' })
if (version.status !== 0) {
  console.log('no nvcc found: nothing to compile the CUDA kernels with')
  process.exit(0)
}
const folder = mkdtempSync(join(tmpdir(), 'scaloss-kernels-'))
try {
  const sources = readdirSync(cuda).filter((name) => name.endsWith('.cu'))
  const rows = sources
    .flatMap((source) => compile(join(cuda, source), folder))
    .sort((a, b) => a.rank - b.rank || a.dtype.localeCompare(b.dtype) || b.pass.localeCompare(a.pass))
  const oneRow = compile(fileURLToPath(new URL('one-row.cu', import.meta.url)), folder)
  const plain = new Map(oneRow.map(({ kernel, instructions }) => [kernel, instructions]))
  const text = page(rows, plain, /release ([\d.]+)/.exec(version.stdout)?.[1] ?? 'unknown')
  process.stdout.write(text)
  if (flags.write) writeFileSync(new URL('../docs/kernels.md', import.meta.url), text)
} finally {
  rmSync(folder, { recursive: true })
}
