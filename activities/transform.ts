import { ApplicationFailure } from '@temporalio/activity'
import { criticalRules, type Contract } from '../domain/contracts/contract.ts'
import type { JudgeInput, Layout } from '../domain/contracts/fields-sql.ts'
import { judgeSelect } from '../domain/contracts/judge-sql.ts'
import { stagingColumns } from '../domain/contracts/tables.ts'
import { failureTypes } from '../domain/failures.ts'
import type { Database, Transaction } from '../platform/database.ts'
import { beginCandidate, hasFiles } from '../platform/candidates.ts'
import { stageFixes } from '../platform/fixes-in-force.ts'
import { readTimesIn } from '../platform/judge-record.ts'
import type { Sources } from '../platform/sources.ts'
import { currentAttempt } from './current-attempt.ts'
import type { SourceInput } from './extract.ts'
import { quarantine } from './quarantine.ts'
import { refuseDrift } from './refuse-drift.ts'
import { transformPart } from './day-parts.ts'
import { sourceNamed } from './source-named.ts'
import { unlessUpToDate, type MaybeUpToDate } from './up-to-date.ts'
import { writeInAttempt } from './write-in-attempt.ts'

export interface TransformResult {
  readonly rowsIn: number
  readonly rowsOut: number
  readonly rowsRejected: number
  readonly duplicates: number
  /** Records that count as somebody corrected them in quarantine. */
  readonly fixed: number
  readonly unknownColumns: readonly string[]
}

interface FileRow {
  readonly file_id: number
  readonly header: string[] | null
  readonly is_nested: boolean
}

export function createTransformActivities(deps: { database: Database; sources: Sources }) {
  const { database, sources } = deps
  return {
    /**
     * Types and judges a day's raw records, with the fixes that people made to them: good ones become
     * the day's candidate for staging, bad ones go to quarantine with every broken rule, older ones of
     * a repeated key are noted as duplicates. Repeatable; does nothing when it is up to date.
     * received = loaded + quarantined + duplicates is proven for each file.
     * @throws SchemaDrift, ConservationBroken (never retried)
     */
    async transformToStaging(input: SourceInput): Promise<MaybeUpToDate<TransformResult>> {
      const { contract } = sourceNamed(sources, input.source)
      const day = { shopId: contract.shopId, date: input.date }
      return writeInAttempt(database, (transaction) =>
        unlessUpToDate(transaction, day, transformPart(contract), () =>
          transformDay(transaction, contract, input.date, currentAttempt().runId),
        ),
      )
    },
  }
}

/** Judges a source's day for a run; @throws SchemaDrift, ConservationBroken (never retried) */
export async function transformDay(
  transaction: Transaction,
  contract: Contract,
  date: string,
  runId: string,
): Promise<TransformResult> {
  await prepareSession(transaction, contract)
  const candidate = await beginCandidate(transaction, contract, date)
  if (!(await hasFiles(transaction, contract, date))) {
    await transaction.query(`drop table ${candidate}`)
    return nothing
  }
  const fixes = await stageFixes(transaction, contract, date)
  const layouts = await readLayouts(transaction, contract, date, fixes.nestedFileIds)
  const judge: JudgeInput = { contract, date, layouts, records: fixes.records }
  await transaction.query(`create temp table judged on commit drop as ${judgeOrNothing(judge)}`)
  await transaction.query('analyze judged')
  await refuseDrift(transaction, contract)
  await quarantine(transaction, judge, runId)
  await noteDuplicates(transaction, contract, date)
  await fillCandidate(transaction, contract, candidate)
  const concluded = await concludeFiles(transaction, contract, date, candidate)
  return { ...concluded, fixed: fixes.count }
}

/** Of a day whose files an earlier day has taken over since they were extracted. */
const nothing: TransformResult = {
  ...{ rowsIn: 0, rowsOut: 0, rowsRejected: 0, duplicates: 0, fixed: 0, unknownColumns: [] },
}

async function prepareSession(transaction: Transaction, contract: Contract): Promise<void> {
  await readTimesIn(transaction, contract)
  await transaction.query(`set local work_mem = '128MB'`)
}

async function readLayouts(
  transaction: Transaction,
  contract: Contract,
  date: string,
  nestedFileIds: ReadonlySet<number>,
): Promise<Layout[]> {
  const files = await transaction.query<FileRow>(
    `select file_id, header, is_nested from audit.source_files
     where source = $1 and load_date = $2 and state = 'loaded' order by file_id`,
    [contract.source, date],
  )
  const layouts = new Map<
    string,
    { fileIds: number[]; header: string[] | null; isNested: boolean }
  >()
  for (const file of files.rows) {
    const isNested = file.is_nested || nestedFileIds.has(file.file_id)
    const signature = JSON.stringify([file.header, isNested])
    const layout = layouts.get(signature)
    if (layout) layout.fileIds.push(file.file_id)
    else {
      layouts.set(signature, {
        fileIds: [file.file_id],
        header: file.header,
        isNested,
      })
    }
  }
  return [...layouts.values()]
}

/** A day whose files were all seen before has no layout, and judges nothing. */
function judgeOrNothing(judge: JudgeInput): string {
  if (judge.layouts.length > 0) return judgeSelect(judge)
  const none: Layout = { fileIds: [-1], header: [], isNested: false }
  return judgeSelect({ ...judge, layouts: [none] })
}

async function noteDuplicates(
  transaction: Transaction,
  contract: Contract,
  date: string,
): Promise<void> {
  await transaction.query(
    'delete from audit.duplicate_records where source = $1 and load_date = $2',
    [contract.source, date],
  )
  if (contract.recordKey.length === 0) return
  const key = contract.recordKey.join(', ')
  await transaction.query(
    `insert into audit.duplicate_records
       (file_id, record_no, source, load_date, record_id, kept_file_id, kept_record_no)
     with files as (
       -- A file that the day brings twice counts by its last name, whichever was read first.
       select file_id, max(path) over (partition by coalesce(duplicate_of, file_id)) as path from audit.source_files
       where source = $1 and load_date = $2 and state <> 'superseded'
     ),
     records as (
       select distinct ${keyOfJudged(contract)}, judged.file_id, judged.record_no, file.path
       from judged join files file using (file_id) where broken = 0
     ),
     repeated as (select ${key} from records group by ${key} having count(*) > 1),
     ranked as (
       select *, first_value(file_id) over latest_first as kept_file_id,
         first_value(record_no) over latest_first as kept_record_no,
         row_number() over latest_first as recency
       from records join repeated using (${key})
       window latest_first as (partition by ${key} order by path desc, record_no desc)
     )
     select file_id, record_no, $1, $2, concat_ws('/', ${key}), kept_file_id, kept_record_no
     from ranked where recency > 1`,
    [contract.source, date],
  )
}

function keyOfJudged(contract: Contract): string {
  return contract.recordKey.map((column) => `judged.${column}`).join(', ')
}

async function fillCandidate(
  transaction: Transaction,
  contract: Contract,
  candidate: string,
): Promise<void> {
  const columns = stagingColumns(contract).join(', ')
  await transaction.query(
    `insert into ${candidate} (${columns}) select ${columns} from judged
     where broken = 0 and not exists (
       select from audit.duplicate_records duplicate
       where duplicate.file_id = judged.file_id and duplicate.record_no = judged.record_no)`,
  )
  await transaction.query(`analyze ${candidate}`)
}

async function concludeFiles(
  transaction: Transaction,
  contract: Contract,
  date: string,
  candidate: string,
): Promise<Omit<TransformResult, 'fixed'>> {
  const files = await transaction.query<ConcludedFile>(concludeSql(candidate), [
    contract.source,
    date,
    criticalRules(contract),
  ])
  const broken = files.rows.find(
    (file) =>
      file.records_received !==
      file.records_loaded + file.records_quarantined + file.records_duplicate,
  )
  if (broken) {
    throw ApplicationFailure.nonRetryable(
      `${broken.path}: ${broken.records_received} records received, but ${broken.records_loaded} loaded, ` +
        `${broken.records_quarantined} quarantined, ${broken.records_duplicate} duplicates`,
      failureTypes.conservationBroken,
    )
  }
  const sum = (count: (file: ConcludedFile) => number) =>
    files.rows.reduce((total, file) => total + count(file), 0)
  return {
    rowsIn: sum((file) => file.records_received),
    rowsOut: sum((file) => file.records_loaded),
    rowsRejected: sum((file) => file.records_quarantined),
    duplicates: sum((file) => file.records_duplicate),
    unknownColumns: await unknownColumns(transaction, candidate),
  }
}

interface ConcludedFile {
  readonly path: string
  readonly records_received: number
  readonly records_loaded: number
  readonly records_quarantined: number
  readonly records_duplicate: number
}

function concludeSql(candidate: string): string {
  return `with loaded as (
      select file_id, count(*) as records
      from (select distinct file_id, record_no from ${candidate}) staged group by file_id
    ),
    quarantined as (
      select file_id, count(*) as records, count(*) filter (where rules && $3::text[]) as critical
      from audit.bad_records
      where source = $1 and load_date = $2 group by file_id
    ),
    duplicates as (
      select file_id, count(*) as records from audit.duplicate_records
      where source = $1 and load_date = $2 group by file_id
    )
    update audit.source_files file
    set records_loaded = coalesce((select records from loaded where loaded.file_id = file.file_id), 0),
      records_quarantined = coalesce((select records from quarantined where quarantined.file_id = file.file_id), 0),
      records_critical = coalesce((select critical from quarantined where quarantined.file_id = file.file_id), 0),
      records_duplicate = coalesce((select records from duplicates where duplicates.file_id = file.file_id), 0)
    where file.source = $1 and file.load_date = $2 and file.state = 'loaded'
    returning path, records_received, records_loaded, records_quarantined, records_duplicate`
}

async function unknownColumns(transaction: Transaction, candidate: string): Promise<string[]> {
  const result = await transaction.query<{ name: string }>(
    `select distinct jsonb_object_keys(extras) as name from ${candidate}
     where extras is not null order by name limit 20`,
  )
  return result.rows.map((row) => row.name)
}
