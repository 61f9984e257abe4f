import type { Command } from 'commander'
import type { Signed } from './intervene.ts'
import { interveneLive, runArgument, withRunOptions } from './intervene.ts'

type Flags = Signed & { dag: string; json?: true }

const decisions = [
  { decision: 'approve', verb: 'approved' },
  { decision: 'reject', verb: 'rejected' },
] as const

/** `daybook approve` and `daybook reject`. */
export function registerDecide(program: Command): void {
  for (const { decision, verb } of decisions) {
    withRunOptions(
      program
        .command(decision)
        .argument('<run>', runArgument)
        .argument('<task>', 'the task that waits'),
    )
      .addHelpText(
        'after',
        `
Examples:
  daybook ${decision} 2025-12-13 approve_held_day --reason "the sale of the year"
  daybook ${decision} payments_daily/2025-12-13 sign_off --reason "seen by two"`,
      )
      .action((run: string, task: string, flags: Flags) => {
        const input = { task, decision }
        return interveneLive({ run, flags, name: 'decide', input, verb, done: `${task} ${verb}` })
      })
  }
}
