import { ScaLossError } from '../core/errors.js'
import { builtin } from '../core/host.js'

/** The place where a text stops being JSON. `offset` counts UTF-16 units from its start. */
interface Fault {
  offset: number
  expected: string
}

const SPACE = /[ \t\r\n]*/y
const TOKEN =
  /[{}[\],:]|"[ !#-[\]-\u{10ffff}]*(?:\\(?:["\\/bfnrt]|u[\da-fA-F]{4})[ !#-[\]-\u{10ffff}]*)*"|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/uy

/** Finds the error in a text that failed to parse, by a scan of the grammar. JSON.parse gives the position only in some
 * messages of some Node versions. The scan runs only on broken files, and it keeps a stack instead of recursing,
 * because a file may nest deeply. */
function findFault(text: string): Fault | undefined {
  const open: ('{' | '[')[] = []
  let state: 'value' | 'first value' | 'key' | 'first key' | 'colon' | 'after' = 'value'
  let offset = 0
  for (;;) {
    SPACE.lastIndex = offset
    SPACE.test(text)
    offset = SPACE.lastIndex
    TOKEN.lastIndex = offset
    const token = TOKEN.exec(text)?.[0] ?? ''
    const top = open.at(-1)
    const close = top === '{' ? '}' : ']'

    if (state === 'after') {
      if (top === undefined) return offset === text.length ? undefined : { offset, expected: 'the end of the file' }
      if (token === close) open.pop()
      else if (token === ',') state = top === '{' ? 'key' : 'value'
      else return { offset, expected: `"," or "${close}"` }
    } else if (state === 'colon') {
      if (token !== ':') return { offset, expected: '":"' }
      state = 'value'
    } else if (token === close && (state === 'first value' || state === 'first key')) {
      open.pop()
      state = 'after'
    } else if (state === 'key' || state === 'first key') {
      if (!token.startsWith('"')) return { offset, expected: 'a name in double quotes' }
      state = 'colon'
    } else if (token === '{' || token === '[') {
      open.push(token)
      state = token === '{' ? 'first key' : 'first value'
    } else if (token === '' || '}],:'.includes(token)) {
      return { offset, expected: 'a value' }
    } else {
      state = 'after'
    }
    offset += token.length
  }
}

function describeFault(path: string, text: string): string {
  const fault = findFault(text)
  if (fault === undefined) return `${path}: not valid JSON`
  const before = text.slice(0, fault.offset).split('\n')
  const found = text.slice(fault.offset).match(/^(?:[\w.+-]+|.)/su)?.[0]
  const got = found === undefined ? 'the end of the file' : JSON.stringify(found.slice(0, 30))
  const place = `${path}:${before.length}:${before.at(-1)!.length + 1}`
  return `${place}: not valid JSON: expected ${fault.expected}, got ${got}`
}

/** Returns `node:fs`. A host without it, such as a browser, can score detections but not read files. */
export function fileSystem() {
  const fs = builtin('fs')
  if (fs) return fs
  throw new ScaLossError(
    'ERR_SCALOSS_UNSUPPORTED',
    "files: expected Node, Bun or Deno, got a host without 'node:fs'; pass averagePrecision what you parsed yourself",
  )
}

/** Returns what `read` returns, or throws the error for a file that cannot be read. */
export function reading<T>(path: string, read: () => T): T {
  try {
    return read()
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException
    const reason = code === 'ENOENT' ? 'no such file' : message
    throw new ScaLossError('ERR_SCALOSS_INVALID_FILE', `${path}: cannot read the file: ${reason}`, { cause })
  }
}

/**
 * Parses a JSON file (UTF-8, with or without a byte order mark).
 *
 * @param file the descriptor of the file, if it is already open.
 * @throws {ScaLossError} `ERR_SCALOSS_INVALID_FILE`: the file cannot be read or is not JSON. If it is not JSON, the
 *   message starts with `path:line:column`, both counted from 1.
 */
export function readJson(path: string, file?: number): unknown {
  const fs = fileSystem()
  const text = reading(path, () => fs.readFileSync(file ?? path, 'utf8')).replace(/^\ufeff/, '')
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new ScaLossError('ERR_SCALOSS_INVALID_FILE', describeFault(path, text), { cause })
  }
}
