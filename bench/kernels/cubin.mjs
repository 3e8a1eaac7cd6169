/**
 * @typedef {object} Size
 * @property {number} instructions Instructions of the kernel without its helper functions.
 * @property {number} helpers Instructions of these functions.
 */

const INSTRUCTION_BYTES = 16
const SYMBOL_TABLE = 2
const FUNCTION = 2
const GLOBAL = 1

/**
 * Sizes of the kernels in a cubin, a 64-bit ELF file with one section of code per kernel. The kernel's own symbol spans
 * all of the section; the functions that it calls lie at its end.
 * @param {Buffer} elf
 * @returns {Map<string, Size>} By mangled name.
 */
export function parseCubin(elf) {
  const word = (/** @type {number} */ at) => Number(elf.readBigUInt64LE(at))
  const [sectionsAt, sectionBytes, sectionCount] = [word(0x28), elf.readUInt16LE(0x3a), elf.readUInt16LE(0x3c)]
  const sections = Array.from({ length: sectionCount }, (_, i) => {
    const at = sectionsAt + i * sectionBytes
    const [type, offset, bytes] = [elf.readUInt32LE(at + 4), word(at + 0x18), word(at + 0x20)]
    return { type, offset, bytes, link: elf.readUInt32LE(at + 0x28) }
  })
  const table = sections.find(({ type }) => type === SYMBOL_TABLE)
  if (!table) throw new Error('a cubin without a symbol table')
  const names = sections[table.link].offset
  const functions = Array.from({ length: table.bytes / 24 }, (_, i) => {
    const at = table.offset + i * 24
    const name = names + elf.readUInt32LE(at)
    return {
      name: elf.toString('latin1', name, elf.indexOf(0, name)),
      isFunction: (elf[at + 4] & 15) === FUNCTION,
      isKernel: elf[at + 4] >>> 4 === GLOBAL,
      section: elf.readUInt16LE(at + 6),
      start: word(at + 8),
      bytes: word(at + 16),
    }
  }).filter(({ isFunction }) => isFunction)
  /** @type {Map<string, Size>} */
  const sizes = new Map()
  for (const { name, section, bytes } of functions.filter(({ isKernel }) => isKernel)) {
    const helpers = functions.filter((f) => f.section === section && !f.isKernel)
    const own = Math.min(bytes, ...helpers.map(({ start }) => start))
    const rest = helpers.reduce((sum, helper) => sum + helper.bytes, 0)
    sizes.set(name, { instructions: own / INSTRUCTION_BYTES, helpers: rest / INSTRUCTION_BYTES })
  }
  return sizes
}
