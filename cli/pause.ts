import type { Command } from 'commander'
import type { Signed } from './intervene.ts'
import { interveneLive, runArgument, withRunOptions } from './intervene.ts'

type Flags = Signed & { dag: string; json?: true }

const commands = [
  { name: 'pause', verb: 'paused' },
  { name: 'resume', verb: 'resumed' },
] as const

/** `daybook pause` and `daybook resume`. */
export function registerPause(program: Command): void {
  for (const { name, verb } of commands) {
    withRunOptions(program.command(name).argument('<run>', runArgument))
      .addHelpText(
        'after',
        `
A pause of the schedule is another thing: \`temporal schedule toggle --pause\`.

Examples:
  daybook ${name} 2025-12-13
  daybook ${name} ecommerce_daily/2025-12-13 --reason "the warehouse is being moved"`,
      )
      .action((run: string, flags: Flags) =>
        interveneLive({ run, flags, name, input: {}, verb, done: verb }),
      )
  }
}
