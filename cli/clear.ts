import type { Command } from 'commander'
import { Option } from 'commander'
import type { ClearRequest } from '../dag/plan-clear.ts'
import { ClearSelection } from '../dag/plan-clear.ts'
import { parseParams } from './arguments.ts'
import type { Connections } from './connect.ts'
import { UsageError } from './exit-codes.ts'
import type { Signed } from './intervene.ts'
import { runArgument, signatureOf, withRefusals, withRunOptions } from './intervene.ts'
import type { Wanted } from './repair-run.ts'
import { planRunRepair } from './repair-run.ts'
import type { RunRange } from './several-runs.ts'
import { chosenRuns, eachThatCan, repairRuns, withRangeOptions } from './several-runs.ts'
import { counted, followRepairs, printRepairPlans } from './show-repairs.ts'

interface Flags extends Signed, RunRange {
  task: string[]
  downstream: boolean
  upstream?: true
  onlyFailed?: true
  onlyRunning?: true
  preventRunningTask?: true
  latest?: boolean
  onlyNew?: true
  params?: Record<string, unknown>
  dryRun?: true
  json?: true
}

export function registerClear(program: Command): void {
  const command = program
    .command('clear')
    .argument('[run]', runArgument)
    .addOption(
      new Option('--task <id...>', 'the tasks to begin with, or instances: load[3,7]').default(
        [],
        'what failed',
      ),
    )
    .option('--no-downstream', 'not what comes after them')
    // The default; Airflow's commands say it.
    .addOption(new Option('--downstream', 'also what comes after them').default(true).hideHelp())
    .option('--upstream', 'also what comes before them')
    .option('--only-failed', 'of all these only what failed or could not run')
    .addOption(
      new Option('--only-running', 'of all these only what is running: it starts again').conflicts(
        'onlyFailed',
      ),
    )
    .option('--prevent-running-task', 'clear nothing if a running task would be stopped')
    .option('--latest', 'with the tasks that the code has now (an ended run)')
    .option('--no-latest', 'with the tasks that the run recorded, whatever its DAG says')
    .addOption(
      new Option('--only-new', 'with --latest: only the tasks that the run did not have').conflicts(
        ['task', 'upstream', 'onlyFailed', 'onlyRunning'],
      ),
    )
    .addOption(
      new Option('--params <json>', 'changes of the params, as {"times":2}').argParser(parseParams),
    )
  withRunOptions(withRangeOptions(command))
    .addHelpText(
      'after',
      `
A run that goes on is told, and the command ends. One that has ended goes on as a new execution,
with the results of what is not run again; the command waits for its end like \`daybook run\`.

Examples:
  daybook clear 2025-12-13 --dry-run
  daybook clear 2025-12-13 --task transform_orders_to_staging --reason "the file was mended"
  daybook clear 2025-12-13 --task compute_daily_metrics --future
  daybook clear shop_daily/2025-12-13 --task 'load_file[3,7]'
  daybook clear 2025-12-13 --latest --only-new
  daybook clear --from 2025-12-01 --to 2025-12-14 --task compute_daily_metrics`,
    )
    .action(async (run: string | undefined, flags: Flags) => {
      const wanted = wantedBy(flags)
      await withRefusals((to) => clearRuns(to, run, flags, wanted))
    })
}

function wantedBy(flags: Flags): Wanted {
  const { task, downstream, upstream, onlyFailed, onlyRunning, preventRunningTask, params } = flags
  const selection = { tasks: task, downstream, upstream, onlyFailed, onlyRunning }
  const request: ClearRequest = {
    ...ClearSelection.parse({ ...selection, preventRunningTask }),
    ...{ ...signatureOf(flags), ...graphOf(flags) },
    params: params === undefined ? 'recorded' : 'given',
  }
  return params === undefined ? { request } : { request, patch: params }
}

function graphOf({ latest, onlyNew }: Flags): Pick<ClearRequest, 'graph'> {
  if (onlyNew && !latest) {
    throw new UsageError('error: --only-new adds tasks of the code as it is now: give --latest too')
  }
  if (onlyNew) return { graph: 'new_tasks' }
  return latest === undefined ? {} : { graph: latest ? 'latest' : 'recorded' }
}

async function clearRuns(
  to: Connections,
  run: string | undefined,
  flags: Flags,
  wanted: Wanted,
): Promise<void> {
  const runs = await chosenRuns(to, run, flags)
  if (flags.dryRun) {
    const plans = await eachThatCan(runs, (one) => planRunRepair(to, one, wanted))
    return printRepairPlans(plans, flags)
  }
  const repairs = await repairRuns(to, runs, wanted)
  await followRepairs(to, repairs, {
    ...flags,
    done: (tasks) => `${counted(tasks)} cleared`,
  })
}
