import type { Command } from 'commander'
import { Option } from 'commander'
import type { ClearRequest } from '../dag/plan-clear.ts'
import { ClearSelection, markedStates } from '../dag/plan-clear.ts'
import type { Signed } from './intervene.ts'
import { runArgument, signatureOf, withRefusals, withRunOptions } from './intervene.ts'
import { requireRun } from './recorded-run.ts'
import { repairRun } from './repair-run.ts'
import { followRepairs } from './show-repairs.ts'

interface Flags extends Signed {
  dag: string
  state: (typeof markedStates)[number]
  json?: true
}

export function registerMark(program: Command): void {
  withRunOptions(
    program
      .command('mark')
      .argument('<run>', runArgument)
      .argument('<tasks...>', 'tasks of the run')
      .description('set the state of tasks by hand; what failed behind them runs again')
      .addOption(
        new Option('--state <state>', 'what they have come to')
          .choices([...markedStates])
          .makeOptionMandatory(),
      ),
  )
    .addHelpText(
      'after',
      `
A running task is stopped. A run that has ended goes on as a new execution, and the command waits
for its end like \`daybook run\`.

Examples:
  daybook mark 2025-12-13 extract_products --state success --reason "loaded by hand"
  daybook mark online_retail_daily/2011-11-14 notify --state skipped`,
    )
    .action(markTasks)
}

async function markTasks(key: string, tasks: string[], flags: Flags): Promise<void> {
  const request: ClearRequest = {
    ...ClearSelection.parse({ tasks }),
    ...{ ...signatureOf(flags), graph: 'recorded', params: 'recorded', mark: flags.state },
  }
  await withRefusals(async (to) => {
    const run = await requireRun(to.database, key, flags.dag)
    const made = await repairRun(to, run, { request })
    const done = () => `${tasks.join(', ')} marked ${flags.state}`
    await followRepairs(to, { able: [{ run, made }], skipped: [] }, { ...flags, done })
  })
}
