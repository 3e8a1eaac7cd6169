import { FLAGS } from './compile.mjs'
import { BOX_INSTRUCTIONS, blocksOf, LONG_LOSSES, SPILLS } from './limits.mjs'

/** @typedef {import('./table.mjs').Row} Row */

const HEAD = [
  'kernel',
  'pass',
  'dtype',
  'registers',
  'blocks per SM',
  'spill bytes',
  'stack',
  'instructions',
  'helpers',
]
const PER_BOX = 'per box'

/**
 * A sentence, and its exceptions on a line each.
 * @param {string} sentence Without its full stop.
 * @param {string[]} exceptions
 */
const exceptFor = (sentence, exceptions) =>
  exceptions.length === 0
    ? [`${sentence}.`, '']
    : [`${sentence}, except for:`, '', ...exceptions.map((exception) => `- ${exception}.`), '']

/**
 * docs/kernels.md.
 * @param {Row[]} rows
 * @param {string} release Of nvcc.
 */
export function writePage(rows, release) {
  const total = (/** @type {'spill' | 'stack'} */ key) => rows.reduce((sum, row) => sum + row[key], 0)
  return [
    '# The CUDA kernels as compiled',
    '',
    `\`npm run kernels -- --write\` writes this page. Compiler: nvcc ${release}, \`${FLAGS.join(' ')}\`.`,
    '',
    'The kernels have **not yet run on a GPU**. The numbers here describe the compiled code. None of them is a speed.',
    '',
    'In float32, each loss of two axes has its own kernel for loss and gradient. Kernels for any loss serve the rest:',
    '',
    '- the loss without a gradient;',
    '- float64, and storage of 16 bits (float16, bfloat16);',
    '- three axes;',
    '- the options `mode`, `power`, `inner`, `focal` and `detachAlpha`.',
    '',
    'The kernels for float64, 16 bits, three axes and `pairwise` are in the addon as PTX. The driver compiles them, and its',
    'code may differ from the code counted here.',
    '',
    'Each kernel except those of `pairwise` holds its code twice: once for regular pairs (`core/box.h`), as nearly all are,',
    'and once with scaling and tests for all other pairs.',
    '',
    `| ${[...HEAD, PER_BOX].join(' | ')} |`,
    `| --- | --- | --- |${' ---: |'.repeat(HEAD.length - 2)}`,
    ...rows.map(({ kernel, pass, dtype, registers, spill, stack, instructions, helpers, box }) => {
      const numbers = [registers, blocksOf(registers), spill, stack, instructions, helpers, box ?? '']
      return `| ${[kernel, pass, dtype, ...numbers].join(' | ')} |`
    }),
    '',
    `${rows.length} kernels; ${total('spill')} bytes of spills and ${total('stack')} bytes of stack in all of them.`,
    '',
    '- _registers, spill bytes, stack_: per thread, as `ptxas -v` reports them. Spills count stores and loads.',
    '- _blocks per SM_: how many blocks of 256 threads the 65,536 registers of an SM hold.',
    '- _instructions_: the bytes of code of the whole kernel divided by 16. This includes the code for regular and for other',
    '  pairs, every format and option, and the reduction. `l1` computes next to nothing, so it shows about what all share.',
    '- _helpers_: instructions of the functions that the compiler adds for rare cases of division and square root, and for',
    '  64-bit integer division. They are not in the column before.',
    '- _per box_: instructions of the plain path of a regular pair, from the load of two boxes in xyxy to the store of the',
    '  gradient. They are counted in a kernel that has nothing else (`bench/one-row.cu`).',
    '',
    '## What a test checks',
    '',
    '`test/cuda/kernels/kernels.long.test.ts` compiles the kernels again if nvcc is there. It checks the PTX: no contraction,',
    'no approximation, no flush to zero, no local memory, no atomics on floating-point numbers, and streaming loads of boxes,',
    'as wide as the boxes are aligned.',
    '',
    'With the release of nvcc above, it also checks the table.',
    ...exceptFor(
      'Registers stay within the same multiple of eight, and instructions within 3 %. Nothing spills or has a stack',
      Object.entries(SPILLS).map(([name, { spill, reason }]) => `${name}: ${spill} bytes; ${reason}`),
    ),
    ...exceptFor(
      `Each box takes at most ${BOX_INSTRUCTIONS} instructions, as many as an H200 issues while its memory moves 48 bytes`,
      Object.entries(LONG_LOSSES).map(([name, reason]) => `\`${name}\`: ${reason}`),
    ),
  ].join('\n')
}

/**
 * What a page says.
 * @param {string} text
 * @returns {{ rows: Row[], release: string }}
 */
export function readPage(text) {
  const table = text.split(`| ${HEAD[0]} | `)[1]?.split('\n\n')[0] ?? ''
  const rows = table
    .split('\n')
    .slice(2)
    .map((line) => {
      const [kernel, pass, dtype, ...numbers] = line.slice(2, -2).split(' | ')
      const [registers, , spill, stack, instructions, helpers, box] = numbers.map(Number)
      const sizes = { registers, spill, stack, instructions, helpers }
      return { kernel, pass, dtype, ...sizes, box: numbers.at(-1)?.trim() ? box : undefined }
    })
  return { rows, release: /nvcc ([\d.]+)/.exec(text)?.[1] ?? 'unknown' }
}
