import type { Command } from 'commander'
import { Option } from 'commander'
import type { PlannedDay } from '../dag/plan-backfill.ts'
import { BackfillInput, decideDays, inWords, planBackfill } from '../dag/plan-backfill.ts'
import { readDayFacts } from '../platform/day-facts.ts'
import { findDag } from '../schedules/schedules.ts'
import { dagOption, jsonOption, parseCount, parseDate, parseParams } from './arguments.ts'
import type { Connections } from './connect.ts'
import { withServers } from './connect.ts'
import { CommandFailed, UsageError } from './exit-codes.ts'
import { unknownDag } from './known-dag.ts'
import { printJson, printLine } from './print.ts'
import { readBackfillDays } from './read-backfills.ts'
import { runBackfill } from './run-backfill.ts'

interface Flags {
  dag: string
  concurrency?: number
  reprocess: 'none' | 'failed' | 'all'
  params?: Record<string, unknown>
  recorded?: true
  dryRun?: true
  json?: true
}

export function registerBackfill(program: Command): void {
  program
    .command('backfill')
    .argument('<from>', 'first day, YYYY-MM-DD', parseDate)
    .argument('<to>', 'last day, YYYY-MM-DD', parseDate)
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
    .addOption(
      new Option(
        '--params <json>',
        'params of all its runs (default: a day that has run keeps those it had)',
      ).argParser(parseParams),
    )
    .option('--recorded', 'days that have run: with the tasks they had then, not those of the code')
    .option('--dry-run', 'only list the days that would run, and why others would not')
    .addOption(jsonOption())
    .addHelpText(
      'after',
      `
Exits with 1 if a day fails. Ctrl-C leaves the backfill running; \`daybook backfills\` shows it.

Examples:
  daybook backfill 2025-12-01 2025-12-31
  daybook backfill 2025-12-01 2025-12-31 --reprocess all --dry-run
  daybook backfill 2010-12-01 2010-12-31 --dag online_retail_daily --concurrency 4`,
    )
    .action(async (from: string, to: string, flags: Flags) => {
      const input = inputOf(from, to, flags)
      // What makes no sense needs no servers to say so.
      planOf(input)
      await withServers((connections) => backfill(connections, input, flags))
    })
}

function inputOf(from: string, to: string, flags: Flags): BackfillInput {
  const { dag: dagId, reprocess, concurrency, params, recorded } = flags
  const parsed = BackfillInput.safeParse({
    ...{ dagId, from, to, reprocess, concurrency, params },
    graph: recorded ? 'recorded' : 'latest',
  })
  if (parsed.success) return parsed.data
  throw new UsageError(`error: ${inWords(parsed.error)}`)
}

function planOf(input: BackfillInput) {
  const dag = findDag(input.dagId)
  if (dag === undefined) throw unknownDag(input.dagId)
  const plan = planBackfill(dag, input, Date.now())
  if ('problem' in plan) throw new UsageError(`error: ${plan.problem}`)
  return plan
}

async function backfill(to: Connections, input: BackfillInput, flags: Flags): Promise<void> {
  const plan = planOf(input)
  const dates = plan.days.map(({ date }) => date)
  const { facts } = await readDayFacts(to, input.dagId, dates)
  const planned = decideDays(plan, facts)
  if (flags.dryRun) return printPlan(planned, flags)
  const willRun = planned.flatMap(({ date, reason }) => (reason === null ? [date] : []))
  const outcome = await runBackfill(to, input, willRun)
  if (flags.json) printJson(outcome)
  else await printLeftOut(to, outcome.backfill)
  if (outcome.state === 'failed') throw new CommandFailed(outcome.error)
  const runDays = outcome.result.days.filter((day) => day.outcome === 'success')
  if (!flags.json) printLine(`${runDays.length} of ${outcome.result.total} days were run.`)
}

async function printLeftOut({ database }: Connections, backfill: string): Promise<void> {
  for (const { date, state, reason } of await readBackfillDays(database, backfill)) {
    if (state === 'left out') printLine(`${date}  left out: ${reason}`)
  }
}

function printPlan(planned: readonly PlannedDay[], { dag, json }: Flags): void {
  const days = planned.flatMap(({ date, reason }) => (reason === null ? [date] : []))
  const leftOut = planned.filter(({ reason }) => reason !== null)
  if (json) return printJson({ dag, days, leftOut })
  for (const { date, reason } of planned) {
    printLine(reason === null ? date : `${date}  left out: ${reason}`)
  }
  printLine(`${days.length} of ${planned.length} days would run.`)
}
