import { ONE_ROW_SOURCE } from './compile.mjs'

/**
 * @typedef {object} Row A kernel in docs/kernels.md.
 * @property {string} kernel
 * @property {string} pass
 * @property {string} dtype
 * @property {number} registers
 * @property {number} spill
 * @property {number} stack
 * @property {number} instructions
 * @property {number} helpers
 * @property {number | undefined} box Instructions for a box.
 */

/**
 * What tells a kernel from all others.
 * @param {Pick<Row, 'kernel' | 'pass' | 'dtype'>} row
 */
export const nameOf = ({ kernel, pass, dtype }) => [kernel, pass, dtype].filter((part) => part !== '').join(', ')

/**
 * @param {Map<string, import('./compile.mjs').Kernel[]>} compiled By source, bench/one-row.cu among them.
 * @returns {Row[]}
 */
export function tabulate(compiled) {
  const boxes = new Map((compiled.get(ONE_ROW_SOURCE) ?? []).map((kernel) => [nameOf(kernel), kernel.instructions]))
  const kernels = [...compiled].flatMap(([source, of]) => (source === ONE_ROW_SOURCE ? [] : of))
  const names = kernels.map(nameOf)
  const twice = names.find((name, i) => names.indexOf(name) < i)
  if (twice) throw new Error(`two kernels are called ${twice}: bench/kernels/describe.mjs must tell them apart`)
  return kernels
    .sort((a, b) => a.rank - b.rank || a.dtype.localeCompare(b.dtype) || b.pass.localeCompare(a.pass))
    .map((kernel) => {
      const { pass, dtype, registers, spill, stack, instructions, helpers } = kernel
      const sizes = { registers, spill, stack, instructions, helpers }
      return { kernel: kernel.kernel, pass, dtype, ...sizes, box: boxes.get(nameOf(kernel)) }
    })
}
