import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { takeTurns } from './turns.mjs'

// Times a process that loads the package and computes one loss, beside one that does nothing.

/**
 * @import { Context } from './run.mjs'
 * @import { Variant } from './turns.mjs'
 */

const run = promisify(execFile)
const folder = new URL('../..', import.meta.url)
const CALL = `(({ boxLoss }) => boxLoss('sca', new Float32Array([0, 0, 1, 1]), new Float32Array([0, 0, 2, 2])))`
const PROGRAMS = { require: `${CALL}(require('scaloss'))`, import: `import('scaloss').then(${CALL})` }
/** Without addons, WebAssembly computes. */
const CODES = { addon: [], 'backend wasm': ['--no-addons'] }

/** @param {Context} context */
export async function start({ effort, progress }) {
  progress('processes')
  /** @type {(program: string, flags: string[], is: object, beyond?: Record<string, Variant>) => Variant} */
  const variant = (program, flags, is, beyond = {}) => ({
    is: { boxes: 1, ...is },
    call: () => run(process.execPath, [...flags, '-e', program], { cwd: folder }),
    awaited: true,
    beyond,
  })
  const nothing = variant('', [], { name: 'nothing', code: 'Node alone' })
  const loading = Object.entries(PROGRAMS).flatMap(([name, program]) =>
    Object.entries(CODES).map(([code, flags]) => variant(program, flags, { name, code }, { nothing })),
  )
  return takeTurns([nothing, ...loading], 1, effort)
}
