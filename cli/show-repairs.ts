import type { ClearedTask } from '../dag/plan-clear.ts'
import type { Connections } from './connect.ts'
import type { EndOfRun } from './end-of-run.ts'
import { assertSucceeded, endOfRun } from './end-of-run.ts'
import { followDays, wordsFor } from './follow-days.ts'
import type { RunOfDay } from './intervene.ts'
import { formatTable, printJson, printLine } from './print.ts'
import type { MadeRepair, PlannedRepair } from './repair-run.ts'

/** What was or would be done to several runs, and those in which there is nothing to do. */
export interface Repairs<T> {
  readonly able: readonly { readonly run: RunOfDay; readonly made: T }[]
  readonly skipped: readonly { readonly run_key: string; readonly why: string }[]
}

export function printRepairPlans(
  { able, skipped }: Repairs<PlannedRepair>,
  { json }: { json?: true },
): void {
  if (json) {
    const runs = able.map(({ run, made: { isLive, tasks, marked, left, params } }) => ({
      ...{ run_key: run.run_key, is_live: isLive, ...(marked && { marked: marked.map(inJson) }) },
      ...{ tasks: tasks.map(inJson), left_as_they_are: left.map(inJson) },
      ...(params === undefined ? {} : { params }),
    }))
    return printJson({ runs, skipped })
  }
  for (const { run, made } of able) printPlan(run.run_key, made)
  for (const { why } of skipped) printLine(why)
}

function printPlan(runKey: string, { tasks, marked, left, params }: PlannedRepair): void {
  const again = `${counted(tasks)} would run again`
  const words = marked === undefined ? again : `${counted(marked)} would be marked, ${again}`
  printLine(`${runKey}: ${words}\n`)
  if (marked !== undefined) printLine(`${tableOf(marked)}\n`)
  if (tasks.length > 0) printLine(tableOf(tasks))
  if (params !== undefined) printLine(`\nparams: ${JSON.stringify(params)}`)
  if (left.length > 0) {
    printLine('\nLeft as they are, though something before them runs again:\n')
    printLine(tableOf(left))
  }
  printLine()
}

interface Told {
  readonly dag: string
  readonly json?: true
  readonly done: (tasks: readonly ClearedTask[]) => string
}

/** Says what was done, and waits for the end of what was started for it. */
export async function followRepairs(
  to: Connections,
  { able, skipped }: Repairs<MadeRepair>,
  { json, done }: Told,
): Promise<void> {
  for (const { run, made } of json ? [] : able) {
    const how = made.isLive ? 'goes on' : 'goes on as a new execution'
    printLine(`${run.run_key} ${how}, ${done(made.tasks)}`)
    if (made.tasks.length > 0) printLine(`\n${tableOf(made.tasks)}\n`)
  }
  if (!json) for (const { why } of skipped) printLine(why)
  const ends = await waitForAll(to, able)
  if (json) printJson({ runs: able.map((one, index) => reportOf(one, ends[index])), skipped })
  assertSucceeded(ends.filter((end) => end !== undefined))
  if (json) return
  for (const { run } of able.filter(({ made }) => !made.isLive)) {
    printLine(`${run.run_key} is done: \`daybook show ${run.run_key}\``)
  }
}

async function waitForAll(
  to: Connections,
  able: Repairs<MadeRepair>['able'],
): Promise<(EndOfRun | undefined)[]> {
  const started = able.filter(({ made }) => made.handle !== undefined).map(({ run }) => run)
  const [first] = started
  if (first === undefined) return able.map(() => undefined)
  const dates = started.map((run) => run.logical_date)
  const followed = { dagId: first.dag_id, dates, ...wordsFor(started.map((run) => run.run_key)) }
  return followDays(to, followed, (through) =>
    Promise.all(able.map(async ({ made }) => made.handle && endOfRun(made.handle, through))),
  )
}

function reportOf(
  { run, made }: Repairs<MadeRepair>['able'][number],
  end: EndOfRun | undefined,
): object {
  const report = { run_key: run.run_key, is_live: made.isLive, tasks: made.tasks.map(inJson) }
  if (end === undefined) return { ...report, state: 'running' }
  return { ...report, state: end.state, ...(end.state === 'failed' && { error: end.error }) }
}

function inJson({ taskId, state, why, instances }: ClearedTask) {
  return { task_id: taskId, state, why, ...(instances === undefined ? {} : { instances }) }
}

function tableOf(tasks: readonly ClearedTask[]): string {
  const rows = tasks.map((task) => [nameOf(task), inWords(task.state), task.why])
  return formatTable(['task', 'state', 'why'], rows)
}

const mostCharactersOfIndexes = 40

function nameOf({ taskId, instances }: ClearedTask): string {
  if (instances === undefined) return taskId
  if (instances.length <= mostCharactersOfIndexes) return `${taskId}[${instances}]`
  return `${taskId}[${instances.slice(0, mostCharactersOfIndexes)}…]`
}

function inWords(state: string): string {
  return state === 'none' ? 'not started' : state
}

export function counted({ length }: readonly unknown[]): string {
  return length === 1 ? '1 task' : `${length} tasks`
}
