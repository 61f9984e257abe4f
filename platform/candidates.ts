import type { QueryResultRow } from 'pg'
import { allContracts } from '../domain/contracts/all-contracts.ts'
import type { Contract } from '../domain/contracts/contract.ts'
import { stagingTable } from '../domain/contracts/tables.ts'
import type { Transaction } from './database.ts'
import { ensurePartition, tableExists } from './partitions.ts'
import { inPlaceOf } from './redirected.ts'

/**
 * A day's staged rows are a candidate until they have passed their checks: only publishing makes them
 * a partition of the staging table, which is all that the runs of other days read.
 */
export function candidateTable(contract: Contract, date: string): string {
  return `staging.${contract.source}_candidate_${date.replaceAll('-', '')}`
}

/** Makes the candidate of a source's day anew, empty. */
export async function beginCandidate(
  transaction: Transaction,
  contract: Contract,
  date: string,
): Promise<string> {
  const candidate = candidateTable(contract, date)
  await transaction.query(`set local client_min_messages = warning`)
  await transaction.query(`
    drop table if exists ${candidate};
    create table ${candidate} (like ${stagingTable(contract)} including all)`)
  return candidate
}

/** The candidates that wait for a day, by the staging tables whose partition they may become. */
export async function candidatesOf(
  transaction: Transaction,
  date: string,
): Promise<Map<string, string>> {
  const contracts = allContracts()
  const waiting = await transaction.query<{ name: string }>(
    'select name from unnest($1::text[]) as name where to_regclass(name) is not null',
    [contracts.map((contract) => candidateTable(contract, date))],
  )
  const names = new Set(waiting.rows.map((row) => row.name))
  return new Map(
    contracts
      .map((contract) => [stagingTable(contract), candidateTable(contract, date)] as const)
      .filter(([, candidate]) => names.has(candidate)),
  )
}

/** What publishing a day does to the staging tables. */
export interface Acceptance {
  readonly candidates: ReadonlyMap<string, string>
  /** Files of later days whose rows go, because the day brings them itself. */
  readonly takenOver: readonly number[]
}

/** A staging table as it will be: the day's candidate, where there is one, in the day's place. */
export function asIfAccepted(
  table: string,
  date: string,
  { candidates, takenOver }: Acceptance,
): string {
  const candidate = candidates.get(table)
  if (candidate === undefined) return table
  const kept = takenOver.length > 0 ? ` and file_id not in (${takenOver.join(', ')})` : ''
  return `(select * from ${candidate} union all select * from ${table} where load_date <> '${date}'${kept})`
}

/** Takes from a day's candidates what an earlier day, published meanwhile, has taken over. */
export async function giveUpTakenOver(
  transaction: Transaction,
  contracts: readonly Contract[],
  date: string,
): Promise<void> {
  for (const contract of contracts) {
    const candidate = candidateTable(contract, date)
    if (!(await tableExists(transaction, candidate))) continue
    if (await hasFiles(transaction, contract, date)) {
      await transaction.query(
        `delete from ${candidate}
         where file_id in (select file_id from audit.source_files where state = 'superseded')`,
      )
    } else await transaction.query(`drop table ${candidate}`)
  }
}

/** Whether the day still has a file of the source: another day may have taken over all it had. */
export async function hasFiles(
  database: { query(sql: string, params: unknown[]): Promise<{ rowCount: number | null }> },
  { source }: Contract,
  date: string,
): Promise<boolean> {
  const files = await database.query(
    `select from audit.source_files
     where source = $1 and load_date = $2 and state <> 'superseded' limit 1`,
    [source, date],
  )
  return files.rowCount === 1
}

/** Takes files that a day brings itself away from the later days that brought them before it. */
export async function takeOver(
  transaction: Transaction,
  date: string,
  tables: readonly string[],
  files: readonly number[],
): Promise<void> {
  if (files.length === 0) return
  await transaction.query(
    `update audit.published_loads as load
     set (records_received, records_loaded, records_quarantined, records_duplicate) =
       row(kept.records_received, kept.records_loaded, kept.records_quarantined, kept.records_duplicate)
     from audit.loads_left as kept
     where kept.taken_by = $1 and kept.source = load.source and kept.load_date = load.load_date
       and load.source in (select source from audit.source_files where file_id = any($2))`,
    [date, files],
  )
  for (const table of [...tables, 'audit.bad_records', 'audit.duplicate_records']) {
    await transaction.query(`delete from ${table} where file_id = any($1)`, [files])
  }
  await transaction.query(
    `update audit.source_files set state = 'superseded' where file_id = any($1)`,
    [files],
  )
  await transaction.query(
    `delete from audit.delivery_profiles as profile using audit.source_files as taken
     where taken.file_id = any($1) and profile.source = taken.source
       and profile.load_date = taken.load_date and not exists (
         select from audit.source_files as file
         where file.source = taken.source and file.load_date = taken.load_date
           and file.state <> 'superseded')`,
    [files],
  )
}

/**
 * Puts a day's candidate into the staging table, in the place of what was accepted before. Rows are
 * moved, and never a partition itself: replacing one would wait for everyone who reads the table, and
 * what a partition brings or takes is seen by snapshots that are older.
 */
export async function acceptCandidate(
  transaction: Transaction,
  table: string,
  candidate: string,
  date: string,
): Promise<void> {
  const partition = await ensurePartition(transaction, table, date)
  await transaction.query(`
    delete from ${partition};
    insert into ${partition} select * from ${candidate};
    analyze ${partition};
    drop table ${candidate}`)
}

/** Reads the candidates of a day wherever a statement names their staging tables. */
export class StagedReader {
  readonly #transaction: Transaction
  readonly #candidates: ReadonlyMap<string, string>

  constructor(transaction: Transaction, candidates: ReadonlyMap<string, string>) {
    this.#transaction = transaction
    this.#candidates = candidates
  }

  query<Row extends QueryResultRow>(sql: string, params: readonly unknown[] = []) {
    return this.#transaction.query<Row>(inPlaceOf(sql, this.#candidates), [...params])
  }
}
