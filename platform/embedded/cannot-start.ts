/** Something that must run does not; the message names the cause, `remedy` what a person can do. */
export class CannotStart extends Error {
  override name = 'CannotStart'
  readonly remedy: string

  constructor(cause: string, remedy: string, options?: ErrorOptions) {
    super(`${cause}\n  Remedy: ${remedy}`, options)
    this.remedy = remedy
  }
}

/** Turns the errors of a folder or a file that cannot be used into a cause and a remedy. */
export function explainFileError(error: unknown, path: string): CannotStart {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  const cause = `Cannot use ${path}: ${error instanceof Error ? error.message : String(error)}`
  if (code === 'ENOSPC') return new CannotStart(cause, 'free some disk space', { cause: error })
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS') {
    const remedy = 'make the folder writable for this user, or set DAYBOOK_HOME to one that is'
    return new CannotStart(cause, remedy, { cause: error })
  }
  const remedy = 'move the folder away and start again, or set DAYBOOK_HOME to another folder'
  return new CannotStart(cause, remedy, { cause: error })
}

/** Takes one line for a person: progress of a start, warnings. */
export type Say = (line: string) => void
