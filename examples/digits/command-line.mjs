import { parseArgs } from 'node:util'

// Helpers that both commands share: options with clear errors, and exit codes.

/** A wrong option; the command ends with 2. */
export class UsageError extends Error {}

/**
 * @template {NonNullable<import('node:util').ParseArgsConfig['options']>} O
 * @param {O} options
 */
export function readArguments(options) {
  try {
    return parseArgs({ options }).values
  } catch (error) {
    throw new UsageError(/** @type {Error} */ (error).message)
  }
}

/**
 * @param {string} name
 * @param {string} text
 * @param {number} [least]
 */
export function integer(name, text, least = 1) {
  const value = Number(text)
  if (text.trim() === '' || !Number.isSafeInteger(value) || value < least)
    throw new UsageError(`--${name}: expected an integer of at least ${least}, got '${text}'`)
  return value
}

/**
 * @param {string} name
 * @param {string} text
 */
export function positive(name, text) {
  const value = Number(text)
  if (!(value > 0 && Number.isFinite(value)))
    throw new UsageError(`--${name}: expected a positive number, got '${text}'`)
  return value
}

/**
 * @template {string} T
 * @param {string} name
 * @param {string} text
 * @param {readonly T[]} choices
 */
export function choice(name, text, choices) {
  const found = choices.find((one) => one === text)
  if (found === undefined) throw new UsageError(`--${name}: expected one of ${choices.join(', ')}, got '${text}'`)
  return found
}

/**
 * Exit codes: 0, 1 (something failed), 2 (a wrong option), 130 (stopped by Ctrl-C).
 * @template Options
 * @param {string} help
 * @param {() => Options | undefined} readOptions Nothing where --help is asked for.
 * @param {(options: Options, signal: AbortSignal) => Promise<boolean>} run False if the signal ended it.
 */
export async function runCommand(help, readOptions, run) {
  const interrupt = new AbortController()
  const stop = () => interrupt.abort()
  process.on('SIGINT', stop).on('SIGTERM', stop)
  try {
    const options = readOptions()
    if (options === undefined) console.log(help)
    else process.exitCode = (await run(options, interrupt.signal)) ? 0 : 130
  } catch (error) {
    const { message } = /** @type {Error} */ (error)
    const isUsage = error instanceof UsageError
    console.error(isUsage ? `${message}\n\n${help}` : message)
    process.exitCode = isUsage ? 2 : 1
  }
}
