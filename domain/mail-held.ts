import { checkBlocks, type FailedCheck } from './mail-checks.ts'
import { composeMail, type MailContent } from './mail-document.ts'

export interface HeldDay {
  readonly runKey: string
  /** The approval that waits. */
  readonly taskId: string
  readonly checks: readonly FailedCheck[]
  readonly decideBy: Date
  readonly onTimeout: 'fail' | 'skip'
}

/** Asks for a decision on a day that waits for one before anything of it is loaded. */
export function composeHeldMail(held: HeldDay): MailContent {
  const { runKey, taskId, checks, onTimeout } = held
  const until = `${held.decideBy.toISOString().slice(0, 16).replace('T', ' ')} UTC`
  const otherwise =
    onTimeout === 'fail' ? 'the run fails and the day is not published' : 'the day is published'
  return composeMail(`Daybook: ${runKey} is held until ${until}`, [
    { kind: 'heading', text: `${runKey} is held: is the day right?` },
    {
      kind: 'paragraph',
      text:
        'Its checks found what only a person can judge. Nothing of it is published meanwhile, ' +
        `and readers keep the figures they have. If nobody decides by ${until}, ${otherwise}.`,
    },
    ...checkBlocks(checks),
    { kind: 'paragraph', text: `It is right: daybook approve ${runKey} ${taskId} --reason "…"` },
    { kind: 'paragraph', text: `It is not: daybook reject ${runKey} ${taskId} --reason "…"` },
    { kind: 'paragraph', text: `More of it: daybook show ${runKey}` },
  ])
}
