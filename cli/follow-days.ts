import type { Connections } from './connect.ts'
import { createProgress } from './progress.ts'
import { failureMessage } from './failure-message.ts'
import { ServerAway, serverAway } from './server-away.ts'
import { throughOutages } from './through-outages.ts'
import type { Through } from './watch-days.ts'
import { watchDays } from './watch-days.ts'

/** What goes on without the command, in its messages. */
interface Words {
  /** As a run key. */
  readonly what: string
  /** The command that looks after it. */
  readonly lookAfter: string
}

export function wordsFor(runs: readonly string[]): Words {
  const [first] = runs
  if (first !== undefined && runs.length === 1)
    return { what: first, lookAfter: `daybook show ${first}` }
  return { what: runs.join(', '), lookAfter: 'daybook runs' }
}

interface FollowedDays extends Words {
  readonly dagId: string
  readonly dates: readonly string[]
}

/** What a command follows days with; when its signal says so it leaves them. */
type Follower = Pick<Connections, 'client' | 'database'> & { readonly signal?: AbortSignal }

/**
 * Shows how far days are until what runs them has ended, through outages of both servers; returns its end.
 * @throws ServerAway when an outage takes too long
 */
export async function followDays<T>(
  { client, database, signal }: Follower,
  { dagId, dates, what, lookAfter }: FollowedDays,
  end: (through: Through) => Promise<T>,
): Promise<T> {
  const progress = createProgress(dates.length)
  const over = new AbortController()
  const left = signal === undefined ? over.signal : AbortSignal.any([signal, over.signal])
  const say = (line: string) => progress.finished(line)
  const watch = { client, database, what, lookAfter, say, signal: left }
  const through: Through = (ask) => throughOutages(watch, ask)
  // A question still open when the connection closes would end the whole process.
  const done = client.connection.withAbortSignal(left, () => end(through))
  try {
    await watchDays({ database, dagId, dates, progress, through, done })
    return await done
  } finally {
    over.abort()
    await done.catch(() => undefined)
  }
}

/** Starts what is followed then. @throws ServerAway when it is not known whether it was started */
export async function startToFollow<T>(
  { what, lookAfter }: Words,
  start: () => Promise<T>,
): Promise<T> {
  try {
    return await start()
  } catch (error) {
    const server = serverAway(error)
    if (server === undefined) throw error
    throw new ServerAway(
      `${server} does not answer: ${failureMessage(error)}\n` +
        `  Whether ${what} was started is not known: \`${lookAfter}\` says it.\n` +
        '  Remedy: run `daybook doctor`, which checks every server, and then the same command again.',
      { cause: error },
    )
  }
}
