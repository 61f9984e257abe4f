import { ConfigError } from '../platform/config-error.ts'
import { CannotStart } from '../platform/embedded/cannot-start.ts'
import { CommandFailed, exitCodes, UsageError } from './exit-codes.ts'
import { failureMessage } from './failure-message.ts'
import { ServerAway, serverAway } from './server-away.ts'
import { Interrupted } from './session.ts'

/** The exit code of a command that ended with this error. */
export function exitCodeOf(error: unknown): number {
  if (error instanceof Interrupted) return error.exitCode
  if (error instanceof UsageError || error instanceof ConfigError) return exitCodes.usage
  if (isUnavailable(error)) return exitCodes.unavailable
  return exitCodes.failed
}

/** What went wrong, for people: expected errors by their message alone, connections with a remedy. */
export function explain(error: unknown): string {
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
