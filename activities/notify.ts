import { createHash } from 'node:crypto'
import type { DeadlineAlert } from '../dag/deadline.ts'
import { readRunKey } from '../dag/resolve-run.ts'
import { composeDeadlineMail } from '../domain/mail-deadline.ts'
import { composeFailureMail } from '../domain/mail-failure.ts'
import { composeFindingsMail, type Finding } from '../domain/mail-findings.ts'
import type { Attempt } from '../platform/attempt.ts'
import type { Config } from '../platform/config.ts'
import { inTransaction, type Database, type Transaction } from '../platform/database.ts'
import { createMailer } from '../platform/mail.ts'
import { currentAttempt } from './current-attempt.ts'
import { addToOutbox, sendDueMails, type MailCounts } from './outbox.ts'
import { readFailedChecks } from './read-failed-checks.ts'
import { readNewFindings } from './read-new-findings.ts'
import { writeInAttempt } from './write-in-attempt.ts'

export interface NotifyInput {
  date: string
  shopId: string
}

export interface NotifyOutput extends MailCounts {
  findings: number
}

export interface NotifyFailureInput {
  dagId: string
  date: string
  runKey: string
  failedTasks: string[]
  reason: string
}

interface Deps {
  database: Database
  config: Config
}

export function createNotifyActivities({ database, config }: Deps) {
  const mailer = createMailer(config)
  return {
    /**
     * Mails each recipient the findings of the run's business dates that were not mailed to him
     * before: in the outbox first, then tried at once. A mail server that is down fails nothing.
     */
    async notify(input: NotifyInput): Promise<NotifyOutput> {
      const attempt = currentAttempt()
      const findings = await writeInAttempt(database, (transaction) =>
        writeFindingsMails(transaction, config, attempt, input),
      )
      return { findings, ...(await sendDueMails(database, mailer, attempt.runKey)) }
    },

    /** Mails that a run failed, once a run whatever calls it again. */
    async notifyFailure(input: NotifyFailureInput): Promise<MailCounts> {
      const { runId } = currentAttempt()
      await inTransaction(database, (transaction) =>
        writeFailureMails(transaction, config, runId, input),
      )
      return sendDueMails(database, mailer, input.runKey)
    },

    /** Mails that a run may miss, or has missed, its deadline; once each for a run. */
    async notifyDeadline(input: DeadlineAlert): Promise<MailCounts> {
      const { runId } = currentAttempt()
      await inTransaction(database, (transaction) =>
        writeDeadlineMails(transaction, config, runId, input),
      )
      return sendDueMails(database, mailer, input.runKey)
    },
  }
}

async function writeDeadlineMails(
  transaction: Transaction,
  config: Config,
  runId: string,
  input: DeadlineAlert,
): Promise<void> {
  const content = composeDeadlineMail(input)
  for (const recipient of config.mailTo) {
    const dedupeKey = `deadline ${input.kind} ${runId} ${recipient}`
    const mail = { dedupeKey, kind: 'deadline' as const, runId, recipient, content }
    await addToOutbox(transaction, { ...mail, runKey: input.runKey }, config.mailFrom)
  }
}

/** Returns how many findings are in the mails, each counted once. */
async function writeFindingsMails(
  transaction: Transaction,
  config: Config,
  attempt: Attempt,
  input: NotifyInput,
): Promise<number> {
  // Two runs may touch one late date at once: the second waits and sees what the first has mailed.
  await transaction.query('select pg_advisory_xact_lock(hashtextextended($1, 13))', [input.shopId])
  const mailed = new Set<string>()
  for (const recipient of config.mailTo) {
    const findings = await readNewFindings(transaction, { ...input, recipient })
    if (findings.length === 0) continue
    await writeFindingsMail(transaction, config, attempt, { ...input, recipient }, findings)
    for (const finding of findings) mailed.add(finding.key)
  }
  return mailed.size
}

async function writeFindingsMail(
  transaction: Transaction,
  config: Config,
  { runKey, runId }: Attempt,
  input: NotifyInput & { recipient: string },
  findings: readonly Finding[],
): Promise<void> {
  const { recipient } = input
  const keys = findings.map((finding) => finding.key).sort()
  const digest = createHash('sha256').update(JSON.stringify(keys)).digest('hex')
  const dagId = readRunKey(runKey)?.dagId ?? runKey
  const fixedRecords = await countFixedRecords(transaction, runKey, input.date)
  const content = composeFindingsMail({ ...input, dagId, fixedRecords }, findings)
  const dedupeKey = `findings ${runKey} ${recipient} ${digest}`
  const mail = { dedupeKey, kind: 'findings' as const, runId, runKey, recipient, content }
  const mailId = await addToOutbox(transaction, mail, config.mailFrom)
  await transaction.query(
    `insert into audit.mailed_findings (finding_key, recipient, mail_id)
     select finding_key, $2, $3 from unnest($1::text[]) as finding_key`,
    [keys, recipient, mailId],
  )
}

/** Records of the run's files that count as somebody corrected them. */
async function countFixedRecords(
  transaction: Transaction,
  runKey: string,
  date: string,
): Promise<number> {
  const { rows } = await transaction.query<{ fixed: number }>(
    `select count(*) as fixed from audit.fixes_in_force as fix
     inner join audit.source_files as file using (file_id)
     inner join audit.pipeline_runs as run on run.run_id = file.run_id
     where fix.load_date = $2 and fix.action = 'fix' and fix.published_at is not null
       and run.run_key = $1`,
    [runKey, date],
  )
  return rows[0]?.fixed ?? 0
}

async function writeFailureMails(
  transaction: Transaction,
  config: Config,
  runId: string,
  input: NotifyFailureInput,
): Promise<void> {
  const failedChecks = await readFailedChecks(transaction, runId, ['critical', 'error'])
  const content = composeFailureMail({ ...input, runId, failedChecks })
  for (const recipient of config.mailTo) {
    const dedupeKey = `failure ${runId} ${recipient}`
    const mail = { dedupeKey, kind: 'failure' as const, runId, recipient, content }
    await addToOutbox(transaction, { ...mail, runKey: input.runKey }, config.mailFrom)
  }
}
