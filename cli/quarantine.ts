import type { Command } from 'commander'
import { Option } from 'commander'
import type { Database } from '../platform/database.ts'
import { jsonOption, limitOption, parseDate } from './arguments.ts'
import { withDatabase } from './connect.ts'
import { printJson, printLine, printTable } from './print.ts'

interface Flags {
  date?: string
  source?: string
  rule?: string
  limit: number
  json?: true
}

export function registerQuarantine(program: Command): void {
  program
    .command('quarantine')
    .description('list rejected records with every rule they break')
    .addOption(new Option('--date <date>', 'only of this delivery date').argParser(parseDate))
    .option('--source <name>', 'only of this source, such as orders')
    .option('--rule <rule>', 'only those that break this rule')
    .addOption(limitOption(50))
    .addOption(jsonOption())
    .addHelpText(
      'after',
      `
Examples:
  daybook quarantine --date 2025-12-13
  daybook quarantine --source orders --rule unit_price_min --json`,
    )
    .action(listQuarantine)
}

interface BadRecord {
  source: string
  load_date: string
  path: string
  record_no: number
  record_id: string | null
  rules: string[]
  problems: { rule: string; column: string | null; value: unknown }[]
  record: string
  total: number
}

async function listQuarantine(flags: Flags): Promise<void> {
  const rows = await withDatabase((database) => readBadRecords(database, flags))
  if (flags.json) return printJson(rows.map(({ total: _, ...row }) => row))
  const cells = rows.map((row) => [
    ...[row.source, row.load_date, `${row.path}:${row.record_no}`, row.record_id],
    ...[row.rules.join(', '), excerpt(row.record)],
  ])
  const titles = ['source', 'delivered', 'file:record', 'id', 'broken rules', 'record']
  printTable(titles, cells, 'Nothing is in quarantine.')
  const total = rows[0]?.total ?? 0
  if (total > rows.length) printLine(`… and ${total - rows.length} more (--limit)`)
}

function excerpt(record: string): string {
  const line = record.replaceAll(/\s+/g, ' ')
  return line.length > 80 ? `${line.slice(0, 79)}…` : line
}

async function readBadRecords(database: Database, flags: Flags): Promise<BadRecord[]> {
  const { rows } = await database.query<BadRecord>(
    `select bad.source, bad.load_date, file.path, bad.record_no, bad.record_id, bad.rules,
       bad.problems, bad.record, count(*) over () as total
     from audit.bad_records as bad
     inner join audit.source_files as file using (file_id)
     where ($1::date is null or bad.load_date = $1)
       and ($2::text is null or bad.source = $2)
       and ($3::text is null or $3 = any (bad.rules))
     order by bad.load_date desc, bad.source, bad.file_id, bad.record_no
     limit $4`,
    [flags.date ?? null, flags.source ?? null, flags.rule ?? null, flags.limit],
  )
  return rows
}
