const FUNCTION = /^(?:\.\w+[ \t]+)*\.(entry|func)\s+(?:\([^)]*\)\s*)?(\w+)/gm
const OPCODE = /(?:^|[;{])\s*(?:@!?%\w+\s+)?([a-z][\w.:]*)/gm

/**
 * The opcodes of each kernel in the order of its code, with those of the functions that the compiler left for it to
 * call.
 * @param {string} ptx
 * @returns {Map<string, string[]>} By mangled name.
 */
export function parsePtx(ptx) {
  const heads = [...ptx.matchAll(FUNCTION)]
  const functions = heads.map((head, i) => {
    const body = ptx.slice(head.index + head[0].length, heads[i + 1]?.index).replace(/\/\/.*/g, '')
    return {
      name: head[2],
      isKernel: head[1] === 'entry',
      opcodes: [...body.matchAll(OPCODE)].map(([, opcode]) => opcode),
    }
  })
  const called = functions.filter(({ isKernel }) => !isKernel).flatMap(({ opcodes }) => opcodes)
  return new Map(
    functions.filter(({ isKernel }) => isKernel).map(({ name, opcodes }) => [name, [...opcodes, ...called]]),
  )
}
