import { toMs, type Duration } from '../dag/duration.ts'
import { composeHeldMail } from '../domain/mail-held.ts'
import type { Config } from '../platform/config.ts'
import type { Database, Transaction } from '../platform/database.ts'
import { readFingerprints, type Recorded } from '../platform/fingerprints.ts'
import { createMailer } from '../platform/mail.ts'
import { currentAttempt } from './current-attempt.ts'
import { addToOutbox, sendDueMails } from './outbox.ts'
import { readFailedChecks } from './read-failed-checks.ts'
import { writeInAttempt } from './write-in-attempt.ts'

export interface HoldDayInput {
  /** Delivery date, `YYYY-MM-DD`. */
  readonly date: string
  readonly shopId: string
  /** Checks of severity error that failed, as `checkQuality` says. */
  readonly held: number
  /** The task of the run in which a person may let the day pass. */
  readonly approval: string
  /** How long the approval waits. */
  readonly waitAtMost: Duration
  /** What becomes of the approval then: the run fails, or goes on and publishes. */
  readonly onTimeout: 'fail' | 'skip'
}

export function createHoldActivities(deps: { database: Database; config: Config }) {
  const { database, config } = deps
  const mailer = createMailer(config)
  return {
    /**
     * Chooses the approval when checks of severity error have failed on the day, and mails that it
     * waits. Nobody is asked twice: not about what is published, nor about failures of which a person
     * has approved all, on the same delivery judged by the same checks.
     */
    async holdDay(input: HoldDayInput): Promise<string[]> {
      if (input.held === 0) return []
      const isHeld = await writeInAttempt(database, (transaction) =>
        holdUnlessApproved(transaction, config, input),
      )
      if (!isHeld) return []
      await sendDueMails(database, mailer, currentAttempt().runKey)
      return [input.approval]
    },
  }
}

async function holdUnlessApproved(
  transaction: Transaction,
  config: Config,
  input: HoldDayInput,
): Promise<boolean> {
  const records = await readFingerprints(transaction, input.shopId, input.date)
  const judged = records.get('checks')?.waiting
  if (judged === undefined) return false
  const checks = await readFailedChecks(transaction, judged.run_id, ['error'])
  const ids = checks.map(({ checkId }) => checkId)
  if (await isApproved(transaction, input, judged, ids)) return false
  const decideBy = await noteHeld(transaction, input, judged, ids)
  const { runId, runKey } = currentAttempt()
  const { approval: taskId, onTimeout } = input
  const content = composeHeldMail({ runKey, taskId, checks, decideBy, onTimeout })
  for (const recipient of config.mailTo) {
    const dedupeKey = `held ${runId} ${judged.fingerprint} ${recipient}`
    const mail = { dedupeKey, kind: 'held' as const, runId, runKey, recipient, content }
    await addToOutbox(transaction, mail, config.mailFrom)
  }
  return true
}

async function isApproved(
  transaction: Transaction,
  { shopId, date }: HoldDayInput,
  { fingerprint }: Recorded,
  checks: readonly string[],
): Promise<boolean> {
  const approved = await transaction.query(
    `select from audit.held_day_decisions
     where shop_id = $1 and load_date = $2 and fingerprint = $3 and checks @> $4
       and decision = 'approve' limit 1`,
    [shopId, date, fingerprint, checks],
  )
  return approved.rowCount === 1
}

/** Returns until when a decision is awaited. */
async function noteHeld(
  transaction: Transaction,
  { shopId, date, approval, waitAtMost, onTimeout }: HoldDayInput,
  { fingerprint }: Recorded,
  checks: readonly string[],
): Promise<Date> {
  const { runId, runKey } = currentAttempt()
  const noted = await transaction.query<{ decide_by: Date }>(
    `insert into audit.held_days
       (run_id, run_key, shop_id, load_date, fingerprint, checks, task_id, on_timeout, decide_by)
     values ($1, $2, $3, $4, $5, $6, $7, $8, now() + $9 * interval '1 millisecond')
     on conflict (run_id, fingerprint) do update
       set (checks, held_at, decide_by) =
         row(excluded.checks, excluded.held_at, excluded.decide_by)
     returning decide_by`,
    [runId, runKey, shopId, date, fingerprint, checks, approval, onTimeout, toMs(waitAtMost)],
  )
  const [row] = noted.rows
  if (row === undefined) throw new Error(`audit.held_days took no row for ${runKey}`)
  return row.decide_by
}
