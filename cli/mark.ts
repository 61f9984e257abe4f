import type { Command } from 'commander'
import { Option } from 'commander'
import type { ClearRequest } from '../dag/plan-clear.ts'
import { ClearSelection, markedStates } from '../dag/plan-clear.ts'
import type { Connections } from './connect.ts'
import { UsageError } from './exit-codes.ts'
import type { Signed } from './intervene.ts'
import { runArgument, signatureOf, withRefusals, withRunOptions } from './intervene.ts'
import { planRunRepair } from './repair-run.ts'
import type { RunRange } from './several-runs.ts'
import { chosenRuns, eachThatCan, repairRuns, withRangeOptions } from './several-runs.ts'
import { followRepairs, printRepairPlans } from './show-repairs.ts'

interface Flags extends Signed, RunRange {
  task: string[]
  state: (typeof markedStates)[number]
  downstream?: true
  upstream?: true
  dryRun?: true
  json?: true
}

export function registerMark(program: Command): void {
  const command = program
    .command('mark')
    .argument('[run]', runArgument)
    .argument('[tasks...]', 'tasks of the run')
    .addOption(
      new Option('--state <state>', 'what they have come to')
        .choices([...markedStates])
        .makeOptionMandatory(),
    )
    .addOption(
      new Option('--task <id...>', 'the tasks, where the runs are named by days').default([]),
    )
    .option('--downstream', 'also what comes after them')
    .option('--upstream', 'also what comes before them')
  withRunOptions(withRangeOptions(command))
    .addHelpText(
      'after',
      `
A running task is stopped. A run that has ended goes on as a new execution, and the command waits
for its end like \`daybook run\`.

Examples:
  daybook mark 2025-12-13 extract_products --state success --reason "loaded by hand"
  daybook mark 2025-12-13 notify --state skipped --past --dry-run
  daybook mark --from 2025-12-01 --to 2025-12-14 --task notify --state skipped`,
    )
    .action((run: string | undefined, tasks: string[], flags: Flags) => {
      const chosen = [...new Set([...tasks, ...flags.task])]
      if (chosen.length > 0) return withRefusals((to) => markRuns(to, run, chosen, flags))
      throw new UsageError('error: name the tasks to mark, after the run or by --task')
    })
}

async function markRuns(
  to: Connections,
  run: string | undefined,
  tasks: readonly string[],
  flags: Flags,
): Promise<void> {
  const { downstream = false, upstream } = flags
  const request: ClearRequest = {
    ...ClearSelection.parse({ tasks, upstream }),
    ...{ ...signatureOf(flags), downstream, params: 'recorded', mark: flags.state },
  }
  const runs = await chosenRuns(to, run, flags)
  if (flags.dryRun) {
    const plans = await eachThatCan(runs, (one) => planRunRepair(to, one, { request }))
    return printRepairPlans(plans, flags)
  }
  const done = () => `${tasks.join(', ')} marked ${flags.state}`
  const repairs = await repairRuns(to, runs, { request })
  await followRepairs(to, repairs, { ...flags, done })
}
