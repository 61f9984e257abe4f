import type { Command } from 'commander'
import type { ExpectedFinish, PathStep, TaskSpans } from '../dag/critical-path.ts'
import { criticalPath, expectFinish, medianDurationsMs } from '../dag/critical-path.ts'
import { ganttLegend, renderGantt } from '../dag/render-gantt.ts'
import type { TaskStates } from '../dag/task-state.ts'
import { isActive, stateOf } from '../dag/task-state.ts'
import type { Database } from '../platform/database.ts'
import { dagOption, jsonOption } from './arguments.ts'
import { withDatabase } from './connect.ts'
import { instant, printJson, printLine, printTable } from './print.ts'
import type { AttemptRow, RecordedRun } from './recorded-run.ts'
import { readAttempts, requireRun, settle } from './recorded-run.ts'
import { readStates } from './states-now.ts'
import { terminalWidth } from './terminal-width.ts'

interface Flags {
  dag: string
  json?: true
}

export function registerGantt(program: Command): void {
  program
    .command('gantt')
    .argument('<run>', 'a run key (ecommerce_daily/2025-12-13), a date or a run id')
    .addOption(dagOption())
    .addOption(jsonOption())
    .addHelpText(
      'after',
      `
The critical path is the chain of tasks that determined when the run ended. The finish of a run that
goes on is expected from the median durations of the last ${pastRuns} successful runs of its DAG.

Examples:
  daybook gantt 2025-12-13
  daybook gantt online_retail_daily/2011-11-14 --json`,
    )
    .action(showGantt)
}

const pastRuns = 20

interface Gantt {
  readonly run: RecordedRun
  readonly attempts: readonly AttemptRow[]
  readonly states: TaskStates
  readonly startMs: number
  readonly endMs: number
  readonly path: readonly PathStep[]
  /** Of a run that goes on. */
  readonly expected: (ExpectedFinish & { readonly basedOnRuns: number }) | undefined
}

async function showGantt(key: string, flags: Flags): Promise<void> {
  const gantt = await withDatabase((database) => readGantt(database, key, flags.dag))
  if (flags.json) return printJson(asJson(gantt))
  printGantt(gantt)
}

async function readGantt(database: Database, key: string, dagId: string): Promise<Gantt> {
  const run = await requireRun(database, key, dagId)
  const recorded = await readAttempts(database, run.run_id)
  const states = await readStates(run, recorded)
  const attempts = settle(recorded, states)
  const startMs = run.started_at.getTime()
  const endMs = run.ended_at?.getTime() ?? (await readServerTime(database))
  const spans = spansOf(run, states, attempts)
  const path = criticalPath(run.graph, spans, { startMs, nowMs: endMs })
  if (run.ended_at !== null)
    return { run, attempts, states, startMs, endMs, path, expected: undefined }
  const past = await readPastDurations(database, run.dag_id)
  const usual = medianDurationsMs(past)
  const expected = { ...expectFinish(run.graph, spans, usual, endMs), basedOnRuns: past.length }
  return { run, attempts, states, startMs, endMs, path, expected }
}

async function readServerTime(database: Database): Promise<number> {
  const { rows } = await database.query<{ now: Date }>('select now() as now')
  return (rows[0]?.now ?? new Date()).getTime()
}

function spansOf(run: RecordedRun, states: TaskStates, attempts: readonly AttemptRow[]): TaskSpans {
  const byTask = Map.groupBy(attempts, ({ task_id }) => task_id)
  const spans = [...byTask].map(([id, tries]) => {
    const startMs = Math.min(...tries.map((one) => one.started_at.getTime()))
    // A task between two tries has not ended.
    const goesOn = run.ended_at === null && isActive(states[id])
    const last = tries.at(-1)
    const isEndKnown = last?.state === 'running' || last?.ended_at !== null
    // It ended some time after its last try began: no more is known, and no longer is counted.
    const knownMs = isEndKnown ? last?.ended_at?.getTime() : last?.started_at.getTime()
    return [id, { startMs, endMs: goesOn ? null : (knownMs ?? null), isEndKnown }] as const
  })
  return new Map(spans)
}

/** What each task took in the last successful runs of a DAG, its retries included; null if not known. */
async function readPastDurations(
  database: Database,
  dagId: string,
): Promise<ReadonlyMap<string, number | null>[]> {
  const { rows } = await database.query<{ run_id: string; task_id: string; ms: number | null }>(
    `with

    past_runs as (
        select run_id from audit.pipeline_runs
        where dag_id = $1 and state = 'success'
        order by started_at desc
        limit $2
    )

    select
        run_id,
        task_id,
        case
            when bool_and(ended_at is not null)
                then (extract(epoch from max(ended_at) - min(started_at)) * 1000)::float
        end as ms
    from audit.task_runs
    inner join past_runs using (run_id)
    group by run_id, task_id`,
    [dagId, pastRuns],
  )
  const byRun = Map.groupBy(rows, ({ run_id }) => run_id)
  return [...byRun.values()].map((tasks) => new Map(tasks.map(({ task_id, ms }) => [task_id, ms])))
}

function printGantt(gantt: Gantt): void {
  const { run, attempts, states, startMs, endMs, path } = gantt
  const total = `${inSeconds(endMs - startMs)} s`
  const sofar = run.ended_at === null ? `${total} so far` : total
  printLine(`${run.run_key}  ${run.state}  ${sofar}, started ${instant(run.started_at)} UTC`)
  const retrying = Object.keys(states).filter((id) => stateOf(states, id) === 'up_for_retry')
  if (attempts.length + retrying.length === 0) return printLine('No task has started.')
  const critical = new Set(path.map(({ taskId }) => taskId))
  const byTask = Map.groupBy(attempts, ({ task_id }) => task_id)
  for (const id of retrying) if (!byTask.has(id)) byTask.set(id, [])
  const rows = [...byTask].map(([taskId, tries]) => ({
    taskId,
    isCritical: critical.has(taskId),
    isRetrying: retrying.includes(taskId),
    attempts: tries.map(({ state, started_at, ended_at }) => ({
      state,
      startMs: started_at.getTime(),
      endMs: ended_at?.getTime() ?? null,
    })),
  }))
  printLine(renderGantt(rows, { startMs, endMs, width: terminalWidth() }))
  printLine(`  ${ganttLegend}`)
  for (const id of retrying) printLine(`  ${id} ${states[id]?.reason}`)
  printPath(gantt)
  printExpected(gantt)
}

function printPath({ path, startMs, endMs }: Gantt): void {
  printLine('\nCritical path')
  const rows = path.map(({ taskId, waitedMs, ranMs }) => [
    taskId,
    `${inSeconds(waitedMs)} s`,
    ...(ranMs === null ? [null, null] : [`${inSeconds(ranMs)} s`, percent(ranMs, endMs - startMs)]),
  ])
  printTable(['task', 'waited', 'ran', 'share of the run'], rows, '')
}

function printExpected({ expected, endMs }: Gantt): void {
  if (expected === undefined) return
  if (expected.basedOnRuns === 0) {
    return printLine('\nNo finish can be expected yet: no run of this DAG has succeeded.')
  }
  const { finishMs, path, basedOnRuns } = expected
  const through = path.length === 0 ? '' : `, through ${path.join(', ')}`
  printLine(
    `\nExpected to finish at ${instant(new Date(finishMs))} UTC, in ${inSeconds(finishMs - endMs)} s` +
      `${through} (median of ${basedOnRuns} successful runs)`,
  )
}

function asJson({ run, attempts, startMs, endMs, path, expected }: Gantt) {
  const totalMs = endMs - startMs
  return {
    ...{ run_key: run.run_key, run_id: run.run_id, state: run.state },
    ...{ started_at: run.started_at, ended_at: run.ended_at, seconds: totalMs / 1_000 },
    attempts,
    critical_path: path.map(({ taskId, waitedMs, ranMs }) => ({
      ...{ task_id: taskId, waited_seconds: waitedMs / 1_000 },
      seconds: ranMs === null ? null : ranMs / 1_000,
      share: ranMs === null ? null : ranMs / Math.max(totalMs, 1),
    })),
    expected_finish:
      expected === undefined || expected.basedOnRuns === 0
        ? null
        : {
            at: new Date(expected.finishMs),
            path: expected.path,
            based_on_runs: expected.basedOnRuns,
          },
  }
}

function inSeconds(ms: number): string {
  return (ms / 1_000).toFixed(1)
}

function percent(part: number, whole: number): string {
  return `${Math.round((100 * part) / Math.max(whole, 1))} %`
}
