import { checksOf, isOptional } from '../domain/checks.ts'
import type { Check, Scan } from '../domain/checks-kinds.ts'
import { verdictOf, type CheckResult, type Measured } from '../domain/checks-verdict.ts'
import type { Contract, Family } from '../domain/contracts/contract.ts'
import { stagingTable } from '../domain/contracts/tables.ts'
import type { StagedReader } from '../platform/candidates.ts'
import { readModel } from '../platform/model-file.ts'

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
  if (isOptional(contract) && !(await hasDelivered(staged, contract, date))) {
    return { rows: 0, results: [], samples: [] }
  }
  const checks = checksOf(contract)
  const measured = await measureAll(staged, contract, date, checks)
  const results: CheckResult[] = []
  const samples: Sample[] = []
  for (const check of checks) {
    const found = measured.get(check.id) ?? { value: null, failedRows: 0 }
    const result = verdictOf(check, stagingTable(contract), found)
    const shown = result.isPassed ? [] : await sampleCheck(staged, contract, date, check)
    samples.push(...shown)
    results.push(check.namesSamples && shown.length > 0 ? withNames(result, shown) : result)
  }
  const rows = await countRows(staged, contract, date)
  return { rows, results, samples }
}

async function hasDelivered(staged: StagedReader, contract: Contract, date: string) {
  const files = await staged.query(
    'select from audit.source_files where source = $1 and load_date = $2 limit 1',
    [contract.source, date],
  )
  return files.rowCount === 1
}

async function countRows(staged: StagedReader, contract: Contract, date: string): Promise<number> {
  const counted = await staged.query<{ rows: number }>(
    `select count(*) as rows from ${stagingTable(contract)} where load_date = $1`,
    [date],
  )
  return counted.rows[0]?.rows ?? 0
}

async function measureAll(
  staged: StagedReader,
  contract: Contract,
  date: string,
  checks: readonly Check[],
): Promise<Map<string, Measured>> {
  const measured = new Map<string, Measured>()
  for (const scan of ['records', 'keys', 'files'] as const) {
    const scanned = checks.filter((check) => check.scan === scan)
    const found = await measureScan(staged, contract, date, scan, scanned)
    scanned.forEach((check, index) => {
      measured.set(check.id, {
        value: found[`value_${index}`] ?? null,
        failedRows: Number(found[`failed_${index}`] ?? 0),
      })
    })
  }
  for (const check of checks.filter((candidate) => candidate.scan === 'model')) {
    const value = await measureModel(staged, contract, date, check.measure)
    measured.set(check.id, { value, failedRows: 0 })
  }
  return measured
}

/** All checks of a scan in one statement; numbers come back as text. */
async function measureScan(
  staged: StagedReader,
  contract: Contract,
  date: string,
  scan: Exclude<Scan, 'model'>,
  checks: readonly Check[],
): Promise<Record<string, string | null>> {
  const columns = checks.flatMap(({ measure, failing }, index) => [
    `(${measure})::text as value_${index}`,
    `(${failing ? `count(*) filter (where ${failing})` : '0'})::text as failed_${index}`,
  ])
  const { from, params } = scanOf(contract, date, scan, keyOf(checks))
  const found = await staged.query<Record<string, string | null>>(
    `select ${columns.join(', ')} from ${from}`,
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
  path: string,
): Promise<string | null> {
  const model = await readModel(path)
  const sql = model.select.replaceAll(/\bstaging\.(order_lines|events)\b/g, stagingTable(contract))
  const values = [date, contract.source, contract.shopId]
  const found = await staged.query<{ measured: string | null }>(
    sql,
    values.slice(0, model.params.length),
  )
  return found.rows[0]?.measured ?? null
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

function withNames(result: CheckResult, samples: readonly Sample[]): CheckResult {
  const names = samples.map((sample) => sample.recordKey).join(', ')
  return { ...result, actual: `${result.actual} (${names})` }
}
