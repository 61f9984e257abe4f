import { randomUUID } from 'node:crypto'
import { quote } from '../domain/contracts/contract.ts'
import type { Build } from '../platform/build.ts'
import { compareTable, type Sides, type TableComparison } from '../platform/compare-tables.ts'
import { inDiscardedTransaction, type Database, type Transaction } from '../platform/database.ts'
import type { Sources } from '../platform/sources.ts'
import { comparedTables, type ComparedTable } from '../platform/table-digests.ts'
import { planWith, type LoadInput, type LoadPlan } from './load.ts'
import { noDelivery, rebuildCalendar, rebuildShop } from './rebuild.ts'

/** A shop and the sources whose deliveries its tables are made from. */
export type VerifiedShop = Omit<LoadInput, 'date'>

export interface ShopComparison extends TableComparison {
  /** Null for what belongs to no shop, or to one that no DAG publishes. */
  readonly shop: string | null
}

export interface VerifyInput {
  readonly shops: readonly VerifiedShop[]
  /** Whether these are all there are: then rows of other shops are differences. */
  readonly areAll: boolean
  /** Differing rows shown of a table. */
  readonly samples: number
}

/**
 * Rebuilds the published tables of these shops from staging and compares them with what is published:
 * in one transaction, on one moment of the database, that leaves nothing behind and blocks no run.
 */
export async function verifyBooks(
  database: Database,
  sources: Sources,
  input: VerifyInput,
): Promise<ShopComparison[]> {
  return inDiscardedTransaction(database, async (transaction) => {
    await prepareSession(transaction)
    const rebuilt = await rebuildBooks(transaction, sources, input.shops)
    return compareBooks(transaction, rebuilt, input)
  })
}

/** For a few large statements of which nobody reads the first row early. */
async function prepareSession(transaction: Transaction): Promise<void> {
  await transaction.query(`
    set local statement_timeout = 0;
    set local idle_in_transaction_session_timeout = 0;
    set local client_connection_check_interval = '2s';
    set local client_min_messages = warning;
    set local work_mem = '128MB';
    set local maintenance_work_mem = '128MB';
    set local jit = off`)
}

export interface RebuiltBooks {
  readonly calendarSchema: string
  readonly builds: readonly Build[]
}

/** Builds the books of these shops in schemas of their own, within the caller's transaction. */
export async function rebuildBooks(
  transaction: Transaction,
  sources: Sources,
  shops: readonly VerifiedShop[],
): Promise<RebuiltBooks> {
  const prefix = `verify_${randomUUID().slice(0, 8)}`
  const plans: LoadPlan[] = []
  const builds: Build[] = []
  for (const [index, shop] of shops.entries()) {
    const nothing = { candidates: new Map<string, string>(), takenOver: [] }
    const plan = planWith(sources, { ...shop, date: noDelivery }, nothing)
    const { shopId } = shop
    const build = { schema: `${prefix}_${index}`, shopId, date: noDelivery, runKey: 'verify' }
    await rebuildShop(transaction, build, plan)
    plans.push(plan)
    builds.push(build)
  }
  const calendarSchema = `${prefix}_calendar`
  await transaction.query(`create schema ${calendarSchema}`)
  await rebuildCalendar(transaction, calendarSchema, plans)
  return { calendarSchema, builds }
}

/** Compares what is published with what was rebuilt. */
export async function compareBooks(
  transaction: Transaction,
  { calendarSchema, builds }: RebuiltBooks,
  { areAll, samples }: Omit<VerifyInput, 'shops'>,
): Promise<ShopComparison[]> {
  const found: ShopComparison[] = []
  const compare = async (shop: string | null, table: ComparedTable, sides: Sides) => {
    found.push({ shop, ...(await compareTable(transaction, table, sides, samples)) })
  }
  const [calendar, ...tables] = comparedTables
  if (calendar?.table !== 'dim_date') throw new Error('dim_date is compared first, for all shops')
  await compare(null, calendar, {
    published: 'select * from warehouse.dim_date',
    rebuilt: `select * from ${calendarSchema}.dim_date`,
  })
  for (const build of builds) {
    for (const table of tables) await compare(build.shopId, table, sidesOf(table.table, build))
  }
  if (!areAll) return found
  for (const table of tables) await compare(null, table, strangersIn(table.table, builds))
  return found.filter(
    ({ shop, table, isEqual }) => shop !== null || table === calendar.table || !isEqual,
  )
}

const scoredAnomalies = `warehouse.anomalies left join warehouse.order_scores using (anomaly_id)`

function sidesOf(table: string, { schema, shopId }: Build): Sides {
  const shop = quote(shopId)
  if (table !== 'anomalies' && table !== 'order_scores') {
    return {
      published: `select * from warehouse.${table} where shop_id = ${shop}`,
      rebuilt: `select * from ${schema}.${table}`,
    }
  }
  // One that a person has judged stays when it is no longer found.
  const isFound = `anomaly_id in (select anomaly_id from ${schema}.order_anomalies)`
  return {
    published: `select ${table}.* from ${scoredAnomalies}
      where (shop_id = ${shop} and (status = 'NEW' or ${isFound}))
        or (shop_id is null and ${table === 'anomalies' ? isFound : 'false'})`,
    rebuilt: `select * from ${schema}.order_anomalies`,
  }
}

/** Rows of shops that no DAG publishes, or of none; the members with key 0 belong to the shop `*`. */
function strangersIn(table: string, builds: readonly Build[]): Sides {
  const known = ['*', ...builds.map(({ shopId }) => shopId)].map(quote).join(', ')
  const ofShops = `select ${table}.* from warehouse.${table} where shop_id not in (${known})`
  const ids = builds.map(({ schema }) => `select anomaly_id from ${schema}.order_anomalies`)
  const ofNone = `select anomalies.* from ${scoredAnomalies} where shop_id not in (${known})
    or (shop_id is null and anomaly_id not in (${ids.join(' union all ')}))`
  return {
    published: table === 'anomalies' ? ofNone : ofShops,
    rebuilt: `select * from warehouse.${table} where false`,
  }
}
