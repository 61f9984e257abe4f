import type { Command } from 'commander'
import { Option } from 'commander'
import { jsonOption, limitOption, parseDag } from './arguments.ts'
import { withDatabase } from './connect.ts'
import { UsageError } from './exit-codes.ts'
import { instant, printJson, printTable } from './print.ts'
import { readBackfillDays, readBackfills } from './read-backfills.ts'

interface Flags {
  dag?: string
  limit: number
  json?: true
}

export function registerBackfills(program: Command): void {
  program
    .command('backfills')
    .argument('[backfill]', 'one of them: all its days, in the order in which they run')
    .addOption(new Option('--dag <id>', 'only of this DAG').argParser(parseDag))
    .addOption(limitOption(50))
    .addOption(jsonOption())
    .addHelpText(
      'after',
      `
Examples:
  daybook backfills
  daybook backfills backfill/ecommerce_daily/2025-12-01/2025-12-31`,
    )
    .action(async (backfill: string | undefined, flags: Flags) => {
      await (backfill === undefined ? listBackfills(flags) : listDays(backfill, flags))
    })
}

async function listBackfills(flags: Flags): Promise<void> {
  const rows = await withDatabase((database) => readBackfills(database, flags))
  if (flags.json) return printJson(rows)
  const cells = rows.map((row) => [
    ...[row.backfill, row.state, instant(row.started_at)],
    ...[row.days, row.success, row.failed, row.left_out],
  ])
  const titles = ['backfill', 'state', 'started (UTC)', 'days', 'success', 'failed', 'left out']
  printTable(titles, cells, 'No backfills yet: `daybook backfill FROM TO`.')
}

async function listDays(backfill: string, { json }: Flags): Promise<void> {
  const days = await withDatabase((database) => readBackfillDays(database, backfill))
  if (days.length === 0) {
    throw new UsageError(
      `error: there is no ${backfill}; \`daybook backfills\` lists those there are`,
    )
  }
  if (json) return printJson(days)
  const cells = days.map(({ ordinal, date, state, reason }) => [
    ...[ordinal, date, state],
    reason?.split('\n')[0] ?? '',
  ])
  printTable(['place', 'date', 'state', 'reason'], cells, '')
}
