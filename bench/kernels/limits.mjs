// The limits that the kernels must keep to on sm_90, and the known exceptions, each with its reason.
// test/cuda/kernels/kernels.long.test.ts fails above a limit, and as soon as an exception is no longer needed in
// full, so the lists only shrink.

/**
 * Instructions per box. An H200 copies 4.3 TB/s, which is 90 G boxes/s at 48 bytes per box. In that time its 132 SMs of
 * 128 lanes at 1.98 GHz issue this many instructions per box.
 */
export const BOX_INSTRUCTIONS = 370

/**
 * Losses with more, which arithmetic rather than memory may limit.
 * @type {Record<string, string>}
 */
export const LONG_LOSSES = {
  siou: 'four exponentials, 6 reciprocals and a square root',
}

/**
 * Bytes that a thread spills and has on the stack.
 * @type {Record<string, { spill: number, stack: number, reason: string }>}
 */
export const SPILLS = {}

const SPREAD = 0.03
/** A committed count may be off by so much, rounded up, before it must be written again. */
export const slackOf = (/** @type {number} */ count) => Math.ceil(SPREAD * count)

/** A thread gets registers by eights. */
export const allocated = (/** @type {number} */ registers) => 8 * Math.ceil(registers / 8)

/** Blocks of 256 threads that the 65,536 registers of an SM hold. */
export const blocksOf = (/** @type {number} */ registers) => Math.floor(65536 / (256 * allocated(registers)))
