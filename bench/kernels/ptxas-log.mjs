/**
 * @typedef {object} Usage
 * @property {number} registers Registers of a thread.
 * @property {number} stack Bytes.
 * @property {number} spill Bytes stored and loaded.
 */

const ENTRY =
  /Compiling entry function '(\w+)'.*?(\d+) bytes stack frame, (\d+) bytes spill stores, (\d+) bytes spill loads.*?Used (\d+) registers/gs

/**
 * What a kernel takes of the machine.
 * @param {string} log What `ptxas -v` says.
 * @returns {Map<string, Usage>} By mangled name.
 */
export function parsePtxasLog(log) {
  /** @type {Map<string, Usage>} */
  const usage = new Map()
  for (const [, name, stack, stores, loads, registers] of log.matchAll(ENTRY))
    usage.set(name, { registers: Number(registers), stack: Number(stack), spill: Number(stores) + Number(loads) })
  return usage
}
