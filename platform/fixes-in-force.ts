import type { Contract } from '../domain/contracts/contract.ts'
import { rawTable } from '../domain/contracts/tables.ts'
import type { Transaction } from './database.ts'

export interface StagedFixes {
  /** What the day's records are judged from: raw, with corrected records in their place. */
  readonly records: string
  /** Files in which a corrected record has order lines. */
  readonly nestedFileIds: ReadonlySet<number>
  readonly count: number
}

interface FixRow {
  readonly fix_id: number
  readonly file_id: number
  readonly action: 'fix' | 'drop'
  readonly is_nested: boolean
}

/**
 * Lays the fixes in force for a day over its raw records, which stay as they are, and notes that they
 * are staged. Fixes of a file that was delivered anew with other content are left out.
 */
export async function stageFixes(
  transaction: Transaction,
  contract: Contract,
  date: string,
): Promise<StagedFixes> {
  // Whoever decides about a record of these files waits until they are judged.
  await transaction.query(
    `select from audit.source_files where source = $1 and load_date = $2 and state = 'loaded'
     order by file_id for no key update`,
    [contract.source, date],
  )
  const { rows } = await transaction.query<FixRow>(
    `select fix_id, file_id, action, is_nested from audit.fixes_in_force
     where source = $1 and load_date = $2 and file_id is not null`,
    [contract.source, date],
  )
  const ids = rows.map((row) => row.fix_id)
  await transaction.query(
    'update audit.record_fixes set staged_at = now() where fix_id = any ($1::bigint[])',
    [ids],
  )
  const fixes = rows.filter(({ action }) => action === 'fix')
  const nestedFileIds = new Set(fixes.filter((fix) => fix.is_nested).map((fix) => fix.file_id))
  if (fixes.length === 0) return { records: rawTable(contract), nestedFileIds, count: 0 }
  await createRecordTable(transaction, contract)
  await transaction.query(
    `insert into fixed_records (load_date, file_id, record_no, record, fields)
     select load_date, file_id, record_no, record_after, fields from audit.fixes_in_force
     where fix_id = any ($1::bigint[]) and action = 'fix'`,
    [ids],
  )
  return { records: withFixes(contract), nestedFileIds, count: fixes.length }
}

/** An empty table `fixed_records` with the columns of a raw table, gone at the end of the transaction. */
export async function createRecordTable(
  transaction: Transaction,
  contract: Contract,
): Promise<void> {
  await transaction.query(
    `create temp table fixed_records (like ${rawTable(contract)}) on commit drop`,
  )
}

function withFixes(contract: Contract): string {
  return `(select * from ${rawTable(contract)} delivered
    where not exists (select from fixed_records fixed
      where fixed.file_id = delivered.file_id and fixed.record_no = delivered.record_no)
    union all select * from fixed_records)`
}

/** Notes that the books have what was staged of a source's day. */
export async function publishFixes(
  transaction: Transaction,
  contract: Contract,
  date: string,
): Promise<void> {
  await transaction.query(
    `update audit.record_fixes set published_at = now()
     where staged_at is not null and published_at is null and fix_id in (
       select fix_id from audit.fixes_in_force
       where source = $1 and load_date = $2 and file_id is not null)`,
    [contract.source, date],
  )
}
