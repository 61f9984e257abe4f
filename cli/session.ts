import { constants } from 'node:os'

/** Ctrl-C, or another request to end, came before the work was done. */
export class Interrupted extends Error {
  override name = 'Interrupted'
  /** As a shell has it: 128 and the number of the signal. */
  readonly exitCode: number

  constructor(signal: EndingSignal) {
    super(`Stopped by ${signal} before it was done`)
    this.exitCode = 128 + constants.signals[signal]
  }
}

/** Something to end with the session, in good order (`stop`) or at once (`kill`). */
export interface Ending {
  stop(): Promise<unknown>
  kill?(): Promise<unknown>
}

export interface Session {
  /** Ends it with the session; what came last ends first. */
  add(ending: Ending): void
  /** Never resolves; rejects with Interrupted. */
  interruption: Promise<never>
  /** Aborted by the interruption. */
  signal: AbortSignal
}

// npm passes on a Ctrl-C that the terminal has sent here already.
const sameSignalMs = 1_000
const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

type EndingSignal = (typeof signals)[number]

/** Runs `work`; ends all it added, however it ends. A second Ctrl-C ends it by force. */
export async function withSession<T>(
  say: (line: string) => void,
  work: (session: Session) => Promise<T>,
): Promise<T> {
  const endings: Ending[] = []
  const { promise: interruption, reject } = Promise.withResolvers<never>()
  interruption.catch(() => undefined)
  const abort = new AbortController()
  const { signal } = abort
  let firstAt = 0
  let interrupted: Interrupted | undefined
  const add = (ending: Ending) => {
    // Work goes on until its next step; it must not start anything then.
    if (interrupted !== undefined) throw interrupted
    endings.push(ending)
  }
  const interrupt = (by: EndingSignal) => {
    if (interrupted === undefined) {
      firstAt = Date.now()
      interrupted = new Interrupted(by)
      say('Stopping … (Ctrl-C again to force)')
      reject(interrupted)
      abort.abort(interrupted)
    } else if (Date.now() - firstAt > sameSignalMs) {
      forceEnd(endings, interrupted)
    }
  }
  // The launcher is gone.
  const hangUp = () => interrupt('SIGHUP')
  for (const signal of signals) process.on(signal, interrupt)
  process.on('disconnect', hangUp)
  // Listening to the launcher must not keep this process alive.
  process.channel?.unref()
  try {
    return await Promise.race([work({ add, interruption, signal }), interruption])
  } finally {
    for (const ending of endings.toReversed()) await ending.stop()
    for (const signal of signals) process.off(signal, interrupt)
    process.off('disconnect', hangUp)
  }
}

function forceEnd(endings: Ending[], { exitCode }: Interrupted): void {
  const exit = () => process.exit(exitCode)
  Promise.all(endings.map(async (ending) => ending.kill?.())).then(exit, exit)
}
