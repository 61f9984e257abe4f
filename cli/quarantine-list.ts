import type { Database } from '../platform/database.ts'
import { withDatabase } from './connect.ts'
import { visible } from '../domain/records/visible-text.ts'
import { printJson, printLine, printTable } from './print.ts'
import type { ChosenDays } from './quarantine-days.ts'
import {
  isChosen,
  paramsOf,
  printOpenDecisions,
  readOutdated,
  readWaiting,
} from './quarantine-days.ts'

interface Flags extends ChosenDays {
  rule?: string
  open?: true
  limit: number
  json?: true
}

export async function listQuarantine(flags: Flags): Promise<void> {
  const listed = await withDatabase(async (database) => ({
    groups: await readGroups(database, flags),
    records: await readBadRecords(database, flags),
    waiting: await readWaiting(database, flags),
    outdated: await readOutdated(database, flags),
  }))
  const records = listed.records.map(({ total: _, ...record }) => record)
  const total = listed.records[0]?.total ?? 0
  if (flags.json) return printJson({ ...listed, records, total })
  printGroups(listed.groups)
  printRecords(records)
  if (total > records.length) printLine(`… and ${total - records.length} more (--limit)`)
  printOpenDecisions(listed)
}

interface Group {
  source: string
  load_date: string
  rule: string
  records: number
}

function printGroups(groups: readonly Group[]): void {
  if (groups.length === 0) return
  const rows = groups.map(({ source, load_date, rule, records }) => [
    source,
    load_date,
    rule,
    records,
  ])
  printTable(['source', 'delivered', 'rule', 'records'], rows, '')
  printLine()
}

function printRecords(records: readonly BadRecord[]): void {
  const rows = records.map((record) => [
    visible(`${record.path}:${record.record_no}`),
    record.record_id === null ? null : visible(record.record_id),
    record.rules.join(', '),
    inWords(record.decision),
    excerpt(record.record),
  ])
  const titles = ['record', 'id', 'broken rules', 'dealt with', 'text']
  printTable(titles, rows, 'Nothing is in quarantine.')
}

function inWords(decision: BadRecord['decision']): string | null {
  if (decision === null) return null
  const who = visible(decision.by)
  if (decision.action === 'drop') return `dropped by ${who}`
  return decision.is_staged ? `fix by ${who} breaks rules too` : `fixed by ${who}, waits for a run`
}

function excerpt(record: string): string {
  const line = visible(record.slice(0, 200).replaceAll(/\s+/g, ' '))
  return line.length > 80 ? `${line.slice(0, 79)}…` : line
}

/** Restricts rejected records, with what was decided about them, to those that are asked for. */
const chosenRecords = `
  from audit.bad_records as bad
  inner join audit.source_files as file using (file_id)
  left join audit.fixes_in_force as fix on fix.file_id = bad.file_id and fix.record_no = bad.record_no
  where ${isChosen('bad')} and ($4::text is null or $4 = any (bad.rules))
    and (not $5 or fix.fix_id is null)`

function chosenBy(flags: Flags): unknown[] {
  return [...paramsOf(flags), flags.rule ?? null, flags.open ?? false]
}

async function readGroups(database: Database, flags: Flags): Promise<Group[]> {
  const { rows } = await database.query<Group>(
    `select bad.source, bad.load_date, rule, count(*) as records
     ${chosenRecords.replace('where', 'cross join unnest(bad.rules) as rule where')}
     group by bad.source, bad.load_date, rule
     order by bad.load_date desc, bad.source, records desc, rule`,
    chosenBy(flags),
  )
  return rows
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
  decision: { action: 'fix' | 'drop'; by: string; reason: string; is_staged: boolean } | null
}

async function readBadRecords(database: Database, flags: Flags) {
  const { rows } = await database.query<BadRecord & { total: number }>(
    `select bad.source, bad.load_date, file.path, bad.record_no, bad.record_id, bad.rules,
       bad.problems, bad.record,
       case when fix.fix_id is not null then jsonb_build_object('action', fix.action,
         'by', fix.made_by, 'reason', fix.reason, 'is_staged', fix.staged_at is not null) end as decision,
       count(*) over () as total
     ${chosenRecords}
     order by bad.load_date desc, bad.source, bad.file_id, bad.record_no
     limit $6`,
    [...chosenBy(flags), flags.limit],
  )
  return rows
}
