import type { Client } from '@temporalio/client'
import type { Database } from '../platform/database.ts'
import { eventually, persist } from './persist.ts'
import type { ChaosServers } from './servers.ts'

const drainLimitMs = 60_000

/**
 * Has the outbox sent to a server that takes everything. Mails wait minutes and hours for their next
 * try; that time is brought forward here.
 */
export async function drainOutbox(servers: ChaosServers): Promise<void> {
  const { database, client, taskQueue, mail } = servers
  await mail.setMood('takes')
  await eventually(async () => {
    await database.query(`update audit.outbox set next_attempt_at = now() where state = 'pending'`)
    await persist(() => deliverMail(client, taskQueue))
    return (await readOutbox(database)).every(({ state }) => state === 'sent')
  }, drainLimitMs)
}

async function deliverMail(client: Client, taskQueue: string): Promise<void> {
  const options = { taskQueue, workflowId: 'deliver_mail/chaos' }
  const handle = await client.workflow.start<() => Promise<unknown>>('deliver_mail', {
    ...{ ...options, args: [], workflowIdConflictPolicy: 'USE_EXISTING' },
  })
  await handle.result()
}

interface OutboxMail {
  readonly messageId: string
  readonly state: string
  readonly kind: string
}

async function readOutbox(database: Pick<Database, 'query'>): Promise<OutboxMail[]> {
  const { rows } = await database.query<OutboxMail>(
    'select message_id as "messageId", state, kind from audit.outbox order by mail_id',
  )
  return rows
}

export interface MailAccount {
  /** In the outbox, all of which must have been sent. */
  readonly written: number
  /** Second and later copies, which carry the Message-ID of the first. */
  readonly repeated: number
  readonly problems: readonly string[]
}

/** Holds what the mail server took against the outbox: each mail at least once, no other mail ever. */
export async function accountForMails(
  database: Pick<Database, 'query'>,
  taken: readonly string[],
): Promise<MailAccount> {
  const outbox = await readOutbox(database)
  const known = new Set(outbox.map(({ messageId }) => messageId))
  const arrived = new Set(taken)
  const unsent = outbox.filter(({ state }) => state !== 'sent')
  const lost = outbox.filter(({ state, messageId }) => state === 'sent' && !arrived.has(messageId))
  const unknown = [...arrived].filter((messageId) => !known.has(messageId))
  return {
    written: outbox.length,
    repeated: taken.length - arrived.size,
    problems: [
      ...unsent.map(({ messageId, state }) => `mail ${messageId} is ${state}`),
      ...lost.map(({ messageId, kind }) => `mail ${messageId} (${kind}) never arrived`),
      ...unknown.map((messageId) => `a mail that is not in the outbox arrived: ${messageId}`),
    ],
  }
}
