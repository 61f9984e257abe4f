import type { Command } from 'commander'
import { Option } from 'commander'
import { runKeyOf } from '../dag/resolve-run.ts'
import { InterventionRefused } from '../schedules/intervene.ts'
import { parseDate } from './arguments.ts'
import type { Connections } from './connect.ts'
import { UsageError } from './exit-codes.ts'
import { startToFollow, wordsFor } from './follow-days.ts'
import type { RunOfDay } from './intervene.ts'
import { requireRun } from './recorded-run.ts'
import type { MadeRepair, Wanted } from './repair-run.ts'
import { repairRun } from './repair-run.ts'
import type { Repairs } from './show-repairs.ts'

/** Which runs are meant, besides the one that is named. */
export interface RunRange {
  dag: string
  past?: true
  future?: true
  from?: string
  to?: string
}

/** What clear and mark take along around the chosen tasks and runs; the words are Airflow's. */
export function withRangeOptions(command: Command): Command {
  return command
    .option('--past', 'also in all earlier runs of the DAG, by date')
    .option('--future', 'also in all later runs of the DAG, by date')
    .addOption(dateOption('--from <date>', 'in all runs of the DAG from this day on'))
    .addOption(dateOption('--to <date>', 'in all runs of the DAG up to this day'))
    .option('--dry-run', 'only list the tasks of each run, with their state and why')
}

function dateOption(flags: string, description: string): Option {
  return new Option(flags, description).argParser(parseDate).conflicts(['past', 'future'])
}

/** The runs of a command, oldest first. */
export async function chosenRuns(
  to: Connections,
  key: string | undefined,
  { dag, past, future, ...range }: RunRange,
): Promise<RunOfDay[]> {
  const isRange = range.from !== undefined || range.to !== undefined
  if (key === undefined) {
    if (!isRange) throw oneOrSeveral()
    const runs = await runsBetween(to, dag, range)
    if (runs.length > 0) return runs
    throw new UsageError(
      `error: ${dag} has no run in those days; \`daybook runs\` lists those there are`,
    )
  }
  if (isRange) throw oneOrSeveral()
  const run = await requireRun(to.database, key, dag)
  if (!past && !future) return [run]
  const day = run.logical_date
  return runsBetween(to, run.dag_id, { ...(!past && { from: day }), ...(!future && { to: day }) })
}

function oneOrSeveral(): UsageError {
  return new UsageError('error: name one run, or the days of several by --from and --to')
}

/** All runs of a DAG in a range of days, oldest first. */
async function runsBetween(
  { database }: Connections,
  dagId: string,
  { from, to }: { from?: string; to?: string },
): Promise<RunOfDay[]> {
  const { rows } = await database.query<{ logical_date: string }>(
    `select distinct logical_date from audit.pipeline_runs
     where dag_id = $1 and logical_date between coalesce($2, '-infinity')::date
       and coalesce($3, 'infinity')::date
     order by logical_date`,
    [dagId, from ?? null, to ?? null],
  )
  return rows.map(({ logical_date }) => ({
    ...{ run_key: runKeyOf(dagId, logical_date), dag_id: dagId, logical_date },
  }))
}

/** Of several runs those are left out, and named, in which nothing is to be done. */
export async function eachThatCan<T>(
  runs: readonly RunOfDay[],
  work: (run: RunOfDay) => Promise<T>,
): Promise<Repairs<T>> {
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

/** Clears or marks tasks of several runs. @throws ServerAway when it is not known of all whether it was done */
export function repairRuns(
  to: Connections,
  runs: readonly RunOfDay[],
  wanted: Wanted,
): Promise<Repairs<MadeRepair>> {
  const words = wordsFor(runs.map((run) => run.run_key))
  return startToFollow(words, () => eachThatCan(runs, (run) => repairRun(to, run, wanted)))
}
