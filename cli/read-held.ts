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
  const { checks, held_at, task_id } = held
  printLine(`\nHeld since ${instant(held_at)} UTC by ${checks.join(', ')}`)
  printLine(`  ${answerOf(held, isOver)}`)
  if (run.ended_at === null && isOver && held.decision !== 'approve') {
    // A clear may have asked again, which only the run itself knows.
    printLine(`  whether it waits again: daybook why ${run.run_key} ${task_id}`)
  }
  if (held.decision !== null || isOver) return
  printLine(`  daybook approve ${run.run_key} ${task_id} --reason "…"   or reject`)
}

function answerOf(held: HeldRow, isOver: boolean): string {
  const { decision, decided_by, decided_at, reason, decide_by, on_timeout } = held
  if (decision !== null && decided_at !== null) {
    const verb = decision === 'approve' ? 'approved' : 'rejected'
    const why = reason === null || reason === '' ? '' : `: ${reason}`
    return `${verb} by ${decided_by}, ${instant(decided_at)} UTC${why}`
  }
  if (isOver) return 'nobody decided'
  const otherwise = on_timeout === 'fail' ? 'it is not published' : 'it is published'
  return `waits for a person until ${instant(decide_by)} UTC; after that ${otherwise}`
}
