import type { Command } from 'commander'
import { Argument, Option } from 'commander'
import { rangesOf } from '../dag/find-gaps.ts'
import { dagOption, defaultDag, jsonOption, parseDate } from './arguments.ts'
import { withDatabase } from './connect.ts'
import { UsageError } from './exit-codes.ts'
import { planDays, type PlannedRun, type StaleTask } from './plan-days.ts'
import { formatTable, printJson, printLine } from './print.ts'

interface Flags {
  dag: string
  from?: string
  to?: string
  json?: true
}

export function registerPlan(program: Command): void {
  program
    .command('plan')
    .addArgument(new Argument('[date]', 'logical date, YYYY-MM-DD').argParser(parseDate))
    .addOption(dagOption())
    .addOption(new Option('--from <date>', 'first day').argParser(parseDate))
    .addOption(new Option('--to <date>', 'last day').argParser(parseDate))
    .addOption(jsonOption())
    .addHelpText(
      'after',
      `
Looks at every day that is published or has files in the landing zone, or at those asked for. What
made a day is compared with the models, contracts and files as they are now. Nothing is written.

Examples:
  daybook plan
  daybook plan 2025-12-13
  daybook plan --from 2025-12-01 --to 2025-12-31 --json`,
    )
    .action((date: string | undefined, flags: Flags) => plan(date, flags))
}

async function plan(date: string | undefined, flags: Flags): Promise<void> {
  const { dag, from = date, to = date } = flags
  if (date !== undefined && (flags.from !== undefined || flags.to !== undefined)) {
    throw new UsageError('error: give a date, or a range with --from and --to, not both')
  }
  const { looked, stale } = await withDatabase((database, config) =>
    planDays(database, config, { dagId: dag, from, to }),
  )
  const seconds = secondsOf(stale)
  const commands = rangesOf(
    stale.map((day) => day.date),
    Infinity,
  ).map((range) => commandOf(dag, range))
  if (flags.json) return printJson({ dag, looked, days: stale, seconds, commands })
  if (stale.length === 0) {
    return printLine(`Everything is up to date (${inDays(looked)} of ${dag}).`)
  }
  printLine(formatTable(['from', 'to', 'days', 'task', 'makes', 'why'], rowsOf(stale)))
  const tasks = stale.reduce((sum, day) => sum + day.tasks.length, 0)
  const time = seconds === null ? '' : `, about ${Math.max(1, Math.round(seconds))} s`
  printLine(`\n${stale.length} of ${inDays(looked)} of ${dag}: ${tasks} tasks${time}.`)
  printLine('Nothing was written. To run them:')
  for (const command of commands) printLine(`  ${command}`)
}

function inDays(count: number): string {
  return count === 1 ? '1 day' : `${count} days`
}

/** Null when no task of them has ever run. */
function secondsOf(stale: readonly PlannedRun[]): number | null {
  const known = stale.flatMap(({ tasks }) => tasks.flatMap((task) => task.seconds ?? []))
  if (known.length === 0) return null
  return Number(known.reduce((sum, value) => sum + value, 0).toFixed(3))
}

function commandOf(dag: string, { from, to }: { from: string; to: string }): string {
  const other = dag === defaultDag ? '' : ` --dag ${dag}`
  return from === to
    ? `daybook run ${from}${other}`
    : `daybook backfill ${from} ${to} --reprocess all${other}`
}

/** Adjoining days of which the same is stale for the same reasons share their lines. */
function rowsOf(stale: readonly PlannedRun[]) {
  const alike = Map.groupBy(stale, ({ tasks }) => JSON.stringify(tasks.map(shown)))
  return [...alike.values()]
    .flatMap((days) => {
      const ranges = rangesOf(
        days.map(({ date }) => date),
        Infinity,
      )
      return ranges.map((range) => ({ range, tasks: days[0]?.tasks ?? [] }))
    })
    .toSorted((one, other) => one.range.from.localeCompare(other.range.from))
    .flatMap(({ range: { from, to, dates }, tasks }) =>
      tasks.map((task, index) => [
        ...(index === 0 ? [from, to, dates.length] : ['', '', '']),
        ...shown(task),
      ]),
    )
}

function shown({ task, tables, reasons }: StaleTask): string[] {
  return [task, tables.join(', '), reasons.join('; ')]
}
