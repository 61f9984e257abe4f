import { quote, type Contract } from '../domain/contracts/contract.ts'
import { stagingTable } from '../domain/contracts/tables.ts'
import { measuresOf, mixesOf, profileSampleSize } from '../domain/profile.ts'
import type { StagedReader } from '../platform/candidates.ts'

/** A temporary table for the rows that the scan of a source's day samples. */
export async function beginSample(staged: StagedReader, contract: Contract): Promise<void> {
  await staged.query('drop table if exists pg_temp.sampled')
  await staged.query(`create temp table sampled (like ${stagingTable(contract)}) on commit drop`)
}

/** SQL condition that takes about as many records of a day as a profile needs, the same each time. */
export function isSampled(records: number): string {
  return `record_no % ${Math.max(1, Math.ceil(records / profileSampleSize))} = 0`
}

/** Writes the profile of the sampled rows as that of the day's candidate. */
export async function profileSample(
  staged: StagedReader,
  contract: Contract,
  date: string,
): Promise<void> {
  const key = [contract.source, date]
  await staged.query(
    'delete from audit.delivery_profiles where source = $1 and load_date = $2 and is_candidate',
    key,
  )
  const measures = measuresOf(contract)
  const measured = measures.map(({ sql }, index) => `(${sql})::double precision as m${index}`)
  const rows = measures.map(
    ({ kind, name }, index) => `(${quote(kind)}, ${quote(name)}, m${index})`,
  )
  await staged.query(
    `insert into audit.delivery_profiles (source, load_date, is_candidate, kind, measure, value)
     select $1, $2, true, kind, name, value
     from (select ${measured.join(', ')} from pg_temp.sampled) as measured
     cross join lateral (values ${rows.join(', ')}) as measure (kind, name, value)
     where value is not null`,
    key,
  )
  const mixes = mixesOf(contract).map(({ name, sql }) => `(${quote(name)}, ${sql})`)
  await staged.query(
    `insert into audit.delivery_profiles
       (source, load_date, is_candidate, kind, measure, segment, value)
     select $1, $2, true, 'segment', measure,
       case when share < 0.001 then 'other' else ':' || coalesce(segment, '') end, sum(share)
     from (
       select measure, segment, count(*) / sum(count(*)) over (partition by measure) as share
       from pg_temp.sampled cross join lateral (values ${mixes.join(', ')}) as mix (measure, segment)
       group by measure, segment
     ) as shares
     group by measure, 6`,
    key,
  )
}
