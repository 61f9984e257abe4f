import type { Contract } from '../domain/contracts/contract.ts'
import { stagingTable } from '../domain/contracts/tables.ts'
import { asIfAccepted, candidatesOf } from '../platform/candidates.ts'
import {
  buildFor,
  buildTable,
  movedFrom,
  noteMoved,
  type Build,
  type BuildTableInput,
} from '../platform/build.ts'
import type { Database, Transaction } from '../platform/database.ts'
import type { Sources } from '../platform/sources.ts'
import { currentAttempt } from './current-attempt.ts'
import { sourceNamed } from './source-named.ts'
import { requireBuilt } from './require-built.ts'
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

type LoadTable = (transaction: Transaction, build: Build, plan: LoadPlan) => Promise<number>

/** What the models need to know of a day, by the names of their parameters and reads. */
export interface LoadPlan {
  readonly params: Readonly<Record<string, unknown>>
  readonly stagingTables: Readonly<Record<string, string>>
  /** Staged rows of the day that publishing accepts, by staging table. */
  readonly candidates: ReadonlyMap<string, string>
  readonly hasCatalogue: boolean
  readonly hasEvents: boolean
}

export function createLoadActivities(deps: { database: Database; sources: Sources }) {
  const load =
    (table: LoadTable) =>
    async (input: LoadInput): Promise<LoadResult> => {
      const build = buildFor(currentAttempt().runKey, input.shopId)
      const rowsOut = await writeInAttempt(deps.database, async (transaction) =>
        table(transaction, build, await planLoad(transaction, deps.sources, input)),
      )
      return { rowsOut }
    }
  return {
    /** Adds the calendar of every year that the day's records touch; repeatable. */
    async loadDimDate(input: LoadInput): Promise<LoadResult> {
      const rowsOut = await writeInAttempt(deps.database, async (transaction) =>
        loadCalendar(transaction, await planLoad(transaction, deps.sources, input), input.date),
      )
      return { rowsOut }
    },
    loadDimUser: load(loadDimUser),
    loadDimProduct: load(loadDimProduct),
    loadFactOrders: load(loadFactOrders),
    loadFactEvents: load(loadFactEvents),
  }
}

/** Builds every dimension and fact of a day again, in the order in which they read each other. */
export async function loadAll(
  transaction: Transaction,
  build: Build,
  plan: LoadPlan,
): Promise<void> {
  for (const table of [loadDimUser, loadDimProduct, loadFactOrders]) {
    await table(transaction, build, plan)
  }
  if (plan.hasEvents) await loadFactEvents(transaction, build, plan)
}

export async function planLoad(
  transaction: Transaction,
  sources: Sources,
  input: LoadInput,
): Promise<LoadPlan> {
  return planWith(sources, input, await candidatesOf(transaction, input.date))
}

/** What the models need to know when these candidates are read in the place of their day's rows. */
export function planWith(
  sources: Sources,
  input: LoadInput,
  candidates: ReadonlyMap<string, string>,
): LoadPlan {
  const orders = sourceNamed(sources, input.orders).contract
  const events = input.events ? sourceNamed(sources, input.events).contract : undefined
  const products = input.products ? sourceNamed(sources, input.products).contract : undefined
  const staged = (contract: Contract | undefined, table: string) =>
    contract
      ? asIfAccepted(stagingTable(contract), input.date, candidates)
      : `(select * from ${table} where false)`
  return {
    params: {
      load_date: input.date,
      shop_id: input.shopId,
      orders_source: orders.source,
      events_source: events?.source ?? '',
      products_source: products?.source ?? '',
      time_zone: orders.timeZone,
    },
    stagingTables: {
      'staging.order_lines': staged(orders, 'staging.orders_clean'),
      'staging.events': staged(events, 'staging.events_clean'),
      'staging.products': staged(products, 'staging.products_clean'),
    },
    candidates,
    hasCatalogue: products !== undefined,
    hasEvents: events !== undefined,
  }
}

async function loadCalendar(
  transaction: Transaction,
  plan: LoadPlan,
  date: string,
): Promise<number> {
  const dates = `
    select order_date as business_date from ${plan.stagingTables['staging.order_lines']} order_line
    where load_date = $1
    union all
    select event_date from ${plan.stagingTables['staging.events']} event where load_date = $1
    union all
    select $1::date`
  const inserted = await transaction.query(
    `insert into warehouse.dim_date ${calendarOf(dates)} on conflict (date_key) do nothing`,
    [date],
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

const loadDimUser: LoadTable = async (transaction, build, plan) => {
  const params = { ...plan.params, ...(await earlierDates(transaction, plan)) }
  const rows = await buildTable(transaction, build, table('dim_user', { ...plan, params }))
  await noteMoved(transaction, build, { table: 'moved_users', key: ['user_id'] })
  return rows
}

const loadDimProduct: LoadTable = async (transaction, build, plan) => {
  const rows = await buildTable(transaction, build, table('dim_product', plan, productModel(plan)))
  await noteMoved(transaction, build, { table: 'moved_products', key: ['vendor_id', 'product_id'] })
  await noteMoved(transaction, build, { table: 'moved_event_products', key: ['product_id'] })
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
    ...(await earlierDates(transaction, plan)),
    products_moved_from: await movedFrom(transaction, build, 'moved_products'),
    users_moved_from: await movedFrom(transaction, build, 'moved_users'),
  }
  return buildTable(transaction, build, table('fact_orders', { ...plan, params }))
}

const loadFactEvents: LoadTable = async (transaction, build, plan) => {
  await requireBuilt(transaction, build, ['dim_user', 'dim_product'])
  const params = {
    ...plan.params,
    ...(await earlierDates(transaction, plan)),
    event_products_moved_from: await movedFrom(transaction, build, 'moved_event_products'),
    users_moved_from: await movedFrom(transaction, build, 'moved_users'),
  }
  return buildTable(transaction, build, table('fact_events', { ...plan, params }))
}

/**
 * The business dates that this delivery reached when it was published before. Passed as values, like
 * all dates here: the planner then leaves out the other partitions, however many there are.
 */
async function earlierDates(transaction: Transaction, plan: LoadPlan) {
  const loads = await transaction.query<{ source: string; business_dates: string[] }>(
    `select source, business_dates::text[] as business_dates from audit.published_loads
     where load_date = $1 and source = any($2)`,
    [plan.params.load_date, [plan.params.orders_source, plan.params.events_source]],
  )
  const dates = (source: unknown) =>
    loads.rows.find((load) => load.source === source)?.business_dates ?? []
  return {
    earlier_order_dates: dates(plan.params.orders_source),
    earlier_event_dates: dates(plan.params.events_source),
  }
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
