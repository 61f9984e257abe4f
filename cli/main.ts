import { Command, CommanderError } from 'commander'
import { ConfigError } from '../platform/config.ts'
import { CannotStart } from '../platform/embedded/cannot-start.ts'
import { registerAnomalies } from './anomalies.ts'
import { registerBackfill } from './backfill.ts'
import { registerBackfills } from './backfills.ts'
import { registerClear } from './clear.ts'
import { registerContract } from './contract.ts'
import { registerDags } from './dags.ts'
import { registerDatasets } from './datasets.ts'
import { registerDecide } from './decide.ts'
import { registerDemo } from './demo.ts'
import { registerDoctor } from './doctor.ts'
import { CommandFailed, exitCodes, exitCodesHelp, UsageError } from './exit-codes.ts'
import { registerGantt } from './gantt.ts'
import { registerGaps } from './gaps.ts'
import { registerGenerate } from './generate.ts'
import { registerGraph } from './graph.ts'
import { registerHistory } from './history.ts'
import { registerMark } from './mark.ts'
import { registerPlan } from './plan.ts'
import { registerPause } from './pause.ts'
import { registerPools } from './pools.ts'
import { registerQuarantine } from './quarantine.ts'
import { registerRun } from './run.ts'
import { registerRuns } from './runs.ts'
import { registerShow } from './show.ts'
import { Interrupted } from './session.ts'
import { registerUp } from './up.ts'
import { registerVerify } from './verify.ts'
import { registerWhy } from './why.ts'

function buildProgram(): Command {
  const program = new Command('daybook')
    .description('The books of an online shop, one day at a time.')
    .exitOverride()
    .showHelpAfterError('(daybook --help lists the commands, daybook COMMAND --help explains one)')
    .addHelpText('after', exitCodesHelp)
  const registrations = [
    ...[registerUp, registerDemo, registerGenerate, registerRun, registerBackfill],
    ...[registerRuns, registerShow, registerQuarantine, registerAnomalies, registerDoctor],
    ...[registerBackfills, registerGaps, registerDatasets],
    ...[registerPools, registerVerify, registerContract, registerPlan],
    ...[registerClear, registerMark, registerPause, registerDecide],
    ...[registerDags, registerGraph, registerGantt, registerWhy, registerHistory],
  ]
  for (const register of registrations) register(program)
  return program
}

async function main(args: string[]): Promise<number> {
  try {
    await buildProgram().parseAsync(args, { from: 'user' })
    return Number(process.exitCode ?? exitCodes.ok)
  } catch (error) {
    return reportError(error)
  }
}

function reportError(error: unknown): number {
  // Commander has written its own message.
  if (error instanceof CommanderError) return commanderExitCode(error)
  console.error(explain(error))
  if (error instanceof Interrupted) return exitCodes.interrupted
  if (error instanceof UsageError || error instanceof ConfigError) return exitCodes.usage
  if (error instanceof CannotStart || isConnectionError(error)) return exitCodes.unavailable
  return exitCodes.failed
}

function commanderExitCode(error: CommanderError): number {
  if (error.exitCode === 0) return exitCodes.ok
  // `command.error()` carries the exit code that its caller chose.
  return error.code === 'commander.error' ? error.exitCode : exitCodes.usage
}

function explain(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const isExpected = [UsageError, ConfigError, CannotStart, CommandFailed, Interrupted].some(
    (type) => error instanceof type,
  )
  if (isExpected) return error.message
  if (isConnectionError(error)) {
    return `Cannot connect: ${error.message}\n  Remedy: run \`daybook doctor\`, which checks every server.`
  }
  return `${error.name}: ${error.message}`
}

const connectionCodes = ['ECONNREFUSED', 'ECONNRESET', 'ENOTFOUND', 'ETIMEDOUT', '28P01', '3D000']

function isConnectionError(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  return 'code' in error && connectionCodes.includes(String(error.code))
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
