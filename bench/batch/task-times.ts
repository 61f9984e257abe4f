import type { Database } from '../../platform/database.ts'
import { median } from '../compare.ts'
import type { StatementTime } from '../verify/statement-times.ts'

/** Where the seconds of a run went. */
export interface RunTimes {
  readonly tasks: ReadonlyMap<string, TaskTimes>
  /** Seconds of the run in which no task ran. */
  readonly outsideOfTasks: number
}

interface TaskTimes {
  readonly seconds: number
  /** Seconds in which PostgreSQL answered its statements; COPY from a file is none of them. */
  readonly sqlSeconds: number
}

interface TaskRow {
  readonly task_id: string
  readonly started: number
  readonly ended: number
}

/** @param seconds of the run, as whoever started it saw them */
export async function readRunTimes(
  database: Database,
  seconds: number,
  statements: readonly StatementTime[],
): Promise<RunTimes> {
  const { rows } = await database.query<TaskRow>(
    `select task_id, extract(epoch from started_at)::float8 as started,
       extract(epoch from ended_at)::float8 as ended
     from audit.task_runs where state = 'success' order by started_at`,
  )
  const tasks = rows.map(({ task_id, started, ended }) => {
    const ofTask = statements.filter(({ task }) => task === task_id)
    const sqlSeconds = ofTask.reduce((sum, { ms }) => sum + ms / 1000, 0)
    return [task_id, { seconds: ended - started, sqlSeconds }] as const
  })
  return { tasks: new Map(tasks), outsideOfTasks: seconds - covered(rows) }
}

/** Seconds in which at least one task ran; rows in the order of their beginning. */
function covered(rows: readonly TaskRow[]): number {
  let [seconds, until] = [0, 0]
  for (const { started, ended } of rows) {
    seconds += Math.max(0, ended - Math.max(started, until))
    until = Math.max(until, ended)
  }
  return seconds
}

/** The medians of some runs, by task. */
export function medianTimes(runs: readonly RunTimes[]): RunTimes {
  const names = [...new Set(runs.flatMap(({ tasks }) => [...tasks.keys()]))]
  const of = (name: string, value: keyof TaskTimes) =>
    median(runs.flatMap(({ tasks }) => tasks.get(name)?.[value] ?? []))
  const tasks = names.map((name) => {
    return [name, { seconds: of(name, 'seconds'), sqlSeconds: of(name, 'sqlSeconds') }] as const
  })
  const outsideOfTasks = median(runs.map((run) => run.outsideOfTasks))
  return { tasks: new Map(tasks), outsideOfTasks }
}

const shownStatements = 15
const shownCharacters = 110

/** The statements that took longest, a line each. */
export function heaviest(statements: readonly StatementTime[]): string {
  return statements
    .toSorted((left, right) => right.ms - left.ms)
    .slice(0, shownStatements)
    .map(({ task, ms, sql }) => {
      const text = sql.replaceAll(/\s+/g, ' ').trim().slice(0, shownCharacters)
      return `${ms.toFixed(0).padStart(7)} ms  ${(task ?? '').padEnd(28)}  ${text}`
    })
    .join('\n')
}
