import { expect } from 'vitest'
import type { Database } from '../../platform/database.ts'
import { inDiscardedTransaction } from '../../platform/database.ts'
import { deliverDay, orderOn } from './sample-day.ts'

/** A delivery whose version can be read off every table: of version 3 there are 3 orders at 3 each. */
export function deliverVersion(
  shop: Parameters<typeof deliverDay>[0],
  date: string,
  version: number,
): void {
  const numbers = Array.from({ length: version }, (_, index) => index)
  deliverDay(
    shop,
    date,
    numbers.map((index) => orderOn(date, `${date}-${index}`, { price: version, quantity: 1 })),
    numbers.map((index) => `${date}-${index},u,p,page_view,${date}T09:00:00Z,s,/,x`),
  )
}

export interface DaySeen {
  date: string
  /** What each table says of the version of the day; all the same in one state of the books. */
  versions: Record<string, number>
}

/** One statement, so one snapshot: what every table says of each day. */
export const versionsByTable = `
with

facts as (
    select order_date as date, count(*) as orders, max(unit_price) as price, sum(gross_amount) as revenue
    from warehouse.fact_orders group by 1
),

events as (select event_date as date, count(*) as events from warehouse.fact_events group by 1),

metrics as (
    select metric_date as date,
        max(value) filter (where metric = 'orders') as orders,
        max(value) filter (where metric = 'gross_revenue') as revenue,
        max(value) filter (where metric = 'events') as events
    from warehouse.daily_metrics where dimension = 'all' group by 1
),

staged as (select load_date as date, count(*) as orders from staging.orders_clean group by 1),

loads as (select load_date as date, records_loaded from audit.published_loads where source = 'orders'),

publications as (
    select logical_date as date, sum((changes -> 'fact_orders' ->> 'inserted')::integer)
        - sum((changes -> 'fact_orders' ->> 'deleted')::integer) as rows
    from audit.publications group by 1
)

select date::text as date, jsonb_build_object(
    'facts', facts.orders, 'price', facts.price, 'revenue', sqrt(facts.revenue),
    'events', events.events, 'metric orders', metrics.orders,
    'metric revenue', sqrt(metrics.revenue), 'metric events', metrics.events,
    'mart', mart.orders, 'staging', staged.orders, 'load', loads.records_loaded,
    'publications', publications.rows) as versions
from publications
left join facts using (date) left join events using (date) left join metrics using (date)
left join staged using (date) left join loads using (date)
left join marts.daily_overview as mart on mart.metric_date = date`

export async function seeAtOnce(database: Pick<Database, 'query'>): Promise<DaySeen[]> {
  return (await database.query<DaySeen>(versionsByTable)).rows
}

/** The same by a statement a table, in a snapshot that is as old as its first one. */
async function seeTableByTable(database: Database): Promise<DaySeen[]> {
  return inDiscardedTransaction(database, async (reader) => {
    const tables = [
      `select order_date::text as date, 'facts' as name, count(*) as version from warehouse.fact_orders group by 1`,
      `select event_date::text as date, 'events' as name, count(*) as version from warehouse.fact_events group by 1`,
      `select metric_date::text as date, 'mart' as name, orders::integer as version from marts.daily_overview`,
      `select load_date::text as date, 'staging' as name, count(*) as version from staging.orders_clean group by 1`,
      `select load_date::text as date, 'load' as name, records_loaded as version from audit.published_loads where source = 'events'`,
    ]
    const found = []
    for (const sql of tables) {
      found.push(...(await reader.query<{ date: string; name: string; version: number }>(sql)).rows)
    }
    return [...Map.groupBy(found, ({ date }) => date)].map(([date, seen]) => ({
      date,
      versions: Object.fromEntries(seen.map(({ name, version }) => [name, version])),
    }))
  })
}

/** Versions that readers have seen of each day. */
export type SeenVersions = Map<string, Set<number>>

/**
 * Three readers that look again and again until `work` has ended; each look must find every day of one
 * version in all tables. Work may ask how often they have looked.
 */
export async function readMeanwhile(
  database: Database,
  work: (looks: () => number) => Promise<void>,
): Promise<SeenVersions> {
  const seen: SeenVersions = new Map()
  const state = { isOver: false, looks: 0 }
  const look = async (see: () => Promise<DaySeen[]>, tables: number) => {
    while (!state.isOver) {
      for (const { date, versions } of await see()) {
        const all = Object.values(versions)
        expect({ date, versions, tables: all.length }).toMatchObject({ tables })
        expect({ date, versions, different: new Set(all).size }).toMatchObject({ different: 1 })
        seen.set(date, (seen.get(date) ?? new Set()).add(Number(all[0])))
      }
      state.looks += 1
    }
  }
  await Promise.all([
    work(() => state.looks).finally(() => (state.isOver = true)),
    look(() => seeAtOnce(database), 11),
    look(() => seeAtOnce(database), 11),
    look(() => seeTableByTable(database), 5),
  ])
  return seen
}
