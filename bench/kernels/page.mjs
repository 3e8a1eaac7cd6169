import { FLAGS } from './compile.mjs'
import { BOX_INSTRUCTIONS, blocksOf, LONG_LOSSES, SPILLS } from './limits.mjs'

/** @typedef {import('./table.mjs').Row} Row */

const HEAD = ['kernel', 'pass', 'dtype', 'registers', 'blocks an SM', 'spill bytes', 'stack', 'instructions', 'helpers']

/**
 * A sentence and its exceptions, one a line.
 * @param {string} sentence Without its full stop.
 * @param {string[]} exceptions
 */
const exceptFor = (sentence, exceptions) =>
  exceptions.length === 0
    ? [`${sentence}.`, '']
    : [`${sentence}, but for:`, '', ...exceptions.map((exception) => `- ${exception}.`), '']

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
    `\`npm run kernels -- --write\` writes this page. Compiler: nvcc ${release}, \`${FLAGS.join(' ')}\`. **Not yet run on a GPU**:`,
    'these are facts about the code, and nothing here is a speed.',
    '',
    'In float32 each loss of two axes has a kernel of its own for loss and gradient. The kernels for any loss serve the rest: the loss',
    'alone, float64, storage of 16 bits (float16, bfloat16), three axes, and the options `mode`, `power`, `inner`, `focal` and `detachAlpha`.',
    'Those of float64, of 16 bits, of three axes and of `pairwise` are in the addon as PTX, which the compiler of the driver may make',
    'something else of.',
    '',
    'Each has its code twice: for regular pairs (`core/box.h`), nearly all there are, and with scaling and tests for all others.',
    '',
    `| ${[...HEAD, 'a box'].join(' | ')} |`,
    `| --- | --- | --- |${' ---: |'.repeat(HEAD.length - 2)}`,
    ...rows.map(({ kernel, pass, dtype, registers, spill, stack, instructions, helpers, box }) => {
      const numbers = [registers, blocksOf(registers), spill, stack, instructions, helpers, box ?? '']
      return `| ${[kernel, pass, dtype, ...numbers].join(' | ')} |`
    }),
    '',
    `${rows.length} kernels; ${total('spill')} bytes of spills and ${total('stack')} bytes of stack in all of them.`,
    '',
    '- _registers, spill bytes, stack_: as `ptxas -v` reports them, a thread; spills count stores and loads.',
    '- _blocks an SM_: how many blocks of 256 threads the 65,536 registers of an SM hold.',
    '- _instructions_: static, the bytes of code of the whole kernel over 16. That is one row of boxes, both ways, with every format and',
    '  option, and the reduction. `l1`, which computes next to nothing, shows about what all kernels share.',
    '- _helpers_: functions beside that, which the compiler adds for the rare cases of division and square root, and for 64-bit integer division.',
    '- _a box_: instructions of the plain path of a regular pair, from the load of two boxes in xyxy to the store of the gradient: those of a',
    '  kernel that has nothing else (`bench/one-row.cu`).',
    '',
    '## What a test holds them to',
    '',
    '`test/cuda/kernels/kernels.test.ts` compiles them again, where there is nvcc. The PTX has no contraction, approximation, flush to zero, local memory',
    'or atomic on floating-point numbers, and streams boxes in loads as wide as they are aligned. With the release of nvcc above, registers',
    ...exceptFor(
      'stay within the same multiple of eight and counts of instructions within 3 % of this table; nothing spills or has a stack',
      Object.entries(SPILLS).map(([name, { spill, reason }]) => `${name}: ${spill} bytes; ${reason}`),
    ),
    ...exceptFor(
      `A box takes at most ${BOX_INSTRUCTIONS} instructions, as many as an H200 issues while its memory moves the 48 bytes of one`,
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
