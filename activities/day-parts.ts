import { readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { checksOf } from '../domain/checks.ts'
import type { Contract, Family } from '../domain/contracts/contract.ts'
import { stagingTable } from '../domain/contracts/tables.ts'
import { metricFamilies } from '../domain/metrics.ts'
import type { Database, Transaction } from '../platform/database.ts'
import { digestOf, type DayRecords, type MadeOf } from '../platform/fingerprints.ts'

/** What one task makes of a shop's day, and what that follows from. */
export interface DayPart {
  readonly name: string
  /** Tables that hold it. */
  readonly tables: readonly string[]
  /** Models of sql/ that it runs. */
  readonly models: readonly string[]
  /** Sources in TypeScript whose text says how it is made. */
  readonly methods: readonly string[]
  readonly contracts: readonly Contract[]
  /** The source whose delivered files it is made from. */
  readonly source?: string
  /** Parts of the same day that it reads. */
  readonly reads: readonly string[]
}

const methods = {
  transform: [
    'activities/transform.ts',
    'activities/quarantine.ts',
    'activities/refuse-drift.ts',
    'domain/contracts/contract.ts',
    'domain/contracts/families.ts',
    'domain/contracts/fields-sql.ts',
    'domain/contracts/judge-sql.ts',
    'domain/severity.ts',
    'platform/fixes-in-force.ts',
    'platform/judge-record.ts',
  ],
  checks: [
    'activities/check-quality.ts',
    'activities/check-results.ts',
    'activities/measure-checks.ts',
    'activities/profile-delivery.ts',
    'domain/checks.ts',
    'domain/checks-kinds.ts',
    'domain/checks-learned.ts',
    'domain/checks-verdict.ts',
    'domain/profile.ts',
  ],
  load: ['activities/load.ts', 'platform/build.ts'],
  metrics: ['activities/affected-dates.ts', 'activities/compute-metrics.ts', 'domain/metrics.ts'],
  scores: [
    'activities/publish-anomalies.ts',
    'activities/score-anomalies.ts',
    'activities/scored-dates.ts',
    'domain/anomaly.ts',
  ],
}

const rootDir = join(import.meta.dirname, '..')

/** As this process runs them: read when it starts, not when somebody has edited them since. */
const methodDigests = new Map(
  Object.values(methods)
    .flat()
    .map((path) => [path, digestOf(readFileSync(join(rootDir, path), 'utf8'))]),
)

export function transformPart(contract: Contract): DayPart {
  return {
    name: `transform ${contract.source}`,
    tables: [stagingTable(contract)],
    models: [],
    methods: methods.transform,
    contracts: [contract],
    source: contract.source,
    reads: [],
  }
}

/**
 * The parts of a day of the shop that has these contracts, in the order in which they are made. The
 * parts of tables are named for their tables.
 */
export function partsOf(contracts: readonly Contract[]): DayPart[] {
  const transforms = contracts.map(transformPart)
  const staged = (...families: Family[]) =>
    contracts
      .filter(({ family }) => families.includes(family))
      .map((contract) => transformPart(contract).name)
  const has = (family: Family) => contracts.some((contract) => contract.family === family)
  const productModel = has('products') ? 'dim_product' : 'dim_product_from_lines'
  const dims = ['dim_user', 'dim_product']
  const facts = ['fact_orders', ...(has('events') ? ['fact_events'] : [])]
  const model = (name: string, moved: string[] = []) => [
    ...[`warehouse/${name}`, `warehouse/scopes/${name}`],
    ...moved.map((table) => `warehouse/moved/${table}`),
  ]
  const models = [
    loaded('dim_date', [], staged('order_lines', 'events')),
    loaded('dim_user', model('dim_user', ['moved_users']), staged('order_lines', 'events')),
    loaded(
      'dim_product',
      model(productModel, ['moved_products', 'moved_event_products']),
      staged('order_lines', 'events', 'products'),
    ),
    loaded('fact_orders', model('fact_orders'), [...staged('order_lines'), ...dims]),
    loaded('fact_events', model('fact_events'), [...staged('events'), ...dims]),
  ]
  return [
    ...transforms,
    {
      name: 'checks',
      tables: [],
      models: checkModels(contracts),
      methods: methods.checks,
      contracts,
      reads: transforms.map(({ name }) => name),
    },
    ...models.filter(({ name }) => name.startsWith('dim_') || facts.includes(name)),
    {
      name: 'daily_metrics',
      tables: ['warehouse.daily_metrics'],
      models: metricFamilies.map((family) => `metrics/${family}`),
      methods: methods.metrics,
      contracts: [],
      reads: ['checks', ...dims, ...facts],
    },
    {
      name: 'metric_scores',
      tables: ['warehouse.metric_scores', 'warehouse.order_scores', 'warehouse.anomalies'],
      models: ['anomalies/order_anomalies'],
      methods: methods.scores,
      contracts: [],
      reads: ['fact_orders', 'daily_metrics'],
    },
  ]
}

function loaded(table: string, models: string[], reads: string[]): DayPart {
  const tables = [`warehouse.${table}`]
  return { name: table, tables, models, methods: methods.load, contracts: [], reads }
}

function checkModels(contracts: readonly Contract[]): string[] {
  const checks = contracts.flatMap((contract) => checksOf(contract))
  return [...new Set(checks.filter(({ scan }) => scan === 'model').map(({ measure }) => measure))]
}

/** What a part would be made from now, on the other parts of the day as they are. */
export async function wouldBeMadeOf(
  database: Pick<Database | Transaction, 'query'>,
  part: DayPart,
  date: string,
  records: DayRecords,
): Promise<MadeOf> {
  return {
    code: await codeOf(part),
    inputs: part.source === undefined ? {} : await inputsOf(database, part.source, date),
    reads: Object.fromEntries(
      part.reads.flatMap((name) => {
        const { waiting, published } = records.get(name) ?? {}
        const made = waiting ?? published
        return made === undefined ? [] : [[name, made.fingerprint]]
      }),
    ),
  }
}

async function codeOf(part: DayPart): Promise<Record<string, string>> {
  const models = part.models.map(async (path) => {
    const name = `sql/${path}.sql`
    return [name, digestOf(await readFile(join(rootDir, name), 'utf8'))] as const
  })
  const code = Object.fromEntries(await Promise.all(models))
  for (const path of part.methods) code[path] = methodDigests.get(path) ?? ''
  for (const contract of part.contracts) {
    // Its version says nothing of how a day is made.
    const { version: _, ...made } = contract
    code[`contract ${contract.source}`] = digestOf(JSON.stringify(made, withFunctions))
  }
  return code
}

function withFunctions(_key: string, value: unknown): unknown {
  return typeof value === 'function' ? String(value) : value
}

/** A version of a file is its content and its registration: what was read of it hangs on both. */
async function inputsOf(
  database: Pick<Database | Transaction, 'query'>,
  source: string,
  date: string,
): Promise<Record<string, string>> {
  const { rows } = await database.query<{ name: string; digest: string }>(
    `select path as name, sha256 || '#' || file_id as digest from audit.source_files
     where source = $1 and load_date = $2 and state <> 'superseded'
     union all
     select format('%s of record %s of %s', action, record_no, path), fix_id::text
     from audit.fixes_in_force where source = $1 and load_date = $2 and file_id is not null`,
    [source, date],
  )
  return Object.fromEntries(rows.map(({ name, digest }) => [name, digest]))
}
