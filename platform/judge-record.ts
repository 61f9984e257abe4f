import { z } from 'zod'
import type { Contract } from '../domain/contracts/contract.ts'
import type { JudgeInput } from '../domain/contracts/fields-sql.ts'
import { judgeSelect, problemsSelect } from '../domain/contracts/judge-sql.ts'
import type { Transaction } from './database.ts'
import { createRecordTable } from './fixes-in-force.ts'
import { loadRecord, type RecordText } from './landing/load-record.ts'

/** A broken rule, and the raw text of its column. */
export const Problem = z.object({
  rule: z.string(),
  column: z.string().nullable(),
  value: z.string().nullable(),
  /** The lines of an order that break it, from 1. */
  lines: z.array(z.number()).optional(),
})
export type Problem = z.infer<typeof Problem>

export interface JudgedRecord {
  /** As raw would hold it. */
  readonly record: string
  readonly fields: string[] | null
  readonly isNested: boolean
  readonly problems: readonly Problem[]
}

/**
 * Judges a text as if its file had held it at that place, by the reader and the SQL that judge whole
 * files. Writes nothing that outlives the transaction; once in a transaction.
 * @throws NotOneRecordError
 */
export async function judgeRecord(
  transaction: Transaction,
  input: RecordText & { readonly isFileNested: boolean },
): Promise<JudgedRecord> {
  const { contract, header, fileId, loadDate } = input
  await readTimesIn(transaction, contract)
  await createRecordTable(transaction, contract)
  const { isNested } = await loadRecord(transaction, 'fixed_records', input)
  const layout = { fileIds: [fileId], header, isNested: input.isFileNested || isNested }
  const judge: JudgeInput = {
    ...{ contract, date: loadDate, layouts: [layout], records: 'fixed_records' },
  }
  await transaction.query(`create temp table judged on commit drop as ${judgeSelect(judge)}`)
  const bad = await transaction.query<{ problems: unknown }>(problemsSelect(judge))
  const found = await transaction.query<{ record: string; fields: string[] | null }>(
    'select record, fields from fixed_records',
  )
  const [read] = found.rows
  if (read === undefined) throw new Error('The record that was read is not there')
  return { ...read, isNested, problems: Problem.array().parse(bad.rows[0]?.problems ?? []) }
}

/** Times without a zone are read in the source's own, until the transaction ends. */
export async function readTimesIn(transaction: Transaction, contract: Contract): Promise<void> {
  await transaction.query(`select set_config('timezone', $1, true)`, [contract.timeZone])
}
