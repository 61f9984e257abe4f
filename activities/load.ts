import { allContracts } from '../domain/contracts/all-contracts.ts'
import type { Contract } from '../domain/contracts/contract.ts'
import { stagingTable } from '../domain/contracts/tables.ts'
import { asIfAccepted, candidatesOf, type Acceptance } from '../platform/candidates.ts'
import {
  buildFor,
  buildTable,
  movedFrom,
  type Build,
  type BuildTableInput,
} from '../platform/build.ts'
import type { Database, Transaction } from '../platform/database.ts'
import type { Sources } from '../platform/sources.ts'
import { currentAttempt } from './current-attempt.ts'
import { makePartitions } from './make-partitions.ts'
import { sourceNamed } from './source-named.ts'
import { noteMovedMembers, requireBuilt } from './require-built.ts'
import { partNamed, unlessUpToDate, type MaybeUpToDate } from './up-to-date.ts'
import { writeInAttempt } from './write-in-attempt.ts'

/** A shop's day: which sources' deliveries of `date` are loaded into whose tables. */
export interface LoadInput {
  /** Delivery date, `YYYY-MM-DD`. */
  readonly date: string
  readonly shopId: string
  readonly orders: string
  readonly events?: string
  readonly products?: string
}

export interface LoadResult {
  readonly rowsOut: number
}

export type LoadTable = (transaction: Transaction, build: Build, plan: LoadPlan) => Promise<number>

/** What the models need to know of a day, by the names of their parameters and reads. */
export interface LoadPlan {
  readonly params: Readonly<Record<string, unknown>>
  readonly stagingTables: Readonly<Record<string, string>>
  /** Staged rows of the day that publishing accepts, by staging table. */
  readonly candidates: ReadonlyMap<string, string>
  /** Files of later days that are this day's own. */
  readonly takenOver: readonly number[]
  readonly hasCatalogue: boolean
  readonly hasEvents: boolean
}

export function createLoadActivities(deps: { database: Database; sources: Sources }) {
  const load =
    (table: string, make: LoadTable) =>
    async (input: LoadInput): Promise<MaybeUpToDate<LoadResult>> => {
      const build = buildFor(currentAttempt().runKey, input.shopId)
      return writeInAttempt(deps.database, (transaction) =>
        unlessUpToDate(transaction, build, partNamed(input.shopId, table), async () => {
          const plan = await planLoad(transaction, deps.sources, input)
          return { rowsOut: await make(transaction, build, plan) }
        }),
      )
    }
  return {
    /**
     * Adds the calendar of every year that the day's records touch, and the empty partitions of their
     * dates; repeatable.
     */
    loadDimDate: load('dim_date', async (transaction, build, plan) => {
      await makePartitions(transaction, plan, build.date)
      return loadCalendar(transaction, build, plan)
    }),
    loadDimUser: load('dim_user', loadDimUser),
    loadDimProduct: load('dim_product', loadDimProduct),
    loadFactOrders: load('fact_orders', loadFactOrders),
    loadFactEvents: load('fact_events', loadFactEvents),
  }
}

/** The tables that load tasks build, in the order in which they read each other. */
export function loadsOf(plan: LoadPlan): Readonly<Record<string, LoadTable>> {
  return {
    dim_user: loadDimUser,
    dim_product: loadDimProduct,
    fact_orders: loadFactOrders,
    ...(plan.hasEvents ? { fact_events: loadFactEvents } : {}),
  }
}

export async function planLoad(
  transaction: Transaction,
  sources: Sources,
  input: LoadInput,
): Promise<LoadPlan> {
  const { shopId } = sourceNamed(sources, input.orders).contract
  return planWith(sources, input, {
    candidates: await candidatesOf(transaction, input.date),
    takenOver: await takenOverFiles(transaction, shopId, input.date),
  })
}

/** What the models need to know when these candidates are read in the place of their day's rows. */
export function planWith(
  sources: Sources,
  input: LoadInput,
  { candidates, takenOver }: Acceptance,
): LoadPlan {
  const orders = sourceNamed(sources, input.orders).contract
  const events = input.events ? sourceNamed(sources, input.events).contract : undefined
  const products = input.products ? sourceNamed(sources, input.products).contract : undefined
  const staged = (contract: Contract | undefined, table: string) =>
    contract
      ? asIfAccepted(stagingTable(contract), input.date, { candidates, takenOver })
      : noRows(table)
  return {
    params: {
      load_date: input.date,
      shop_id: input.shopId,
      orders_source: orders.source,
      events_source: events?.source ?? '',
      products_source: products?.source ?? '',
      time_zone: orders.timeZone,
      taken_over_files: takenOver,
    },
    stagingTables: {
      'staging.order_lines': staged(orders, 'staging.orders_clean'),
      'staging.events': staged(events, 'staging.events_clean'),
      'staging.products': staged(products, 'staging.products_clean'),
      'accepted.order_lines': stagingTable(orders),
      'accepted.products': products ? stagingTable(products) : noRows('staging.products_clean'),
      'accepted.events': events ? stagingTable(events) : noRows('staging.events_clean'),
    },
    candidates,
    takenOver,
    hasCatalogue: products !== undefined,
    hasEvents: events !== undefined,
  }
}

async function takenOverFiles(
  transaction: Transaction,
  shopId: string,
  date: string,
): Promise<number[]> {
  const sources = allContracts().filter((contract) => contract.shopId === shopId)
  const files = await transaction.query<{ file_id: number }>(
    `select file_id from audit.taken_over_files where load_date = $1 and source = any($2)
     order by file_id`,
    [date, sources.map((contract) => contract.source)],
  )
  return files.rows.map((row) => row.file_id)
}

function noRows(table: string): string {
  return `(select * from ${table} where false)`
}

const loadCalendar: LoadTable = async (transaction, { date }, plan) => {
  const dates = `
    select order_date as business_date from ${plan.stagingTables['staging.order_lines']} order_line
    where load_date = $1
    union all
    select event_date from ${plan.stagingTables['staging.events']} event where load_date = $1
    union all
    select unnest(array[$1::date - $2::integer, $1::date])`
  const inserted = await transaction.query(
    `insert into warehouse.dim_date ${calendarOf(dates)} on conflict (date_key) do nothing`,
    [date, latestRecordDays()],
  )
  return inserted.rowCount ?? 0
}

/** The rows of dim_date of every year that a select of `business_date` touches. */
export function calendarOf(businessDates: string): string {
  return `
    select to_char(day, 'YYYYMMDD')::integer, day::date, extract(year from day),
      extract(quarter from day), extract(month from day), to_char(day, 'FMMonth'),
      extract(day from day), extract(isoyear from day), extract(week from day),
      extract(isodow from day), to_char(day, 'FMDay'), extract(isodow from day) >= 6
    from (
      select distinct extract(year from business_date) as year from (${businessDates}) dates
    ) years
    cross join lateral generate_series(make_timestamp(year::integer, 1, 1, 0, 0, 0),
      make_timestamp(year::integer, 12, 31, 0, 0, 0), interval '1 day') as day`
}

/** How old a record may be at its delivery: the calendar reaches back so far, whether one came or not. */
function latestRecordDays(): number {
  const columns = allContracts().flatMap((contract) => contract.columns)
  return Math.max(...columns.map((column) => column.maxAgeDays ?? 0))
}

const loadDimUser: LoadTable = async (transaction, build, plan) => {
  const rows = await buildTable(transaction, build, table('dim_user', plan))
  await noteMovedMembers(transaction, build, 'dim_user')
  return rows
}

const loadDimProduct: LoadTable = async (transaction, build, plan) => {
  const rows = await buildTable(transaction, build, table('dim_product', plan, productModel(plan)))
  await noteMovedMembers(transaction, build, 'dim_product')
  return rows
}

/** Which model tells the products of a shop: its catalogue, or else its order lines. */
export function productModel({ hasCatalogue }: LoadPlan): string {
  return hasCatalogue ? 'dim_product' : 'dim_product_from_lines'
}

const loadFactOrders: LoadTable = async (transaction, build, plan) => {
  await requireBuilt(transaction, build, ['dim_user', 'dim_product'])
  const params = {
    ...plan.params,
    products_moved_from: await movedFrom(transaction, build, 'moved_products'),
    users_moved_from: await movedFrom(transaction, build, 'moved_users'),
  }
  return buildTable(transaction, build, table('fact_orders', { ...plan, params }))
}

const loadFactEvents: LoadTable = async (transaction, build, plan) => {
  await requireBuilt(transaction, build, ['dim_user', 'dim_product'])
  const params = {
    ...plan.params,
    event_products_moved_from: await movedFrom(transaction, build, 'moved_event_products'),
    users_moved_from: await movedFrom(transaction, build, 'moved_users'),
  }
  return buildTable(transaction, build, table('fact_events', { ...plan, params }))
}

function table(name: string, plan: LoadPlan, model = name): BuildTableInput {
  return {
    table: name,
    scope: `warehouse/scopes/${model}`,
    rows: `warehouse/${model}`,
    params: plan.params,
    stagingTables: plan.stagingTables,
  }
}
