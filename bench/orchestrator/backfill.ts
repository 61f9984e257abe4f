import { compareMs, median } from '../compare.ts'
import type { Row } from '../report.ts'
import { row } from '../report.ts'
import type { BenchServers } from '../servers.ts'
import { backfillConcurrency, benchDay } from './dags.ts'
import { datesFrom, execute } from './start.ts'

const dateCount = 1_000
/** One that counts: it takes minutes, and everything has run before. */
const rounds = { warmUp: 0, counted: 1 }

/** A date is admitted when the task of its run starts; as many run at once as a backfill allows. */
export async function measureBackfill({ client, database }: BenchServers): Promise<Row[]> {
  const concurrency = backfillConcurrency
  const admittedMs: number[] = []
  let number = 0
  const bare = async () => {
    const id = `bare_backfill-${(number += 1)}`
    await execute(client, 'bare_backfill', id, { id, dates: datesFrom(0, dateCount), concurrency })
  }
  const daybook = async () => {
    const startedMs = Date.now()
    const dates = datesFrom(0, dateCount)
    await execute(client, 'daybook_backfill', `backfill-${(number += 1)}`, {
      ...{ dagId: benchDay.id, from: dates[0], to: dates.at(-1) },
      ...{ concurrency, reprocess: 'all' },
    })
    const { rows } = await database.query<{ last: Date; runs: number }>(
      `select max(started_at) as last, count(distinct run_id) as runs from audit.task_runs
       where run_key like $1 and started_at >= $2`,
      [`${benchDay.id}/%`, new Date(startedMs)],
    )
    const [found] = rows
    if (found?.runs !== dateCount) throw new Error(`${found?.runs} of ${dateCount} dates have run`)
    admittedMs.push(found.last.getTime() - startedMs)
  }
  const took = await compareMs('backfill', { bare, daybook }, rounds)
  const name = `backfill of ${dateCount} dates`
  const seconds = (ms: number) => ms / 1_000
  const admitted = median(admittedMs)
  return [
    row({ metric: `${name}: admitted`, value: seconds(admitted), unit: 's', goal: 10 }),
    row({ metric: `${name}: Daybook`, value: seconds(took('daybook')), unit: 's' }),
    row({ metric: `${name}: Temporal`, value: seconds(took('bare')), unit: 's' }),
    row({
      metric: `${name}: Daybook / Temporal`,
      value: took('daybook') / took('bare'),
      unit: 'times',
    }),
  ]
}
