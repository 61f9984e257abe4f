import { setTimeout as sleep } from 'node:timers/promises'
import { compareMs, median } from '../compare.ts'
import type { Database } from '../../platform/database.ts'
import type { Row } from '../report.ts'
import { row } from '../report.ts'
import type { BenchServers } from '../servers.ts'
import { backfillConcurrency, benchDay } from './dags.ts'
import { datesFrom, execute } from './start.ts'

const dateCount = 1_000
/** One that counts: it takes minutes, and everything has run before. */
const rounds = { warmUp: 0, counted: 1 }

const lookEveryMs = 10

/**
 * A date is admitted when it stands in the ledger with its place in the queue, and has begun when the
 * task of its run starts; as many run at once as a backfill allows.
 */
export async function measureBackfill({ client, database }: BenchServers): Promise<Row[]> {
  const concurrency = backfillConcurrency
  const admittedMs: number[] = []
  const begunMs: number[] = []
  let number = 0
  const bare = async () => {
    const id = `bare_backfill-${(number += 1)}`
    await execute(client, 'bare_backfill', id, { id, dates: datesFrom(0, dateCount), concurrency })
  }
  const daybook = async () => {
    const startedMs = Date.now()
    const dates = datesFrom(0, dateCount)
    const workflowId = `backfill-${(number += 1)}`
    const ended = execute(client, 'daybook_backfill', workflowId, {
      ...{ dagId: benchDay.id, from: dates[0], to: dates.at(-1) },
      ...{ concurrency, reprocess: 'all' },
    })
    await Promise.race([ended, untilAdmitted(database, workflowId)])
    admittedMs.push(Date.now() - startedMs)
    await ended
    const { rows } = await database.query<{ last: Date; runs: number }>(
      `select max(started_at) as last, count(distinct run_id) as runs from audit.task_runs
       where run_key like $1 and started_at >= $2`,
      [`${benchDay.id}/%`, new Date(startedMs)],
    )
    const [found] = rows
    if (found?.runs !== dateCount) throw new Error(`${found?.runs} of ${dateCount} dates have run`)
    begunMs.push(found.last.getTime() - startedMs)
  }
  const took = await compareMs('backfill', { bare, daybook }, rounds)
  const name = `backfill of ${dateCount} dates`
  const seconds = (ms: number) => ms / 1_000
  return [
    row({ metric: `${name}: admitted`, value: seconds(median(admittedMs)), unit: 's', goal: 10 }),
    row({ metric: `${name}: last begun`, value: seconds(median(begunMs)), unit: 's' }),
    row({ metric: `${name}: Daybook`, value: seconds(took('daybook')), unit: 's' }),
    row({ metric: `${name}: Temporal`, value: seconds(took('bare')), unit: 's' }),
    row({
      metric: `${name}: Daybook / Temporal`,
      value: took('daybook') / took('bare'),
      unit: 'times',
    }),
  ]
}

async function untilAdmitted(database: Database, workflowId: string): Promise<void> {
  for (;;) {
    const { rows } = await database.query<{ days: number }>(
      `select count(*) as days from audit.backfills inner join audit.backfill_days using (backfill_id)
       where workflow_id = $1`,
      [workflowId],
    )
    if (rows[0]?.days === dateCount) return
    await sleep(lookEveryMs)
  }
}
