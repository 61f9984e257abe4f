import type { Command } from 'commander'
import { Option } from 'commander'
import type { DatedDag, Gap } from '../dag/find-gaps.ts'
import { rangesOf } from '../dag/find-gaps.ts'
import { findDag } from '../schedules/schedules.ts'
import { dagOption, jsonOption, parseDate } from './arguments.ts'
import type { Connections } from './connect.ts'
import { withServers } from './connect.ts'
import { exitCodes, UsageError } from './exit-codes.ts'
import { unknownDag } from './known-dag.ts'
import type { Look } from './look-for-gaps.ts'
import { fillGaps, lookForGaps } from './look-for-gaps.ts'
import { formatTable, printJson, printLine } from './print.ts'
import type { BackfillOutcome } from './run-backfill.ts'

interface Flags {
  dag: string
  from?: string
  to?: string
  all?: true
  fill?: true
  json?: true
}

export function registerGaps(program: Command): void {
  program
    .command('gaps')
    .addOption(dagOption())
    .addOption(
      new Option(
        '--from <date>',
        "first day (default: the DAG's start date, or its first scheduled run)",
      ).argParser(parseDate),
    )
    .addOption(
      new Option('--to <date>', 'last day (default: the last that is due)').argParser(parseDate),
    )
    .option('--all', 'with catch-up off, count the days that it leaves out as well')
    .option('--fill', 'start the backfills that fill the gaps, and wait for the end')
    .addOption(jsonOption())
    .addHelpText(
      'after',
      `
Exits with 1 if there are gaps, or with --fill if some are left. Ctrl-C leaves a backfill running.

Examples:
  daybook gaps
  daybook gaps --from 2025-12-01 --to 2025-12-31 --fill
  daybook gaps --dag online_retail_daily --from 2010-12-01 --to 2010-12-23 --json`,
    )
    .action(async (flags: Flags) => {
      const dag = findDag(flags.dag)
      if (dag === undefined) throw unknownDag(flags.dag)
      checkRange(dag, flags)
      await withServers((to) => showGaps(to, dag, flags))
    })
}

function checkRange(dag: DatedDag, { from, to }: Flags): void {
  if (from === undefined && dag.schedule === null) {
    throw new UsageError(
      `error: ${dag.id} has no schedule, so no day of it is due by itself; say from which day on ` +
        `it should have run: --from ${dag.startDate ?? 'YYYY-MM-DD'}`,
    )
  }
  const first = from ?? dag.startDate
  if (to !== undefined && first !== undefined && to < first) {
    throw new UsageError(`error: the last day ${to} is before the first day ${first}`)
  }
}

async function showGaps(to: Connections, dag: DatedDag, flags: Flags): Promise<void> {
  const question = {
    nowMs: Date.now(),
    from: flags.from,
    to: flags.to,
    withAll: flags.all ?? false,
  }
  const look = await lookForGaps(to, dag, question)
  if (!flags.fill || look.ranges.length === 0) return print(look, flags)
  if (!flags.json) printLook({ ...look, commands: [] })
  const backfills = await fillGaps(to, look)
  if (!flags.json) for (const outcome of backfills) printLine(inWords(outcome))
  // The same moment: what comes due meanwhile is for the schedule.
  print({ ...(await lookForGaps(to, dag, question)), backfills }, flags)
}

function print(look: Look & { backfills?: BackfillOutcome[] }, { json }: Flags): void {
  if (json) printJson(asJson(look))
  else printLook(look)
  if (look.counted.length > 0) process.exitCode = exitCodes.failed
}

function asJson({ report, commands, notes, backfills }: Look & { backfills?: BackfillOutcome[] }) {
  const gaps = report.gaps.map(({ dueMs, ...gap }) => ({
    ...gap,
    dueAt: new Date(dueMs).toISOString(),
  }))
  return { ...report, gaps, commands, notes, ...(backfills && { backfills }) }
}

function printLook({ report, counted, commands, notes }: Look): void {
  const { dagId, from, to, due, done, running, gaps } = report
  if (from === null) return printLine(`No day of ${dagId} is due in that range.`)
  if (gaps.length > 0) {
    printLine(formatTable(['from', 'to', 'days', 'kind', 'reason'], rowsOf(gaps)))
    printLine()
  }
  const found = counted.length === 1 ? '1 gap' : `${counted.length || 'no'} gaps`
  const left = gaps.length - counted.length
  printLine(
    `${dagId} from ${from} to ${to}: ${found}, ${done} of ${due} due days are done` +
      (running.length === 0 ? '' : `, ${running.length} running (${running.join(', ')})`) +
      (left === 0 ? '.' : `, ${left} not caught up (--all counts them).`),
  )
  for (const note of notes) printLine(note)
  const doubled = counted.filter(({ kind }) => kind === 'doubled')
  for (const { date, remedy } of doubled) printLine(`${date}: ${remedy}`)
  if (commands.length === 0) return
  printLine('\nTo fill them, `daybook gaps --fill` with the same options, or')
  for (const command of commands) printLine(`  ${command}`)
}

/** Adjoining dates of a kind and reason share a line. */
function rowsOf(gaps: readonly Gap[]) {
  const byReason = Map.groupBy(gaps, ({ kind, reason }) => `${kind}\n${reason}`)
  return [...byReason.values()]
    .flatMap((alike) => {
      const { kind, reason } = alike[0] ?? { kind: '', reason: '' }
      const dates = alike.map(({ date }) => date)
      return rangesOf(dates, Infinity).map((range) => ({ ...range, kind, reason }))
    })
    .toSorted((a, b) => a.from.localeCompare(b.from))
    .map((row) => [row.from, row.to, row.dates.length, row.kind, row.reason])
}

function inWords(outcome: BackfillOutcome): string {
  if (outcome.state === 'failed') return `${outcome.backfill}: ${outcome.error}\n`
  return `${outcome.backfill}: ${outcome.result.total} days are done.\n`
}
