import type { Client } from '@temporalio/client'
import type { Command } from 'commander'
import { addDays, dueMs, lastCompleteDate } from '../dag/calendar.ts'
import { parseDailyCron } from '../dag/cron.ts'
import { conditionInWords } from '../dag/datasets.ts'
import type { Dag } from '../dag/define-dag.ts'
import type { Database } from '../platform/database.ts'
import { readSchedule } from '../platform/read-schedule.ts'
import { dagIds, findDag } from '../schedules/schedules.ts'
import { jsonOption } from './arguments.ts'
import { withServers } from './connect.ts'
import { instant, printJson, printTable } from './print.ts'

export function registerDags(program: Command): void {
  program
    .command('dags')
    .addOption(jsonOption())
    .addHelpText(
      'after',
      `
"next due" is when the schedule starts the next run; it is the run of the day before.

Examples:
  daybook dags
  daybook dags --json`,
    )
    .action(listDags)
}

interface DagRow {
  readonly dag_id: string
  readonly description: string
  readonly schedule: string | null
  readonly time_zone: string
  /** What starts it beside the schedule, in words. */
  readonly datasets: string | null
  readonly next_due: Date | null
  /** Null where Temporal has no schedule of it. */
  readonly is_paused: boolean | null
  readonly tasks: number
  readonly max_active_runs: number
  readonly latest_run: LatestRun | null
}

interface LatestRun {
  readonly logical_date: string
  readonly state: string
}

async function listDags({ json }: { json?: true }): Promise<void> {
  const rows = await withServers(async ({ client, database }) => {
    const latest = await readLatestRuns(database)
    const dags = dagIds.flatMap((id) => findDag(id) ?? [])
    return Promise.all(dags.map((dag) => describeDag(client, dag, latest.get(dag.id) ?? null)))
  })
  if (json) return printJson(rows)
  const cells = rows.map((row) => [
    row.dag_id,
    scheduleInWords(row),
    row.is_paused ? 'paused' : instant(row.next_due),
    ...[row.tasks, row.max_active_runs],
    row.latest_run?.logical_date,
    row.latest_run?.state,
  ])
  const titles = ['dag', 'schedule', 'next due (UTC)', 'tasks', 'max active runs']
  printTable([...titles, 'latest run', 'state'], cells, 'There is no DAG.')
}

async function describeDag(client: Client, dag: Dag, latest: LatestRun | null): Promise<DagRow> {
  const dueAtMs = nextDueMs(dag, Date.now())
  const schedule = dag.schedule === null ? undefined : await readSchedule(client, dag.id)
  return {
    dag_id: dag.id,
    description: dag.description,
    schedule: dag.schedule?.cron ?? null,
    time_zone: dag.timeZone,
    datasets: dag.datasets === undefined ? null : conditionInWords(dag.datasets),
    next_due: dueAtMs === undefined ? null : new Date(dueAtMs),
    is_paused: schedule?.isPaused ?? null,
    tasks: dag.graph.tasks.length,
    max_active_runs: dag.maxActiveRuns,
    latest_run: latest,
  }
}

function scheduleInWords({ schedule, time_zone, datasets }: DagRow): string {
  const cron = schedule === null ? [] : [`${schedule} ${time_zone}`]
  return [...cron, ...(datasets === null ? [] : [datasets])].join(' or ') || 'none'
}

function nextDueMs({ schedule, startDate }: Dag, nowMs: number): number | undefined {
  if (schedule === null) return undefined
  const cron = parseDailyCron(schedule.cron)
  const yesterday = lastCompleteDate(nowMs, schedule.timeZone)
  const first = startDate ?? yesterday
  const dates = [yesterday, addDays(yesterday, 1)].map((date) => (date < first ? first : date))
  const due = dates.map((date) => dueMs(date, cron, schedule.timeZone))
  return Math.min(...due.filter((ms) => ms > nowMs))
}

async function readLatestRuns(database: Database): Promise<ReadonlyMap<string, LatestRun>> {
  const { rows } = await database.query<LatestRun & { dag_id: string }>(
    `select distinct on (dag_id) dag_id, logical_date, state from audit.executions
     order by dag_id, logical_date desc, recency desc`,
  )
  return new Map(rows.map(({ dag_id, ...latest }) => [dag_id, latest]))
}
