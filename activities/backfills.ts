import type { Client } from '@temporalio/client'
import type { BackfillInput, BackfillPlan, DayFacts, PlannedDay } from '../dag/plan-backfill.ts'
import { decideDays } from '../dag/plan-backfill.ts'
import type { SeenDays } from '../platform/day-facts.ts'
import { readClaims, readDayFacts } from '../platform/day-facts.ts'
import type { Database, Transaction } from '../platform/database.ts'
import { inTransaction } from '../platform/database.ts'
import { storableJson, storableText } from '../platform/storable-text.ts'
import { badInput } from './bad-input.ts'

/** What was asked for, resolved by the workflow: recorded before anything depends on it. */
export type BackfillStart =
  | { readonly problem: string }
  | {
      /** Run id of the first execution. */
      readonly backfillId: string
      readonly workflowId: string
      readonly startedMs: number
      readonly plan: BackfillPlan
    }

export interface StartedBackfill {
  /** Absent in histories from before there was a ledger of backfills. */
  readonly backfillId?: string
  readonly input: BackfillInput
  readonly concurrency: number
  readonly days: readonly (PlannedDay | UndecidedDay)[]
}

/** A day in a history from before the ledger of backfills: what the reason follows from. */
export interface UndecidedDay {
  readonly date: string
  readonly latestState: string | null
  readonly heldBy?: string | null
}

export interface EndedBackfill {
  readonly backfillId: string
  readonly state: 'success' | 'failed' | 'cancelled'
  /** Days that turned out not to run. */
  readonly skipped: readonly { readonly date: string; readonly reason: string }[]
}

export interface BackfillDeps {
  readonly database: Database
  readonly client: Client
}

export type BackfillActivities = ReturnType<typeof createBackfillActivities>

/** The ledger of backfills. Repeatable. */
export function createBackfillActivities({ database, client }: BackfillDeps) {
  return {
    /**
     * Decides which days of a range run, and writes every one of them with its place and, if it does
     * not run, the reason. Backfills of a DAG do this one after the other, so that no two have a day.
     * @throws BadInput (never retried) when the range means no days
     */
    async startBackfill(start: BackfillStart): Promise<StartedBackfill> {
      if ('problem' in start) throw badInput(start.problem)
      const { backfillId, plan } = start
      const { input, concurrency } = plan
      await endOlderExecutions(database, start)
      // Temporal may take long to answer: nobody waits in a transaction for that.
      const seen = await readDayFacts({ database, client }, input.dagId, datesToRun(plan.days))
      const days = await inTransaction(database, async (transaction) => {
        await transaction.query(
          `select pg_advisory_xact_lock(hashtextextended('audit.backfills/' || $1, 0))`,
          [input.dagId],
        )
        const planned = await readPlanned(transaction, backfillId)
        return planned.length > 0 ? planned : openBackfill(transaction, start, seen)
      })
      return { backfillId, input, concurrency, days }
    },

    /** Writes how a backfill has ended, and why days that it was going to run did not. */
    async closeBackfill({ backfillId, state, skipped }: EndedBackfill): Promise<void> {
      await database.query(
        `with given as (
           update audit.backfill_days as day set reason = skipped.reason
           from unnest($3::date[], $4::text[]) as skipped (logical_date, reason)
           where day.backfill_id = $1 and day.logical_date = skipped.logical_date)
         update audit.backfills set state = $2, ended_at = now() where backfill_id = $1`,
        [
          ...[backfillId, state, skipped.map(({ date }) => date)],
          skipped.map(({ reason }) => storableText(reason)),
        ],
      )
    },
  }
}

/** Of an activity that has run before. */
async function readPlanned(transaction: Transaction, backfillId: string): Promise<PlannedDay[]> {
  const { rows } = await transaction.query<PlannedDay>(
    `select logical_date as date, reason from audit.backfill_days where backfill_id = $1
     order by ordinal`,
    [backfillId],
  )
  return rows
}

type PlannedStart = Exclude<BackfillStart, { problem: string }>

/** One execution a workflow id: an older one that has not written its end was terminated. */
async function endOlderExecutions(
  database: Database,
  { workflowId, backfillId }: PlannedStart,
): Promise<void> {
  await database.query(
    `update audit.backfills set state = 'cancelled', ended_at = now()
     where workflow_id = $1 and backfill_id <> $2 and ended_at is null`,
    [workflowId, backfillId],
  )
}

function datesToRun(days: readonly PlannedDay[]): string[] {
  return days.filter((day) => day.reason === null).map((day) => day.date)
}

/** A backfill that began since the look has just begun, and has its days. */
async function withNewClaims(
  transaction: Transaction,
  { input, days }: BackfillPlan,
  { facts, backfillIds }: SeenDays,
): Promise<ReadonlyMap<string, DayFacts>> {
  const claims = await readClaims(transaction, input.dagId, datesToRun(days))
  const added = claims.filter(({ backfillId }) => !backfillIds.has(backfillId))
  const held = added.map(({ date, workflowId }): [string, DayFacts] => [
    date,
    { state: facts.get(date)?.state ?? null, heldBy: workflowId },
  ])
  return new Map([...facts, ...held])
}

async function openBackfill(
  transaction: Transaction,
  { backfillId, workflowId, startedMs, plan }: PlannedStart,
  seen: SeenDays,
): Promise<PlannedDay[]> {
  const { input, concurrency } = plan
  const days = decideDays(plan, await withNewClaims(transaction, plan, seen))
  await transaction.query(
    `insert into audit.backfills (backfill_id, workflow_id, dag_id, state, input, started_at)
     values ($1, $2, $3, 'running', $4, to_timestamp($5 / 1000.0))`,
    [backfillId, workflowId, input.dagId, storableJson({ ...input, concurrency }), startedMs],
  )
  await transaction.query(
    `insert into audit.backfill_days (backfill_id, ordinal, logical_date, reason)
     select $1, ordinal, logical_date, reason
     from unnest($2::date[], $3::text[]) with ordinality as day (logical_date, reason, ordinal)`,
    [backfillId, days.map(({ date }) => date), days.map(({ reason }) => reason)],
  )
  return days
}
