import { setTimeout as sleep } from 'node:timers/promises'
import type { Client } from '@temporalio/client'
import type { Database } from '../platform/database.ts'
import type { Server } from './server-away.ts'
import { failureMessage } from './failure-message.ts'
import { ServerAway, serverAway } from './server-away.ts'

const longestOutageMs = 120_000
/** A question that ends its server each time must not do so for ever. */
const mostOutages = 100
const firstPauseMs = 100
const longestPauseMs = 2_000

export interface Watch {
  readonly database: Database
  readonly client: Client
  /** What goes on without the command, as a run key. */
  readonly what: string
  /** The command that looks after it. */
  readonly lookAfter: string
  readonly say: (line: string) => void
  /** Ends the watch. */
  readonly signal: AbortSignal
  /** A server that is away for longer is waited for no more; 2 minutes if nothing is said. */
  readonly longestOutageMs?: number
}

/**
 * Asks what changes nothing until it is answered, through outages of PostgreSQL and Temporal, and says
 * once for each that the server is away.
 * @throws ServerAway when one takes too long; the reason of the signal; what else the question throws
 */
export async function throughOutages<T>(watch: Watch, ask: () => Promise<T>): Promise<T> {
  for (let outages = 0; ; outages += 1) {
    try {
      watch.signal.throwIfAborted()
      return await ask()
    } catch (error) {
      watch.signal.throwIfAborted()
      const server = serverAway(error)
      if (server === undefined || outages === mostOutages) throw error
      watch.say(
        `${server} is away (${failureMessage(error)}); this command waits for it, ${watch.what} will go on`,
      )
      await untilBack(watch, server)
    }
  }
}

async function untilBack(watch: Watch, server: Server): Promise<void> {
  const limitMs = watch.longestOutageMs ?? longestOutageMs
  const giveUpAt = Date.now() + limitMs
  for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(2 * pauseMs, longestPauseMs)) {
    await sleep(pauseMs, undefined, { signal: watch.signal })
    try {
      return await ping(watch, server)
    } catch (error) {
      if (serverAway(error) === undefined) throw error
      if (Date.now() > giveUpAt) throw gaveUp(watch, server, limitMs, error)
    }
  }
}

async function ping({ database, client }: Watch, server: Server): Promise<void> {
  if (server === 'PostgreSQL') await database.query('select 1')
  else await client.workflowService.describeNamespace({ namespace: client.options.namespace })
}

function gaveUp(watch: Watch, server: Server, limitMs: number, error: unknown): ServerAway {
  const { what, lookAfter } = watch
  return new ServerAway(
    `${server} has been away for ${Math.round(limitMs / 1000)} seconds: ${failureMessage(error)}\n` +
      `  ${what} will go on without this command when every server is back; look after it with \`${lookAfter}\`.\n` +
      '  Remedy: run `daybook doctor`, which checks every server.',
    { cause: error },
  )
}
