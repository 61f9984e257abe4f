import type { Database } from '../platform/database.ts'
import { instant, printLine } from './print.ts'

/** That a run asked whether its day is right, and what came of it. */
export interface HeldRow {
  task_id: string
  /** The error checks that failed. */
  checks: string[]
  held_at: Date
  decide_by: Date
  on_timeout: 'fail' | 'skip'
  decision: 'approve' | 'reject' | null
  decided_by: string | null
  decided_at: Date | null
  reason: string | null
}

/** When the day of the run was held last, in whichever execution that was; null where it never was. */
export async function readHeld(database: Database, runKey: string): Promise<HeldRow | null> {
  const { rows } = await database.query<HeldRow>(
    `select task_id, checks, held_at, decide_by, on_timeout, decision, decided_by, decided_at, reason
     from audit.held_day_decisions where run_key = $1 order by held_at desc limit 1`,
    [runKey],
  )
  return rows[0] ?? null
}

interface ShownRun {
  readonly run_key: string
  readonly started_at: Date
  readonly ended_at: Date | null
}

export function printHeld(run: ShownRun, held: HeldRow | null): void {
  if (held === null) return
  const isOver = run.ended_at !== null || held.held_at < run.started_at
  printLine(`\n${sinceWhen(held)}`)
  printLine(`  ${answerOf(held, isOver)}`)
  if (run.ended_at === null && isOver && held.decision !== 'approve') {
    // A clear may have asked again, which only the run itself knows.
    printLine(`  whether it waits again: daybook why ${run.run_key} ${held.task_id}`)
  }
  if (held.decision !== null || isOver) return
  printLine(`  ${howToAnswer(run.run_key, held)}`)
}

type Question = Pick<HeldRow, 'task_id' | 'checks' | 'held_at' | 'decide_by' | 'on_timeout'>

/** A run that waits for a person now. */
export interface WaitingRun extends Question {
  run_key: string
}

/** Runs of these days whose question nobody has answered, while there is time to. */
export async function readWaitingRuns(
  database: Database,
  dagId: string,
  dates: readonly string[],
): Promise<WaitingRun[]> {
  const { rows } = await database.query<WaitingRun>(
    `select run_key, task_id, checks, held_at, decide_by, on_timeout from (
       select distinct on (run_id) held.* from audit.held_day_decisions as held
       inner join audit.pipeline_runs as run using (run_id)
       where run.dag_id = $1 and run.logical_date = any ($2::date[]) and run.ended_at is null
       order by run_id, held_at desc) as latest
     where decision is null and decide_by > now()
     order by load_date`,
    [dagId, dates],
  )
  return rows
}

export function describeWaiting(run: WaitingRun): string {
  const lines = [sinceWhen(run), untilWhen(run), howToAnswer(run.run_key, run)]
  return `  ${run.run_key}\n${lines.map((line) => `    ${line}`).join('\n')}`
}

function sinceWhen({ held_at, checks }: Question): string {
  return `Held since ${instant(held_at)} UTC by ${checks.join(', ')}`
}

function untilWhen({ decide_by, on_timeout }: Question): string {
  const otherwise = on_timeout === 'fail' ? 'it is not published' : 'it is published'
  return `waits for a person until ${instant(decide_by)} UTC; after that ${otherwise}`
}

function howToAnswer(runKey: string, { task_id }: Question): string {
  return `daybook approve ${runKey} ${task_id} --reason "…"   or reject`
}

function answerOf(held: HeldRow, isOver: boolean): string {
  const { decision, decided_by, decided_at, reason } = held
  if (decision !== null && decided_at !== null) {
    const verb = decision === 'approve' ? 'approved' : 'rejected'
    const why = reason === null || reason === '' ? '' : `: ${reason}`
    return `${verb} by ${decided_by}, ${instant(decided_at)} UTC${why}`
  }
  return isOver ? 'nobody decided' : untilWhen(held)
}
