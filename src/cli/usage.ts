import { type ParseArgsConfig, parseArgs } from 'node:util'

/** Where a command writes. Both `process` and the recorder of a test fit. Progress is shown only on a terminal. */
export interface Io {
  stdout: { write(text: string): unknown }
  stderr: { write(text: string): unknown; isTTY?: boolean }
}

/** The error for a wrong command line. Its exit code is 2; all other errors give 1. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

type Options = NonNullable<ParseArgsConfig['options']>
type Strict<T extends Options> = { args: string[]; options: T; strict: true; allowPositionals: false }

/** Parses options with Node's strict `parseArgs`, and converts its errors to `UsageError`. */
export function parseOptions<const T extends Options>(
  args: readonly string[],
  options: T,
): ReturnType<typeof parseArgs<Strict<T>>>['values'] {
  try {
    return parseArgs({ args: [...args], options, strict: true, allowPositionals: false }).values
  } catch (error) {
    if (!(error instanceof TypeError)) throw error
    // Node's hint about positional arguments that start with a dash is removed, because no command takes positional
    // arguments.
    throw new UsageError(error.message.replace(/\. (?:To specify a positional|This command does not).*/s, ''), {
      cause: error,
    })
  }
}

/** Throws the error for a value that an option does not take, or that is missing. */
export function wrongValue(option: string, expected: string, received: string | undefined): never {
  const got = received === undefined ? 'but it is missing' : `got ${JSON.stringify(received)}`
  throw new UsageError(`--${option}: expected ${expected}, ${got}`)
}

/** Reads the number in the text of an option. */
export function numberOf(option: string, text: string, expected: string, accepts: (value: number) => boolean): number {
  const value = text.trim() === '' ? Number.NaN : Number(text)
  return accepts(value) ? value : wrongValue(option, expected, text)
}

/** Reads the text of an option as one of `names`. */
export function oneOf<T extends string>(option: string, text: string, names: readonly T[]): T {
  return names.find((name) => name === text) ?? wrongValue(option, `one of ${names.join(', ')}`, text)
}

/** Reads the text of an option as one of `names`, or as all of them if it is `word`. */
export function allOrOneOf<T extends string>(
  option: string,
  text: string,
  word: string,
  names: readonly T[],
): readonly T[] {
  if (text === word) return names
  return [names.find((name) => name === text) ?? wrongValue(option, `${word} or one of ${names.join(', ')}`, text)]
}

/** Reads a list of `names` separated by commas, without repetitions, or `all`. */
export function someOf<T extends string>(option: string, text: string, names: readonly T[]): T[] {
  return [...new Set(text.split(',').flatMap((name) => allOrOneOf(option, name.trim(), 'all', names)))]
}

/** Joins names with commas, in lines that fit a terminal. */
export function inLines(names: readonly string[]): string {
  return names.join(', ').replace(/(.{60,90}?,) /g, '$1\n        ')
}
