/** Ctrl-C, or another request to end, came before the work was done. */
export class Interrupted extends Error {
  override name = 'Interrupted'

  constructor() {
    super('Stopped before it was done')
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
  let firstAt: number | undefined
  const add = (ending: Ending) => {
    // Work goes on until its next step; it must not start anything then.
    if (firstAt !== undefined) throw new Interrupted()
    endings.push(ending)
  }
  const interrupt = () => {
    if (firstAt === undefined) {
      firstAt = Date.now()
      say('Stopping … (Ctrl-C again to force)')
      reject(new Interrupted())
      abort.abort()
    } else if (Date.now() - firstAt > sameSignalMs) {
      forceEnd(endings)
    }
  }
  for (const signal of signals) process.on(signal, interrupt)
  process.on('disconnect', interrupt)
  // Listening to the launcher must not keep this process alive.
  process.channel?.unref()
  try {
    return await Promise.race([work({ add, interruption, signal }), interruption])
  } finally {
    for (const ending of endings.toReversed()) await ending.stop()
    for (const signal of signals) process.off(signal, interrupt)
    process.off('disconnect', interrupt)
  }
}

function forceEnd(endings: Ending[]): void {
  const exit = () => process.exit(130)
  Promise.all(endings.map(async (ending) => ending.kill?.())).then(exit, exit)
}
