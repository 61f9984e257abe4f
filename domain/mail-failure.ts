import { checkBlocks, type FailedCheck } from './mail-checks.ts'
import { composeMail, type MailContent } from './mail-document.ts'

export interface FailedRun {
  readonly dagId: string
  readonly date: string
  readonly runId: string
  readonly failedTasks: readonly string[]
  readonly reason: string
  readonly failedChecks: readonly FailedCheck[]
}

const maxReasonLength = 2_000

/** The one mail of a failed run: what failed, why first, and which checks stopped or held it. */
export function composeFailureMail(run: FailedRun): MailContent {
  return composeMail(`Daybook: run ${run.dagId}/${run.date} failed`, [
    { kind: 'heading', text: `Run ${run.dagId}/${run.date} failed` },
    { kind: 'paragraph', text: `Failed tasks: ${run.failedTasks.join(', ') || 'none'}` },
    { kind: 'paragraph', text: `First cause: ${run.reason.slice(0, maxReasonLength)}` },
    ...checkBlocks(run.failedChecks),
    {
      kind: 'paragraph',
      text: `The figures published before stay up. Details: daybook show ${run.dagId}/${run.date} (execution ${run.runId})`,
    },
  ])
}
