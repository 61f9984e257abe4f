import type { Command } from 'commander'
import type { Graph } from '../dag/graph.ts'
import type { TaskStates } from '../dag/task-state.ts'
import { isActive } from '../dag/task-state.ts'
import type { Database } from '../platform/database.ts'
import { dagOption, jsonOption } from './arguments.ts'
import { withDatabase } from './connect.ts'
import { UsageError } from './exit-codes.ts'
import { instant, printJson, printLine, printTable, seconds } from './print.ts'
import { printOpenDecisions, readOutdated, readWaiting } from './quarantine-days.ts'
import { printHeld, readHeld } from './read-held.ts'
import { printRestatement, readRestatement } from './read-restatement.ts'
import { printInterventions, readInterventions } from './read-interventions.ts'
import type { AttemptState } from './recorded-run.ts'
import { settle } from './recorded-run.ts'
import { readStates } from './states-now.ts'

interface Flags {
  dag: string
  json?: true
}

export function registerShow(program: Command): void {
  program
    .command('show')
    .argument('<run>', 'a run key (ecommerce_daily/2025-12-13), a date or a run id')
    .addOption(dagOption())
    .addOption(jsonOption())
    .addHelpText(
      'after',
      `
Examples:
  daybook show 2025-12-13
  daybook show online_retail_daily/2011-11-14 --json`,
    )
    .action(showRun)
}

async function showRun(run: string, flags: Flags): Promise<void> {
  const key = /^\d{4}-\d{2}-\d{2}$/.test(run) ? `${flags.dag}/${run}` : run
  const shown = await withDatabase((database) => readRun(database, key))
  if (flags.json) return printJson(shown)
  printRun(shown)
}

interface RunRow {
  run_id: string
  run_key: string
  dag_id: string
  logical_date: string
  trigger: string
  state: string
  started_at: Date
  ended_at: Date | null
  seconds: string | null
  error: string | null
  graph: Graph
  task_states: TaskStates
}

interface ShownAttempt {
  task_id: string
  /** Of an instance of a mapped task, if its map names it. */
  display_name: string | null
  attempt: number
  state: AttemptState
  started_at: Date
  ended_at: Date | null
  seconds: string | null
  rows_in: number | null
  rows_out: number | null
  rows_rejected: number | null
  bytes: number | null
  is_up_to_date: boolean
  error: string | null
}

interface CheckRow {
  check_id: string
  severity: string
  is_passed: boolean
  expected: string
  actual: string
  failed_rows: number
}

interface FileRow {
  source: string
  path: string
  state: string
  records_received: number
  records_loaded: number | null
  records_quarantined: number | null
  records_duplicate: number | null
  /** Records that count as somebody corrected them. */
  records_fixed: number
}

async function readRun(database: Database, key: string) {
  const found = await database.query<RunRow>(
    `select run_id, run_key, dag_id, logical_date, trigger, state, started_at, ended_at, seconds,
       error, graph, task_states
     from audit.executions where run_key = $1 or run_id = $1
     order by recency desc limit 1`,
    [key],
  )
  const run = found.rows[0]
  if (run === undefined) {
    throw new UsageError(`There is no run ${key}; \`daybook runs\` lists those there are`)
  }
  const select = async <Row extends object>(sql: string, params = [run.run_id]) =>
    (await database.query<Row>(sql, params)).rows
  const files = await select<FileRow>(
    `select source, path, state, records_received, records_loaded, records_quarantined,
         records_duplicate,
         (select count(*) from audit.fixes_in_force as fix
          where fix.file_id = file.file_id and fix.action = 'fix' and fix.staged_at is not null
         ) as records_fixed
       from audit.source_files as file where load_date = $2 and state <> 'superseded' and run_id in (
         select run_id from audit.pipeline_runs where run_key = $1)
       order by source, path`,
    [run.run_key, run.logical_date],
  )
  const attempts = await select<ShownAttempt>(
    `select task_id, display_name, attempt, state, started_at, ended_at, seconds, rows_in, rows_out,
       rows_rejected, bytes, is_up_to_date, error
     from audit.task_runs where run_id = $1 order by started_at, task_id, attempt`,
  )
  const states = await readStates(run, attempts)
  const { graph: _, ...shown } = run
  return {
    ...{ ...shown, task_states: states, attempts: settle(attempts, states) },
    restatement: await readRestatement(database, run.run_id),
    held: await readHeld(database, run.run_key),
    interventions: await readInterventions(database, run.run_key),
    checks: await select<CheckRow>(
      `select check_id, severity, is_passed, expected, actual, failed_rows
       from audit.standing_checks where run_id = $1 order by is_passed, check_id`,
    ),
    decisions: await readDecisions(database, run, files),
    files,
  }
}

/** What people decided about records of the run's files, as far as the books do not have it. */
async function readDecisions(database: Database, run: RunRow, files: readonly FileRow[]) {
  const day = { date: run.logical_date }
  const sources = new Set(files.map((file) => file.source))
  const ofRun = ({ source }: { source: string }) => sources.has(source)
  return {
    waiting: (await readWaiting(database, day)).filter(ofRun),
    outdated: (await readOutdated(database, day)).filter(ofRun),
  }
}

type ShownRun = Awaited<ReturnType<typeof readRun>>

function printRun(run: ShownRun): void {
  printLine(`${run.run_key}  ${run.state}  (started by ${run.trigger}, run id ${run.run_id})`)
  const ended = run.ended_at === null ? 'still running' : `ended ${instant(run.ended_at)}`
  printLine(`started ${instant(run.started_at)} UTC, ${ended}, ${seconds(run.seconds)} s`)
  if (run.error !== null) printLine(`error: ${run.error}`)
  printHeld(run, run.held)
  printTasks(run)
  printInterventions(run.interventions)
  printFiles(run.files)
  printOpenDecisions(run.decisions)
  printRestatement(run.restatement)
  printChecks(run.checks)
}

function printTasks({ attempts, task_states }: ShownRun): void {
  printLine('\nTasks')
  const attempted = new Set(attempts.map((attempt) => attempt.task_id))
  const running = attempts.filter(({ state }) => state === 'running').map(({ task_id }) => task_id)
  const others = Object.entries(task_states).filter(
    ([task, status]) => !attempted.has(task) || (isActive(status) && !running.includes(task)),
  )
  const rows = [
    ...attempts.map((row) => [
      ...[nameOf(row), row.state, row.attempt, seconds(row.seconds), row.rows_in, row.rows_out],
      ...[row.rows_rejected, row.is_up_to_date ? 'up to date' : (row.error?.split('\n')[0] ?? '')],
    ]),
    ...others.map(([task, { state, reason }]) => [
      task,
      state,
      null,
      '-',
      null,
      null,
      null,
      reason,
    ]),
  ]
  const titles = ['task', 'state', 'attempt', 'seconds', 'rows in', 'rows out', 'rejected', 'why']
  printTable(titles, rows, 'No task has started.')
}

function nameOf({ task_id, display_name }: ShownAttempt): string {
  return display_name === null ? task_id : `${task_id} ${display_name}`
}

function printFiles(files: FileRow[]): void {
  if (files.length === 0) return
  printLine('\nFiles')
  const rows = files.map((file) => [
    ...[file.source, file.path, file.state, file.records_received, file.records_loaded],
    ...[file.records_quarantined, file.records_fixed, file.records_duplicate],
  ])
  const counts = ['received', 'loaded', 'quarantined', 'fixed', 'duplicates']
  printTable(['source', 'file', 'state', ...counts], rows, '')
}

function printChecks(checks: CheckRow[]): void {
  if (checks.length === 0) return
  printLine('\nChecks')
  const rows = checks.map((check) => [
    ...[check.check_id, resultOf(check)],
    ...[check.expected, check.actual, check.failed_rows],
  ])
  printTable(['check', 'result', 'expected', 'found', 'bad rows'], rows, '')
}

function resultOf({ severity, is_passed }: CheckRow): string {
  if (severity === 'info') return 'counted'
  return is_passed ? 'passed' : `FAILED (${severity})`
}
