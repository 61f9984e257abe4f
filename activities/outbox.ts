import { Context } from '@temporalio/activity'
import { inTransaction, type Database, type Transaction } from '../platform/database.ts'
import { messageIdFor, type Mailer, type MailOutcome } from '../platform/mail.ts'
import type { MailContent } from '../domain/mail-document.ts'

export interface NewMail {
  readonly dedupeKey: string
  readonly kind: 'findings' | 'failure' | 'deadline' | 'held'
  readonly runId: string
  readonly runKey: string
  readonly recipient: string
  readonly content: MailContent
}

export interface MailCounts {
  sent: number
  kept: number
  refused: number
  postponed: number
}

/**
 * Puts a mail to one recipient into the outbox, once for its dedupe key. One row a recipient, so
 * that a resend to one never repeats the mail to another. Returns its id, new or not.
 */
export async function addToOutbox(
  transaction: Transaction,
  mail: NewMail,
  mailFrom: string,
): Promise<number> {
  const added = await transaction.query<{ mail_id: number }>(
    `insert into audit.outbox (dedupe_key, kind, run_id, run_key, recipients, subject, body_text,
       body_html, message_id)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
     on conflict (dedupe_key) do update set dedupe_key = excluded.dedupe_key
     returning mail_id`,
    [
      mail.dedupeKey,
      mail.kind,
      mail.runId,
      mail.runKey,
      [mail.recipient],
      mail.content.subject,
      mail.content.text,
      mail.content.html,
      messageIdFor(mail.dedupeKey, mailFrom),
    ],
  )
  const row = added.rows[0]
  if (!row) throw new Error(`The outbox took no row for ${mail.dedupeKey}`)
  return row.mail_id
}

/**
 * Sends what is due in the outbox, of one run key or of all, oldest first: each mail in a
 * transaction of its own, skipping rows that another sender holds. Stops when the server is down.
 * A crash between sending and marking sends again, under the same Message-ID.
 */
export async function sendDueMails(
  database: Database,
  mailer: Mailer,
  runKey: string | null = null,
): Promise<MailCounts> {
  const counts: MailCounts = { sent: 0, kept: 0, refused: 0, postponed: 0 }
  for (;;) {
    Context.current().heartbeat()
    const outcome = await sendNextDue(database, mailer, runKey)
    if (!outcome) return counts
    counts[outcome.state] += 1
    if (outcome.state === 'postponed' && outcome.isServerDown) return counts
  }
}

interface DueMail {
  mail_id: number
  recipients: string[]
  subject: string
  body_text: string
  body_html: string
  message_id: string
  created_at: Date
}

async function sendNextDue(
  database: Database,
  mailer: Mailer,
  runKey: string | null,
): Promise<MailOutcome | undefined> {
  return inTransaction(database, async (transaction) => {
    const due = await transaction.query<DueMail>(
      `select mail_id, recipients, subject, body_text, body_html, message_id, created_at
       from audit.outbox
       where state = 'pending' and next_attempt_at <= now() and ($1::text is null or run_key = $1)
       order by mail_id limit 1 for update skip locked`,
      [runKey],
    )
    const mail = due.rows[0]
    if (!mail) return undefined
    const outcome = await mailer.send({
      to: mail.recipients.join(','),
      subject: mail.subject,
      text: mail.body_text,
      html: mail.body_html,
      messageId: mail.message_id,
      date: mail.created_at,
    })
    await markMail(transaction, mail.mail_id, outcome)
    return outcome
  })
}

/** Waits 1, 2, 4 … minutes between attempts, at most 6 hours. */
async function markMail(transaction: Transaction, mailId: number, outcome: MailOutcome) {
  const state = outcome.state === 'postponed' ? 'pending' : outcome.state
  const lastError = 'reason' in outcome ? outcome.reason : null
  await transaction.query(
    `update audit.outbox set state = $2, last_error = $3, attempts = attempts + 1,
       next_attempt_at = now() + least(interval '1 minute' * power(2, least(attempts, 10)), interval '6 hours'),
       sent_at = case when $2 in ('sent', 'kept') then clock_timestamp() end
     where mail_id = $1`,
    [mailId, state, lastError],
  )
}
