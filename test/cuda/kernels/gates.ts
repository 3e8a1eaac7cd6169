import type { Kernel } from '../../../bench/kernels/compile.mjs'
import { allocated, BOX_INSTRUCTIONS, LONG_LOSSES, SPILLS, slackOf } from '../../../bench/kernels/limits.mjs'
import { nameOf, type Row } from '../../../bench/kernels/table.mjs'

// Each gate describes what is wrong with a kernel, and returns nothing if the kernel passes.

/** Loads as wide as boxes in memory are aligned; six numbers of four bytes are to eight. */
const STREAMED: Record<string, RegExp> = {
  'float32, 2 axes': /^ld\.global\.cs\.v4\.[fb]32$/,
  'float32, 3 axes': /^ld\.global\.cs\.v2\.[fb]32$/,
  'float64, 2 axes': /^ld\.global\.cs\.v2\.[fb]64$/,
  'float64, 3 axes': /^ld\.global\.cs\.v2\.[fb]64$/,
}
for (const dtype of ['float16', 'bfloat16']) {
  STREAMED[`${dtype}, 2 axes`] = /^ld\.global\.cs\.(v2\.[bu]32|v4\.[bu]16|[bu]64)$/
  STREAMED[`${dtype}, 3 axes`] = /^ld\.global\.cs\.[bu]32$/
}

/** Of the opcodes, those that match, each once. */
const matches = (kernel: Kernel, pattern: RegExp) => [
  ...new Set(kernel.opcodes.filter((opcode) => pattern.test(opcode))),
]
const count = (kernel: Kernel, pattern: RegExp) => kernel.opcodes.filter((opcode) => pattern.test(opcode)).length

/** Gates on the PTX of a kernel, which hold for any release of nvcc. */
export const ON_CODE = {
  // Without .rn ptxas may contract what NVVM did not.
  'no contraction': (kernel: Kernel) =>
    matches(kernel, /^(fma|mad(?=\S*\.b?f(16|32|64)))|^(add|sub|mul|div|rcp|sqrt)(?!.*\.rn\b).*\.f(32|64)$/),
  'no approximation': (kernel: Kernel) => matches(kernel, /\.(approx|full)\b/),
  'no flush to zero': (kernel: Kernel) => matches(kernel, /\.ftz\b/),
  'no local memory': (kernel: Kernel) => matches(kernel, /\.local\b/),

  // Only integers add to the same sum in any order. A loop of compare and swap adds anything.
  'no atomics but on integers': (kernel: Kernel) =>
    matches(kernel, /^(atom|red)\b/).filter((opcode) => !/\.add\.(\w+\.)*[us](32|64)$/.test(opcode)),

  // block_sum.cuh: the sum of a tile and that of the tiles, each five steps of a warp over both halves of a float64;
  // the count of invalid rows and the ticket.
  'the reduction alone shuffles and counts': (kernel: Kernel) => {
    const expected = kernel.template === 'box_loss_kernel' ? { shuffles: 20, atomics: 2 } : { shuffles: 0, atomics: 0 }
    const found = { shuffles: count(kernel, /^shfl\b/), atomics: count(kernel, /^(atom|red)\b/) }
    const text = ({ shuffles, atomics }: typeof found) => `${shuffles} shuffles, ${atomics} atomics`
    return text(found) === text(expected) ? [] : [`${text(found)}; expected ${text(expected)}`]
  },

  // A row has two boxes and up to two numbers more, weight and gradOutput.
  'boxes in wide, streaming loads': (kernel: Kernel) => {
    if (kernel.axes === undefined) return []
    const boxes = `${kernel.dtype}, ${kernel.axes} axes`
    const wide = STREAMED[boxes]
    if (!wide) return [`no rule for boxes of ${boxes}: add it to STREAMED in test/cuda/kernels/gates.ts`]
    const streamed = count(kernel, wide)
    const narrow = kernel.opcodes.filter((opcode) => /^ld\.global\.cs\./.test(opcode)).length - streamed
    const plain = matches(kernel, /^ld\.global(?!\.cs\b).*(\.v[24]\.|\.f32$)/)
    return [
      ...(streamed < 2 ? [`${streamed} loads ${wide}`] : []),
      ...(narrow > streamed ? [`${narrow} narrow loads beside ${streamed} wide ones`] : []),
      ...plain.map((opcode) => `${opcode} does not stream`),
    ]
  },
}

const WRITE = 'npm run kernels -- --write'

/** Spills and stack, on what ptxas made of a kernel. */
export function spills(kernel: Pick<Row, 'kernel' | 'pass' | 'dtype' | 'spill' | 'stack'>): string[] {
  const known = SPILLS[nameOf(kernel)] ?? { spill: 0, stack: 0 }
  return (['spill', 'stack'] as const).flatMap((key) => {
    if (kernel[key] > known[key]) return [`${key}: ${kernel[key]} bytes`]
    if (kernel[key] < known[key]) return [`${key}: ${kernel[key]} bytes: lower SPILLS in bench/kernels/limits.mjs`]
    return []
  })
}

/** Registers and counts of instructions against the committed table. */
export function growth(row: Row, committed: Row | undefined): string[] {
  if (!committed) return [`not in docs/kernels.md: ${WRITE}`]
  const differences = (['instructions', 'box'] as const).flatMap((key) => {
    const [now, then] = [row[key] ?? 0, committed[key] ?? 0]
    if (now > then + slackOf(then))
      return [`${key}: ${now}, more than the ${then} in docs/kernels.md; if need be, ${WRITE}`]
    if (now < then - slackOf(then)) return [`${key}: ${now}, fewer than the ${then} in docs/kernels.md: ${WRITE}`]
    return []
  })
  const [now, then] = [allocated(row.registers), allocated(committed.registers)]
  if (now > then)
    differences.push(`registers: ${row.registers}, above the ${then} in docs/kernels.md; if need be, ${WRITE}`)
  if (now < then) differences.push(`registers: ${row.registers}, well below docs/kernels.md: ${WRITE}`)
  return differences
}

/** Instructions a box, of the losses that have a kernel of their own. */
export function pathLength(loss: string, box: number | undefined): string[] {
  if (box === undefined) return ['not in bench/one-row.cu']
  const known = loss in LONG_LOSSES
  if (box > BOX_INSTRUCTIONS && !known) return [`${box} instructions a box, more than ${BOX_INSTRUCTIONS}`]
  if (box <= BOX_INSTRUCTIONS && known)
    return [`${box} instructions a box: take it out of LONG_LOSSES in bench/kernels/limits.mjs`]
  return []
}
