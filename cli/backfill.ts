import type { Command } from 'commander'
import { Option } from 'commander'
import { datesBetween } from '../dag/calendar.ts'
import { reasonToSkip } from '../dag/plan-backfill.ts'
import { dagOption, jsonOption, parseCount, parseDate } from './arguments.ts'
import type { Connections } from './connect.ts'
import { withServers } from './connect.ts'
import { CommandFailed, UsageError } from './exit-codes.ts'
import { assertKnownDag } from './known-dag.ts'
import { printJson, printLine } from './print.ts'
import { longestRangeDays, runBackfill } from './run-backfill.ts'

interface Flags {
  dag: string
  concurrency?: number
  reprocess: 'none' | 'failed' | 'all'
  dryRun?: true
  json?: true
}

export function registerBackfill(program: Command): void {
  program
    .command('backfill')
    .argument('<from>', 'first day, YYYY-MM-DD', parseDate)
    .argument('<to>', 'last day, YYYY-MM-DD', parseDate)
    .description('run a DAG for every day of a range, and wait for the end')
    .addOption(dagOption())
    .addOption(
      new Option('--concurrency <count>', 'days at once (default: as the DAG allows)').argParser(
        parseCount,
      ),
    )
    .addOption(
      new Option('--reprocess <which>', 'days that have run already: which of them again')
        .choices(['none', 'failed', 'all'])
        .default('failed'),
    )
    .option('--dry-run', 'only list the days that would run')
    .addOption(jsonOption())
    .addHelpText(
      'after',
      `
Exits with 1 if a day fails. Ctrl-C leaves the backfill running.

Examples:
  daybook backfill 2025-12-01 2025-12-31
  daybook backfill 2025-12-01 2025-12-31 --reprocess all --dry-run
  daybook backfill 2010-12-01 2010-12-31 --dag online_retail_daily --concurrency 4`,
    )
    .action(async (from: string, to: string, flags: Flags) => {
      assertKnownDag(flags.dag)
      const dates = checkedDates(from, to)
      await withServers((connections) => backfill(connections, dates, flags))
    })
}

function checkedDates(from: string, to: string): string[] {
  if (to < from) throw new UsageError(`The last day ${to} is before the first day ${from}`)
  const dates = datesBetween(from, to)
  if (dates.length > longestRangeDays) throw new UsageError('The range is longer than ten years')
  return dates
}

async function backfill(to: Connections, dates: string[], flags: Flags): Promise<void> {
  const { dag: dagId, reprocess, concurrency } = flags
  const planned = await planDays(to, dates, flags)
  if (flags.dryRun) return printPlan(dates, planned, flags)
  const range = { from: dates[0] ?? '', to: dates.at(-1) ?? '' }
  const input = { dagId, ...range, reprocess, ...(concurrency && { concurrency }) }
  const outcome = await runBackfill(to, input, planned)
  if (flags.json) printJson(outcome)
  if (outcome.state === 'failed') throw new CommandFailed(outcome.error)
  const runDays = outcome.result.days.filter((day) => day.outcome === 'success')
  if (!flags.json) printLine(`${runDays.length} of ${outcome.result.total} days were run.`)
}

/** The days that would run: those without a run, and of the others those to be reprocessed. */
async function planDays(to: Connections, dates: string[], flags: Flags): Promise<string[]> {
  const { rows } = await to.database.query<{ logical_date: string; state: string }>(
    `select distinct on (logical_date) logical_date, state from audit.pipeline_runs
     where dag_id = $1 and logical_date = any ($2::date[])
     order by logical_date, started_at desc, ended_at desc nulls last`,
    [flags.dag, dates],
  )
  const states = new Map(rows.map((row) => [row.logical_date, row.state]))
  return dates.filter((date) => !reasonToSkip(flags.reprocess, states.get(date) ?? null))
}

function printPlan(dates: string[], planned: string[], flags: Flags): void {
  if (flags.json) return printJson({ dag: flags.dag, days: planned })
  for (const date of planned) printLine(date)
  printLine(`${planned.length} of ${dates.length} days would run.`)
}
