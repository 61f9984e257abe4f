import { checksOf, isOptional } from '../domain/checks.ts'
import type { Check, Scan } from '../domain/checks-kinds.ts'
import { verdictOf, type CheckResult, type Measured } from '../domain/checks-verdict.ts'
import type { Contract, Family } from '../domain/contracts/contract.ts'
import { stagingTable } from '../domain/contracts/tables.ts'
import type { StagedReader } from '../platform/candidates.ts'
import { hasFiles } from '../platform/candidates.ts'
import { readModel } from '../platform/model-file.ts'
import { beginSample, isSampled, profileSample } from './profile-delivery.ts'

export interface Outcome {
  readonly rows: number
  readonly results: readonly CheckResult[]
  readonly samples: readonly Sample[]
}

interface Sample {
  readonly checkId: string
  readonly sampleNo: number
  readonly recordKey: string
  readonly detail: string | null
}

const maxSamples = 20

/** Measures and judges one source's day. A source that need not deliver daily has no checks then. */
export async function measureSource(
  staged: StagedReader,
  contract: Contract,
  date: string,
): Promise<Outcome> {
  if (isOptional(contract) && !(await hasFiles(staged, contract, date))) {
    return { rows: 0, results: [], samples: [] }
  }
  const checks = checksOf(contract)
  const { rows, measured } = await measureAll(staged, contract, date, checks)
  const results: CheckResult[] = []
  const samples: Sample[] = []
  for (const check of checks) {
    const found = measured.get(check.id) ?? { value: null, failedRows: 0 }
    const result = verdictOf(check, stagingTable(contract), found)
    const shown = result.isPassed ? [] : await sampleCheck(staged, contract, date, check)
    samples.push(...shown)
    const names = check.namesSamples
      ? shown.map((sample) => sample.recordKey).join(', ')
      : found.worst
    results.push(result.isPassed || !names ? result : withNames(result, names))
  }
  return { rows, results, samples }
}

/**
 * Two scans of the day's rows, one of all records and one of their keys; what is compared with other
 * days comes from a sample that the first takes along.
 */
async function measureAll(
  staged: StagedReader,
  contract: Contract,
  date: string,
  checks: readonly Check[],
): Promise<{ rows: number; measured: Map<string, Measured> }> {
  const measured = new Map<string, Measured>()
  const note = (scanned: readonly Check[], found: Record<string, string | null>) => {
    scanned.forEach((check, index) => {
      const failedRows = Number(found[`failed_${index}`] ?? 0)
      measured.set(check.id, { value: found[`value_${index}`] ?? null, failedRows })
    })
  }
  const ofScan = (scan: Scan) => checks.filter((check) => check.scan === scan)
  for (const scan of ['keys', 'files'] as const) {
    note(ofScan(scan), await measureScan(staged, contract, date, scan, ofScan(scan)))
  }
  const found = await scanRecords(staged, contract, date, ofScan('records'))
  note(ofScan('records'), found)
  await profileSample(staged, contract, date)
  for (const check of ofScan('model')) {
    measured.set(check.id, await measureModel(staged, contract, date, check))
  }
  return { rows: Number(found['rows'] ?? 0), measured }
}

/** All checks of records in one statement, which keeps a sample of the rows in `sampled`. */
async function scanRecords(
  staged: StagedReader,
  contract: Contract,
  date: string,
  checks: readonly Check[],
): Promise<Record<string, string | null>> {
  await beginSample(staged, contract)
  const loaded = await staged.query<{ records: number }>(
    `select coalesce(sum(records_loaded), 0)::bigint as records from audit.source_files
     where load_date = $1 and source = $2 and state = 'loaded'`,
    [date, contract.source],
  )
  const sample = `array_agg(staged) filter (where ${isSampled(loaded.rows[0]?.records ?? 0)}) as sample`
  const columns = [...checkColumns(checks), 'count(*)::text as rows', sample]
  const scanned = await staged.query<Record<string, string | null>>(
    `with scanned as materialized (
       select ${columns.join(', ')} from ${stagingTable(contract)} as staged where load_date = $1
     ),
     kept as (
       insert into pg_temp.sampled select taken.* from scanned cross join lateral unnest(sample) as taken
     )
     select ${checks.map((_, index) => `value_${index}, failed_${index}, `).join('')}rows from scanned`,
    [date],
  )
  return scanned.rows[0] ?? {}
}

function checkColumns(checks: readonly Check[]): string[] {
  return checks.flatMap(({ measure, failing }, index) => [
    `(${measure})::text as value_${index}`,
    `(${failing ? `count(*) filter (where ${failing})` : '0'})::text as failed_${index}`,
  ])
}

/** All checks of a scan in one statement; numbers come back as text. */
async function measureScan(
  staged: StagedReader,
  contract: Contract,
  date: string,
  scan: 'keys' | 'files',
  checks: readonly Check[],
): Promise<Record<string, string | null>> {
  const { from, params } = scanOf(contract, date, scan, keyOf(checks))
  const found = await staged.query<Record<string, string | null>>(
    `select ${checkColumns(checks).join(', ')} from ${from}`,
    params,
  )
  return found.rows[0] ?? {}
}

function keyOf(checks: readonly Check[]): readonly string[] {
  return checks.flatMap((check) => check.key ?? [])
}

function scanOf(
  contract: Contract,
  date: string,
  scan: Exclude<Scan, 'model'>,
  key: readonly string[],
): { from: string; params: string[] } {
  const stagedRows = `(select * from ${stagingTable(contract)} where load_date = $1) staged`
  switch (scan) {
    case 'records':
      return { from: stagedRows, params: [date] }
    case 'keys': {
      const columns = key.join(', ')
      const from = `(select ${columns}, count(*) as copies from ${stagedRows} group by ${columns}) keys`
      return { from, params: [date] }
    }
    case 'files': {
      const from = `(select * from audit.source_files
        where load_date = $1 and source = $2 and state <> 'superseded') files`
      return { from, params: [date, contract.source] }
    }
  }
}

async function measureModel(
  staged: StagedReader,
  contract: Contract,
  date: string,
  check: Check,
): Promise<Measured> {
  const model = await readModel(check.measure)
  const values = [date, contract.source, check.about]
  const found = await staged.query<{ measured: string | null; worst?: string }>(
    model.select,
    values.slice(0, model.params.length),
  )
  const [row] = found.rows
  return { value: row?.measured ?? null, failedRows: 0, worst: row?.worst ?? null }
}

const recordKeys: Readonly<Record<Family, string>> = {
  order_lines: `order_id || '/' || line_no`,
  events: 'event_id',
  products: `vendor_id || '/' || product_id`,
}

async function sampleCheck(
  staged: StagedReader,
  contract: Contract,
  date: string,
  check: Check,
): Promise<Sample[]> {
  const { sql, params } = samplesOf(contract, date, check)
  if (sql === undefined) return []
  const found = await staged.query<{ record_key: string; detail: string | null }>(
    `${sql} limit ${maxSamples}`,
    params,
  )
  return found.rows.map((row, index) => ({
    checkId: check.id,
    sampleNo: index + 1,
    recordKey: row.record_key,
    detail: row.detail,
  }))
}

function samplesOf(
  contract: Contract,
  date: string,
  check: Check,
): { sql?: string; params: string[] } {
  if (check.scan === 'model') return { params: [] }
  const { from, params } = scanOf(contract, date, check.scan, check.key ?? [])
  if (check.samples) {
    const stagedRows = `(select * from ${stagingTable(contract)} where load_date = $1) staged`
    return { sql: check.samples.replace(/\bfrom staged\b/, `from ${stagedRows}`), params }
  }
  if (!check.failing) return { params }
  const keys: Record<typeof check.scan, string> = {
    records: recordKeys[contract.family],
    keys: `concat_ws('/', ${(check.key ?? []).join(', ')})`,
    files: 'path',
  }
  const sql = `select ${keys[check.scan]} as record_key, (${check.detail ?? 'null'})::text as detail
    from ${from} where ${check.failing} order by record_key`
  return { sql, params }
}

function withNames(result: CheckResult, names: string): CheckResult {
  return { ...result, actual: `${result.actual} (${names})` }
}
