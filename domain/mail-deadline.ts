import { composeMail, type MailContent } from './mail-document.ts'

export interface LateRun {
  readonly dagId: string
  readonly date: string
  readonly kind: 'warning' | 'missed'
  /** ISO 8601, in UTC. */
  readonly deadline: string
  readonly unfinished: readonly string[]
}

/** Says that a run is about to miss its deadline, or has: while it still goes on. */
export function composeDeadlineMail({ dagId, date, kind, ...late }: LateRun): MailContent {
  const time = `${late.deadline.slice(0, 16).replace('T', ' ')} UTC`
  const words =
    kind === 'warning' ? `may miss its deadline ${time}` : `has missed its deadline ${time}`
  return composeMail(`Daybook: run ${dagId}/${date} ${words}`, [
    { kind: 'heading', text: `Run ${dagId}/${date} ${words}` },
    { kind: 'paragraph', text: `Not finished yet: ${late.unfinished.join(', ')}` },
    {
      kind: 'paragraph',
      text: `The figures published before stay up. Why: daybook why ${dagId}/${date} TASK, daybook gantt ${dagId}/${date}`,
    },
  ])
}
