// What the host offers besides the language. The package imports nothing of Node: it asks for what it needs at run
// time. So a bundle resolves for every platform and in every format, and runs where there is no Node.

/** Node's `process`, which Bun and Deno have too. Undefined in a browser. */
export const node = (globalThis as { process?: NodeJS.Process }).process

/** Calls a function of the host, and returns undefined if that throws. Deno asks for permission to tell the number of
 * processors, for example. */
export function ifAllowed<T>(call: () => T): T | undefined {
  try {
    return call()
  } catch {
    return undefined
  }
}

/** The `require` of CommonJS. ES modules have none, and some bundlers give them one that throws. By its own name,
 * Turbopack would resolve what it is called with. */
const load = ifAllowed(() => require)

interface Builtins {
  buffer: typeof import('node:buffer')
  fs: typeof import('node:fs')
  module: typeof import('node:module')
  os: typeof import('node:os')
  path: typeof import('node:path')
  url: typeof import('node:url')
}

/** Returns a module of Node. Returns undefined in another host, and in a bundle of ES modules on a Node before 20.16
 * and 22.3, which has no `getBuiltinModule`. */
export function builtin<Name extends keyof Builtins>(name: Name): Builtins[Name] | undefined {
  const id: string = `node:${name}`
  return ifAllowed(() => (node?.getBuiltinModule?.(id) ?? load?.(id)) as Builtins[Name])
}

/** Returns an environment variable. */
export const setting = (name: string): string | undefined => ifAllowed(() => node?.env?.[name])

/** Emits a process warning, or writes to the console where there are none. */
export function warn(code: string, message: string): void {
  if (node?.emitWarning) node.emitWarning(message, { type: 'ScaLossWarning', code })
  else console.warn(`${code}: ${message}`)
}

/** Runs a function in a later turn of the event loop. Only Node has `setImmediate`. */
export const inLaterTurn = (run: () => void): unknown => (globalThis.setImmediate ?? setTimeout)(run)
