#!/usr/bin/env node
import { ScaLossError } from '../core/errors.js'
import { EVALUATE_HELP, evaluate } from './evaluate.js'
import { GRADCHECK_HELP, gradcheck } from './gradcheck.js'
import { INFO_HELP, info } from './info.js'
import { SIMULATE_HELP, simulateCommand } from './simulate.js'
import { type Io, UsageError } from './usage.js'
import { version } from './version.js'

type Run<Result> = (args: readonly string[], io: Io) => Result

/** Makes a command return exit code 0. Such a command can fail only by throwing. */
const zero =
  (run: Run<void>): Run<number> =>
  (args, io) => {
    run(args, io)
    return 0
  }

const COMMANDS: Record<string, { run: Run<number>; help: string }> = {
  info: { run: zero(info), help: INFO_HELP },
  evaluate: { run: zero(evaluate), help: EVALUATE_HELP },
  gradcheck: { run: gradcheck, help: GRADCHECK_HELP },
  simulate: { run: zero(simulateCommand), help: SIMULATE_HELP },
}

const HELP = `Usage: scaloss <command> [options]

Commands:
  info       list the backends and what they run on
  evaluate   match COCO detections to ground truth and report IoU, loss, gradient norm and average precision
  gradcheck  compare the gradients of every loss with central differences
  simulate   run the simulation experiment of the SCALoss paper

scaloss <command> --help explains a command; scaloss --version prints the version.
Exit codes: 0; 1 for a check that fails, a file or a computation; 2 for a wrong command line.
`

/** Writes a text that was asked for. */
function answer(text: string, io: Io): number {
  io.stdout.write(text)
  return 0
}

function dispatch(argv: readonly string[], io: Io): number {
  const [name, ...args] = argv
  if (name === '--help' || name === '-h') return answer(HELP, io)
  if (name === '--version') return answer(`${version()}\n`, io)
  if (name === undefined) throw new UsageError('expected a command')
  if (!Object.hasOwn(COMMANDS, name)) {
    const kind = name.startsWith('-') ? 'option' : 'command'
    throw new UsageError(
      `unknown ${kind} ${JSON.stringify(name)}; the commands are ${Object.keys(COMMANDS).join(', ')}`,
    )
  }
  const command = COMMANDS[name]
  if (args.includes('--help') || args.includes('-h')) return answer(command.help, io)
  return command.run(args, io)
}

/** Runs the command line `argv` (without node and script) and returns the exit code: 0 for success; 1 for a check that
 * does not pass, and for files and computations that fail, with the message of the `ScaLossError` on stderr; 2 for a
 * wrong command line. Other errors are defects of this package and are thrown. */
export function run(argv: readonly string[], io: Io): number {
  try {
    return dispatch(argv, io)
  } catch (error) {
    if (error instanceof UsageError) {
      const [name = ''] = argv
      const help = Object.hasOwn(COMMANDS, name) ? `scaloss ${name} --help` : 'scaloss --help'
      io.stderr.write(`scaloss: ${error.message}\nRun "${help}" for what there is.\n`)
      return 2
    }
    if (error instanceof ScaLossError) {
      io.stderr.write(`scaloss: ${error.message}\n`)
      return 1
    }
    throw error
  }
}

if (require.main === module) {
  // A reader that has seen enough, such as `head`, closes the pipe. That is not an error.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') return
    process.stderr.write(`scaloss: cannot write the output: ${error.message}\n`)
    process.exitCode = 1
  })
  process.exitCode = run(process.argv.slice(2), process)
}
