import type { Command } from 'commander'
import { Option } from 'commander'
import type { ClearRequest } from '../dag/plan-clear.ts'
import { InterventionRefused } from '../schedules/intervene.ts'
import { parseDate, parseParams } from './arguments.ts'
import type { Connections } from './connect.ts'
import { UsageError } from './exit-codes.ts'
import type { RunOfDay, Signed } from './intervene.ts'
import { runArgument, runsBetween, signatureOf, withRefusals, withRunOptions } from './intervene.ts'
import { requireRun } from './recorded-run.ts'
import type { PlannedRepair, Wanted } from './repair-run.ts'
import { planRunRepair, repairRun } from './repair-run.ts'
import { counted, followRepairs, printRepairPlans } from './show-repairs.ts'

interface Flags extends Signed {
  dag: string
  task: string[]
  downstream: boolean
  upstream?: true
  onlyFailed?: true
  latest?: true
  onlyNew?: true
  params?: Record<string, unknown>
  dryRun?: true
  from?: string
  to?: string
  json?: true
}

export function registerClear(program: Command): void {
  withRunOptions(
    program
      .command('clear')
      .argument('[run]', runArgument)
      .description('run tasks of a run again: what failed and everything downstream of it')
      .addOption(new Option('--task <id...>', 'the tasks to begin with').default([], 'what failed'))
      .option('--no-downstream', 'not what comes after them')
      .option('--upstream', 'also what comes before them')
      .option('--only-failed', 'of all these only what failed or could not run')
      .option('--latest', 'with the tasks that the code has now (an ended run)')
      .addOption(
        new Option(
          '--only-new',
          'with --latest: only the tasks that the run did not have',
        ).conflicts(['task', 'upstream', 'onlyFailed']),
      )
      .addOption(
        new Option(
          '--params <json>',
          'changes of the params, as {"times":2} (an ended run)',
        ).argParser(parseParams),
      )
      .addOption(dateOption('--from <date>', 'all runs of the DAG from this day on'))
      .addOption(dateOption('--to <date>', 'all runs of the DAG up to this day'))
      .option('--dry-run', 'only list the tasks, with their state and why'),
  )
    .addHelpText(
      'after',
      `
A run that goes on is told, and the command ends. One that has ended goes on as a new execution,
with the results of what is not run again; the command waits for its end like \`daybook run\`.

Examples:
  daybook clear 2025-12-13 --dry-run
  daybook clear 2025-12-13 --task transform_orders_to_staging --reason "the file was mended"
  daybook clear 2025-12-13 --latest --only-new
  daybook clear --from 2025-12-01 --to 2025-12-14 --task compute_daily_metrics`,
    )
    .action(async (run: string | undefined, flags: Flags) => {
      const wanted = wantedBy(flags)
      await withRefusals((to) => clearRuns(to, run, flags, wanted))
    })
}

function dateOption(flags: string, description: string): Option {
  return new Option(flags, description).argParser(parseDate)
}

function wantedBy(flags: Flags): Wanted {
  if (flags.onlyNew && !flags.latest) {
    throw new UsageError('error: --only-new adds tasks of the code as it is now: give --latest too')
  }
  const { task, downstream, upstream, onlyFailed, params } = flags
  const request: ClearRequest = {
    ...signatureOf(flags),
    ...{ tasks: task, downstream, upstream: upstream ?? false, onlyFailed: onlyFailed ?? false },
    graph: flags.onlyNew ? 'new_tasks' : flags.latest ? 'latest' : 'recorded',
    params: params === undefined ? 'recorded' : 'given',
  }
  return params === undefined ? { request } : { request, patch: params }
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
  const repairs = await eachThatCan(runs, (one) => repairRun(to, one, wanted))
  await followRepairs(to, repairs, {
    ...flags,
    done: (tasks) => `${counted(tasks)} cleared`,
  })
}

async function chosenRuns(
  to: Connections,
  run: string | undefined,
  { dag, ...range }: Flags,
): Promise<RunOfDay[]> {
  const isRange = range.from !== undefined || range.to !== undefined
  if (run !== undefined && !isRange) return [await requireRun(to.database, run, dag)]
  if (run !== undefined || !isRange) {
    throw new UsageError('error: name one run, or the days of several by --from and --to')
  }
  const runs = await runsBetween(to, dag, range)
  if (runs.length > 0) return runs
  throw new UsageError(
    `error: ${dag} has no run in those days; \`daybook runs\` lists those there are`,
  )
}

/** Of several runs those are left out in which nothing is to be done. */
async function eachThatCan<T extends Pick<PlannedRepair, 'tasks'>>(
  runs: readonly RunOfDay[],
  work: (run: RunOfDay) => Promise<T>,
) {
  const able: { run: RunOfDay; made: T }[] = []
  const skipped: { run_key: string; why: string }[] = []
  for (const run of runs) {
    try {
      able.push({ run, made: await work(run) })
    } catch (error) {
      if (!(error instanceof InterventionRefused)) throw error
      skipped.push({ run_key: run.run_key, why: error.message })
    }
  }
  if (able.length > 0) return { able, skipped }
  throw new InterventionRefused(skipped.map(({ why }) => why).join('\n'))
}
