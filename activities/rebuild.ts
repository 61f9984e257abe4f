import { contractsOfShop } from '../domain/contracts/all-contracts.ts'
import { beginTable, fillFromModel, openBuild, type Build } from '../platform/build.ts'
import type { Transaction } from '../platform/database.ts'
import { fillDailyMetrics } from './compute-metrics.ts'
import { calendarOf, productModel, type LoadPlan } from './load.ts'
import { fillScores } from './score-anomalies.ts'

/** As a delivery date it adds no delivery to those that are published. */
export const noDelivery = '-infinity'

/**
 * Builds every table of a shop anew from all its published deliveries, by the models that load a day.
 * The plan's `load_date` is `noDelivery`.
 */
export async function rebuildShop(
  transaction: Transaction,
  build: Build,
  plan: LoadPlan,
): Promise<void> {
  await openBuild(transaction, build)
  await rebuildTable(transaction, build, plan, 'dim_user')
  await rebuildTable(transaction, build, plan, 'dim_product', productModel(plan))
  await rebuildTable(transaction, build, plan, 'fact_orders')
  await rebuildTable(transaction, build, plan, 'fact_events')
  await rebuildMetrics(transaction, build)
  await rebuildScores(transaction, build)
}

type KeyedTable = 'dim_user' | 'dim_product' | 'fact_orders' | 'fact_events'

/** What selects a table's keys from the staging tables of a shop's families. */
const stagedKeys: Readonly<Record<KeyedTable, readonly (readonly [string, string])[]>> = {
  dim_user: [
    ['user_id', 'staging.order_lines'],
    ['user_id', 'staging.events'],
  ],
  dim_product: [
    ['vendor_id, product_id', 'staging.order_lines'],
    ['vendor_id, product_id', 'staging.products'],
    // Events name no vendor: a product that nobody else has is the shop's own.
    [`'SHOPNOW', product_id`, 'staging.events'],
  ],
  fact_orders: [['order_id', 'staging.order_lines']],
  fact_events: [['event_id', 'staging.events']],
}

const keyOf: Readonly<Record<KeyedTable, string>> = {
  dim_user: 'user_id',
  dim_product: 'vendor_id, product_id',
  fact_orders: 'order_id',
  fact_events: 'event_id',
}

/** In the scope are the published keys too, so that nothing published is seen beside what is built. */
async function rebuildTable(
  transaction: Transaction,
  build: Build,
  plan: LoadPlan,
  table: KeyedTable,
  model: string = table,
): Promise<void> {
  const key = keyOf[table]
  const selects = [
    ...stagedKeys[table].map(
      ([columns, staged]) => `select ${columns} from ${plan.stagingTables[staged]} as staged`,
    ),
    `select ${key} from warehouse.${table} where shop_id = $1`,
  ]
  await beginTable(transaction, build, table, {
    sql: `select $1::text as shop_id, ${key} from (${selects.join(' union ')}) as keys (${key})
      where (${key}) is not null`,
    params: [build.shopId],
  })
  const { params, stagingTables } = plan
  await fillFromModel(transaction, build, { rows: `warehouse/${model}`, params, stagingTables })
}

async function rebuildMetrics(transaction: Transaction, build: Build): Promise<void> {
  await beginTable(transaction, build, 'daily_metrics', {
    sql: `select $1::text as shop_id, metric_date from (
        select order_date from ${build.schema}.fact_orders
        union
        select event_date from ${build.schema}.fact_events
        union
        select load_date from audit.published_loads where source = any ($2)
        union
        select metric_date from warehouse.daily_metrics where shop_id = $1
      ) as dates (metric_date)`,
    params: [build.shopId, contractsOfShop(build.shopId).map(({ source }) => source)],
  })
  await fillDailyMetrics(transaction, build, '')
}

async function rebuildScores(transaction: Transaction, build: Build): Promise<void> {
  await beginTable(transaction, build, 'metric_scores', {
    sql: `select shop_id, metric_date from ${build.schema}.daily_metrics`,
    params: [],
  })
  await fillScores(transaction, build)
}

/** Builds the calendar of every year that published deliveries touch or that has a day published. */
export async function rebuildCalendar(
  transaction: Transaction,
  schema: string,
  plans: readonly LoadPlan[],
): Promise<void> {
  const dates = plans.flatMap(({ stagingTables }) => [
    `select order_date from ${stagingTables['staging.order_lines']} as staged`,
    `select event_date from ${stagingTables['staging.events']} as staged`,
  ])
  const all = [...dates, 'select load_date from audit.published_loads']
  await transaction.query(`
    create table ${schema}.dim_date (like warehouse.dim_date);
    insert into ${schema}.dim_date ${calendarOf(
      `select business_date from (${all.join(' union ')}
         union select calendar_date from warehouse.dim_date) as dates (business_date)`,
    )}`)
}
