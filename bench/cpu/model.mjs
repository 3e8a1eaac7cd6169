import { rowLike } from './rows.mjs'

// A model of the number of boxes from which a GPU would be faster than this CPU. It uses published bandwidths and
// latencies. Nothing of it was run.

/** @import { Results } from './run.mjs' */

/** Bytes a box: up pred and target, down grad; both directions run at a time, and the kernel is hidden behind them. */
const UP = 32
const KERNEL = 48

/** Microseconds from a call to its result on the host: the target of this package (docs/gpu.md measures it). */
export const LATENCY = 20

/** GB/s of one direction of a link, or of the GPU's memory; of the nominal 32 and 64 of PCIe about 4/5 arrive. */
export const LINKS = [
  { what: 'arrays of the host over PCIe 4.0 x16', gbPerS: 25, bytes: UP },
  { what: 'arrays of the host over PCIe 5.0 x16', gbPerS: 50, bytes: UP },
  { what: 'tensors in 1 TB/s of GPU memory', gbPerS: 1000, bytes: KERNEL },
  { what: 'tensors in 4 TB/s of GPU memory', gbPerS: 4000, bytes: KERNEL },
]

/**
 * The number of boxes for which the CPU takes as long as latency and transfer take the GPU. It is Infinity if the CPU
 * is faster at any size.
 * @param {number} cpuNs A box.
 * @param {number} gpuNs A box.
 */
export const crossover = (cpuNs, gpuNs) =>
  cpuNs > gpuNs ? (LATENCY * 1e3) / (cpuNs - gpuNs) : Number.POSITIVE_INFINITY

/** @param {Results} results */
export function crossovers({ parts, machine }) {
  const ns = [1, 2].map(
    (threads) => rowLike(parts, 'sizes', { name: 'scaloss', boxes: 1e5, simd: machine.simd, threads }).ns.median,
  )
  return LINKS.map(({ what, gbPerS, bytes }) => {
    const gpuNs = bytes / gbPerS
    return { what, gpuNs, from: ns.map((cpuNs) => crossover(cpuNs, gpuNs)) }
  })
}
