import type { Contract } from '../domain/contracts/contract.ts'
import { stagingTable } from '../domain/contracts/tables.ts'
import type { Transaction } from './database.ts'

/** A record that the books have, of the key that another one is to have. */
export interface BookedRecord {
  /** `order_id A-17`. */
  readonly key: string
  readonly path: string
  readonly recordNo: number
  /** Delivery date. */
  readonly loadDate: string
  /** Whether it comes after the other one, which then does not count. */
  readonly isLater: boolean
}

/** Where the record in the temporary table `judged` has been delivered. */
interface Place {
  readonly id: { readonly path: string; readonly recordNo: number }
  readonly fileId: number
  readonly loadDate: string
}

/**
 * The latest of all other published records with the key of the one that `judgeRecord` has judged in
 * this transaction. A catalogue repeats its keys daily: of it only the records of the same day count.
 */
export async function findBooked(
  transaction: Transaction,
  contract: Contract,
  { id, fileId, loadDate }: Place,
): Promise<BookedRecord | undefined> {
  const { source, family, recordKey } = contract
  if (recordKey.length === 0) return undefined
  const days = family === 'products' ? 'staged.load_date = $4' : 'true'
  const { rows } = await transaction.query<BookedRecord>(
    `select concat_ws(', ', ${recordKey.map((name) => `'${name} ' || ${name}`).join(', ')}) as key,
       file.path, staged.record_no as "recordNo", staged.load_date as "loadDate",
       (staged.load_date, file.path, staged.record_no) > ($4::date, $5, $3::integer) as "isLater"
     from ${stagingTable(contract)} as staged
     inner join judged using (${recordKey.join(', ')})
     inner join audit.published_loads as load
       on load.source = $1 and load.load_date = staged.load_date
     inner join audit.source_files as file on file.file_id = staged.file_id
     where (staged.file_id, staged.record_no) <> ($2::bigint, $3::integer) and ${days}
     order by staged.load_date desc, file.path desc, staged.record_no desc limit 1`,
    [source, fileId, id.recordNo, loadDate, id.path],
  )
  return rows[0]
}
