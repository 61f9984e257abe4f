/** The exit codes of every command; a public interface. */
export const exitCodes = {
  ok: 0,
  /** A run, a check or a day failed. */
  failed: 1,
  /** The command line or a setting makes no sense. */
  usage: 2,
  /** Something cannot be started or reached. */
  unavailable: 3,
} as const

export const exitCodesHelp = `
Exit codes: 0 done; 1 a run, a check or a day failed; 2 the command line or a setting makes no
sense; 3 something cannot be started or reached; 130 ended by Ctrl-C, 143 by SIGTERM.`

/** Bad input that the parser of the command line cannot see by itself. */
export class UsageError extends Error {
  override name = 'UsageError'
}

/** Ends the command with exit code 1; the message says what failed. */
export class CommandFailed extends Error {
  override name = 'CommandFailed'
}
