#!/usr/bin/env node
import { ScaLossError } from '../errors.js'
import { EVALUATE_HELP, evaluate } from './evaluate.js'
import { INFO_HELP, info } from './info.js'
import { type Io, UsageError } from './usage.js'
import { version } from './version.js'

const COMMANDS: Record<string, { run(args: readonly string[], io: Io): void; help: string }> = {
  info: { run: info, help: INFO_HELP },
  evaluate: { run: evaluate, help: EVALUATE_HELP },
}

const HELP = `Usage: scaloss <command> [options]

Commands:
  info       list the backends and what they run on
  evaluate   match COCO detections to ground truth and report IoU, loss and gradient norm

scaloss <command> --help explains a command; scaloss --version prints the version.
`

function dispatch(argv: readonly string[], io: Io): void {
  const [name, ...args] = argv
  if (name === '--help' || name === '-h') return void io.stdout.write(HELP)
  if (name === '--version') return void io.stdout.write(`${version()}\n`)
  if (name === undefined) throw new UsageError('expected a command')
  if (!Object.hasOwn(COMMANDS, name)) {
    const kind = name.startsWith('-') ? 'option' : 'command'
    throw new UsageError(
      `unknown ${kind} ${JSON.stringify(name)}; the commands are ${Object.keys(COMMANDS).join(', ')}`,
    )
  }
  const command = COMMANDS[name]
  if (args.includes('--help') || args.includes('-h')) return void io.stdout.write(command.help)
  command.run(args, io)
}

/** Runs the command line `argv` (without node and script) and returns the exit code: 0; 1 for files and computations
 * that fail, with the message of the `ScaLossError` on stderr; 2 for a command line that is wrong. Other errors are
 * defects of this package and are thrown. */
export function run(argv: readonly string[], io: Io): number {
  try {
    dispatch(argv, io)
    return 0
  } catch (error) {
    if (error instanceof UsageError) {
      io.stderr.write(`scaloss: ${error.message}\nRun "scaloss --help" for what there is.\n`)
      return 2
    }
    if (error instanceof ScaLossError) {
      io.stderr.write(`scaloss: ${error.message}\n`)
      return 1
    }
    throw error
  }
}

if (require.main === module) process.exitCode = run(process.argv.slice(2), process)
