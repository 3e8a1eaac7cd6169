import { type ParseArgsConfig, parseArgs } from 'node:util'

/** Where a command writes; `process` fits, and so does a test's recorder. Only a terminal is shown progress. */
export interface Io {
  stdout: { write(text: string): unknown }
  stderr: { write(text: string): unknown; isTTY?: boolean }
}

/** A command line that asks for something that does not exist: exit code 2, where all other errors give 1. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

type Options = NonNullable<ParseArgsConfig['options']>
type Strict<T extends Options> = { args: string[]; options: T; strict: true; allowPositionals: false }

/** Node's strict `parseArgs`, with its errors as `UsageError`. */
export function parseOptions<const T extends Options>(
  args: readonly string[],
  options: T,
): ReturnType<typeof parseArgs<Strict<T>>>['values'] {
  try {
    return parseArgs({ args: [...args], options, strict: true, allowPositionals: false }).values
  } catch (error) {
    if (!(error instanceof TypeError)) throw error
    // Node's hint on positionals starting with a dash does not apply here: no command takes positionals.
    throw new UsageError(error.message.replace(/\. (?:To specify a positional|This command does not).*/s, ''), {
      cause: error,
    })
  }
}

/** The error for a value that an option does not take, or that is not given. */
export function wrongValue(option: string, expected: string, received: string | undefined): never {
  const got = received === undefined ? 'but it is missing' : `got ${JSON.stringify(received)}`
  throw new UsageError(`--${option}: expected ${expected}, ${got}`)
}

/** The number in the text of an option. */
export function numberOf(option: string, text: string, expected: string, accepts: (value: number) => boolean): number {
  const value = text.trim() === '' ? Number.NaN : Number(text)
  return accepts(value) ? value : wrongValue(option, expected, text)
}

/** The one of `names` that the text of an option is. */
export function oneOf<T extends string>(option: string, text: string, names: readonly T[]): T {
  return names.find((name) => name === text) ?? wrongValue(option, `one of ${names.join(', ')}`, text)
}

/** One of `names`, or all of them by `word`. */
export function allOrOneOf<T extends string>(
  option: string,
  text: string,
  word: string,
  names: readonly T[],
): readonly T[] {
  if (text === word) return names
  return [names.find((name) => name === text) ?? wrongValue(option, `${word} or one of ${names.join(', ')}`, text)]
}

/** Some of `names` with commas between them, each once, or `all`. */
export function someOf<T extends string>(option: string, text: string, names: readonly T[]): T[] {
  return [...new Set(text.split(',').flatMap((name) => allOrOneOf(option, name.trim(), 'all', names)))]
}

/** Names with commas, in lines that fit a terminal. */
export function inLines(names: readonly string[]): string {
  return names.join(', ').replace(/(.{60,90}?,) /g, '$1\n        ')
}
