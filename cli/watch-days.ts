import { setTimeout as sleep } from 'node:timers/promises'
import type { Database } from '../platform/database.ts'
import { seconds } from './print.ts'
import type { Progress } from './progress.ts'
import { describeWaiting, readWaitingRuns } from './read-held.ts'

const pollMs = 300

export interface WatchedDays {
  database: Database
  dagId: string
  dates: readonly string[]
  progress: Progress
  /** Asks the database until it answers. */
  through: Through
  /** Settles when all are done. */
  done: Promise<unknown>
}

/** Asks what changes nothing, again when a server was away. */
export type Through = <T>(ask: () => Promise<T>) => Promise<T>

interface DayRow {
  logical_date: string
  state: string
  seconds: string | null
  failed_tasks: string[]
}

/** Shows how far the days are, by the audit tables, until `done` settles. */
export async function watchDays(watched: WatchedDays): Promise<void> {
  const { database, dagId, dates, progress, through, done } = watched
  // Before anything is awaited: a run that is refused at once must find somebody listening.
  const settled = done.then(
    () => true,
    () => true,
  )
  const scope = { database, dagId, dates, since: await through(() => readServerTime(database)) }
  const said = new Set<string>()
  const sayOnce = (line: string) => {
    if (!said.has(line)) progress.finished(line)
    said.add(line)
  }
  for (let isDone = false; !isDone;) {
    const pause = new AbortController()
    isDone = await Promise.race([settled, sleep(pollMs, false, { signal: pause.signal })])
    // What is left of the pause would keep the command from ending.
    pause.abort()
    for (const attempt of await through(() => readFailedAttempts(scope)))
      sayOnce(describeAttempt(attempt))
    const ended = await through(() => readEndedDays(scope))
    for (const day of ended) sayOnce(describeDay(day))
    if (isDone) continue
    const waiting = await through(() => readWaitingRuns(database, dagId, dates))
    for (const run of waiting) sayOnce(describeWaiting(run))
    const running = await through(() => readRunningTasks(database, dagId))
    progress.update(ended.length, running)
  }
  progress.end()
}

interface Scope {
  database: Database
  dagId: string
  dates: readonly string[]
  since: Date
}

function describeAttempt({ day, task_id, attempt, error }: FailedAttempt): string {
  return `  ${day}  attempt ${attempt} of ${task_id} failed: ${error?.split('\n')[0] ?? ''}`
}

function describeDay(day: DayRow): string {
  const failed = day.failed_tasks.length === 0 ? '' : `  failed: ${day.failed_tasks.join(', ')}`
  return `  ${day.logical_date}  ${day.state}  ${seconds(day.seconds)} s${failed}`
}

async function readServerTime(database: Database): Promise<Date> {
  const { rows } = await database.query<{ now: Date }>('select now() as now')
  return rows[0]?.now ?? new Date()
}

async function readEndedDays({ database, dagId, dates, since }: Scope): Promise<DayRow[]> {
  const { rows } = await database.query<DayRow>(
    `select logical_date, state, seconds, failed_tasks from (
       select distinct on (logical_date) * from audit.executions
       where dag_id = $1 and logical_date = any ($2::date[])
       order by logical_date, recency desc) as latest
     where ended_at >= $3
     order by logical_date`,
    [dagId, dates, since],
  )
  return rows
}

interface FailedAttempt {
  day: string
  task_id: string
  attempt: number
  error: string | null
}

async function readFailedAttempts(scope: Scope): Promise<FailedAttempt[]> {
  const { database, dagId, dates, since } = scope
  const { rows } = await database.query<FailedAttempt>(
    `select run.logical_date as day, task.task_id, task.attempt, task.error
     from audit.task_runs as task
     inner join audit.pipeline_runs as run using (run_id)
     where run.dag_id = $1 and run.logical_date = any ($2::date[])
       and task.state = 'failed' and task.ended_at >= $3
     order by task.ended_at`,
    [dagId, dates, since],
  )
  return rows
}

async function readRunningTasks(database: Database, dagId: string): Promise<string> {
  const { rows } = await database.query<{ day: string; tasks: string }>(
    `select run.logical_date as day, coalesce(string_agg(task.task_id, ' ' order by task_id), '') as tasks
     from audit.pipeline_runs as run
     left join audit.task_runs as task on task.run_id = run.run_id and task.state = 'running'
     where run.dag_id = $1 and run.state = 'running'
     group by run.logical_date order by run.logical_date limit 2`,
    [dagId],
  )
  return rows.map(({ day, tasks }) => `${day} ${tasks}`).join(', ')
}
