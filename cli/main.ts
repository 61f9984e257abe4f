import { Command, CommanderError } from 'commander'
import { ConfigError } from '../platform/config-error.ts'
import { CannotStart } from '../platform/embedded/cannot-start.ts'
import { commands, nameOf } from './commands.ts'
import { CommandFailed, exitCodes, exitCodesHelp, UsageError } from './exit-codes.ts'
import { failureMessage } from './failure-message.ts'
import { ServerAway, serverAway } from './server-away.ts'
import { Interrupted } from './session.ts'

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

function reportError(error: unknown): number {
  // Commander has written its own message.
  if (error instanceof CommanderError) return commanderExitCode(error)
  console.error(explain(error))
  if (error instanceof Interrupted) return error.exitCode
  if (error instanceof UsageError || error instanceof ConfigError) return exitCodes.usage
  if (isUnavailable(error)) return exitCodes.unavailable
  return exitCodes.failed
}

function commanderExitCode(error: CommanderError): number {
  if (error.exitCode === 0) return exitCodes.ok
  // `command.error()` carries the exit code that its caller chose.
  return error.code === 'commander.error' ? error.exitCode : exitCodes.usage
}

function explain(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const isExpected = [
    UsageError,
    ConfigError,
    CannotStart,
    ServerAway,
    CommandFailed,
    Interrupted,
  ].some((type) => error instanceof type)
  if (isExpected) return error.message
  if (isConnectionError(error)) {
    return `Cannot connect: ${failureMessage(error)}\n  Remedy: run \`daybook doctor\`, which checks every server.`
  }
  return `${error.name}: ${error.message}`
}

function isUnavailable(error: unknown): boolean {
  return error instanceof CannotStart || error instanceof ServerAway || isConnectionError(error)
}

/** Besides outages: an unknown host, a wrong password, no such database. */
const connectionCodes = ['ECONNREFUSED', 'ECONNRESET', 'ENOTFOUND', 'ETIMEDOUT', '28P01', '3D000']

function isConnectionError(error: unknown): boolean {
  if (serverAway(error) !== undefined) return true
  return error instanceof Error && 'code' in error && connectionCodes.includes(String(error.code))
}

// A connection that breaks may fail once more behind the command's back, when it is over already.
process.on('uncaughtException', (error) => {
  process.exit(reportError(error))
})

// A reader that has seen enough (`daybook runs | head`) is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
  process.exit(exitCodes.ok)
})

process.exitCode = await main(process.argv.slice(2))
