import type { Command } from 'commander'
import { Option } from 'commander'
import type { Database } from '../platform/database.ts'
import { jsonOption, limitOption, parseDag, parseDate } from './arguments.ts'
import { withDatabase } from './connect.ts'
import { instant, printJson, printTable, seconds } from './print.ts'

interface Flags {
  dag?: string
  from?: string
  to?: string
  state?: string
  limit: number
  json?: true
}

export function registerRuns(program: Command): void {
  program
    .command('runs')
    .addOption(new Option('--dag <id>', 'only of this DAG').argParser(parseDag))
    .addOption(new Option('--from <date>', 'first day').argParser(parseDate))
    .addOption(new Option('--to <date>', 'last day').argParser(parseDate))
    .addOption(
      new Option('--state <state>', 'only in this state').choices([
        ...['queued', 'running', 'success', 'failed', 'cancelled'],
      ]),
    )
    .addOption(limitOption(50))
    .addOption(jsonOption())
    .addHelpText(
      'after',
      `
Examples:
  daybook runs
  daybook runs --dag ecommerce_daily --state failed
  daybook runs --from 2025-12-01 --to 2025-12-31 --json`,
    )
    .action(listRuns)
}

interface RunRow {
  run_key: string
  run_id: string
  trigger: string
  state: string
  started_at: Date
  seconds: string | null
  failed_tasks: string[]
  error: string | null
}

async function listRuns(flags: Flags): Promise<void> {
  const rows = await withDatabase((database) => readRuns(database, flags))
  if (flags.json) return printJson(rows)
  const cells = rows.map((row) => [
    row.run_key,
    row.state,
    row.trigger,
    instant(row.started_at),
    seconds(row.seconds),
    row.failed_tasks.join(', '),
  ])
  const titles = ['run', 'state', 'trigger', 'started (UTC)', 'seconds', 'failed tasks']
  printTable(titles, cells, 'No runs yet: `daybook run DATE` or `daybook backfill FROM TO`.')
}

async function readRuns(database: Database, flags: Flags): Promise<RunRow[]> {
  const { rows } = await database.query<RunRow>(
    `select run_key, run_id, trigger, state, started_at, seconds, failed_tasks, error
     from audit.pipeline_runs
     where ($1::text is null or dag_id = $1)
       and ($2::date is null or logical_date >= $2)
       and ($3::date is null or logical_date <= $3)
       and ($4::text is null or state = $4)
     order by logical_date desc, started_at desc
     limit $5`,
    [flags.dag ?? null, flags.from ?? null, flags.to ?? null, flags.state ?? null, flags.limit],
  )
  return rows
}
