import { Command, CommanderError } from 'commander'
import { commands, nameOf } from './commands.ts'
import { exitCodes, exitCodesHelp } from './exit-codes.ts'

/** With the one command that the arguments name, or a list of all: loading them takes a second. */
async function buildProgram(args: readonly string[]): Promise<Command> {
  const program = new Command('daybook')
    .description('The books of an online shop, one day at a time.')
    .exitOverride()
    .showHelpAfterError('(daybook --help lists the commands, daybook COMMAND --help explains one)')
    .addHelpText('after', exitCodesHelp)
  const name = args[0] === 'help' ? args[1] : args[0]
  const wanted = commands.find((command) => nameOf(command) === name)
  if (wanted === undefined) for (const { usage } of commands) program.command(usage)
  else await wanted.register(program)
  for (const command of commands) describe(program, command)
  return program
}

function describe(program: Command, listed: (typeof commands)[number]): void {
  const command = program.commands.find((registered) => registered.name() === nameOf(listed))
  command?.description(listed.description)
}

async function main(args: string[]): Promise<number> {
  try {
    const program = await buildProgram(args)
    await program.parseAsync(args, { from: 'user' })
    return Number(process.exitCode ?? exitCodes.ok)
  } catch (error) {
    return reportError(error)
  }
}

/** Loads what knows the errors of the servers only when there is an error. */
async function reportError(error: unknown): Promise<number> {
  // Commander has written its own message.
  if (error instanceof CommanderError) return commanderExitCode(error)
  const { exitCodeOf, explain } = await import('./explain-error.ts')
  console.error(explain(error))
  return exitCodeOf(error)
}

function commanderExitCode(error: CommanderError): number {
  if (error.exitCode === 0) return exitCodes.ok
  // `command.error()` carries the exit code that its caller chose.
  return error.code === 'commander.error' ? error.exitCode : exitCodes.usage
}

// A connection that breaks may fail once more behind the command's back, when it is over already.
process.on('uncaughtException', (error) => {
  void reportError(error).then((code) => process.exit(code))
})

// A reader that has seen enough (`daybook runs | head`) is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
  process.exit(exitCodes.ok)
})

process.exitCode = await main(process.argv.slice(2))
