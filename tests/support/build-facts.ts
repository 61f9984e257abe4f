import { beginTable, type Build } from '../../platform/build.ts'
import { inTransaction, type Database } from '../../platform/database.ts'

const monday = '2025-12-15'

export type Row = Record<string, unknown>

/** A build of the given facts, as the load tasks leave it; all of one Monday unless they say otherwise. */
export async function buildFacts(
  database: Database,
  build: Build,
  orders: readonly Row[],
  events: readonly Row[] = [],
) {
  await inTransaction(database, async (transaction) => {
    const all = { orders: orders.map(orderFact), events: events.map(eventFact) }
    for (const [table, key, rows] of [
      ['fact_orders', 'order_id', all.orders],
      ['fact_events', 'event_id', all.events],
    ] as const) {
      await beginTable(transaction, build, table, {
        sql: `select 'main' as shop_id, r ->> '${key}' as ${key} from jsonb_array_elements($1) r`,
        params: [JSON.stringify(rows)],
      })
      await transaction.query(
        `insert into ${build.schema}.${table}
         select (jsonb_populate_record(null::warehouse.${table}, r)).* from jsonb_array_elements($1) r`,
        [JSON.stringify(rows)],
      )
    }
  })
}

const lineage = { shop_id: 'main', date_key: 20251215, delivery_date: monday, file_id: 1 }
function orderFact(fields: Row, index: number): Row {
  const row: Row = {
    ...lineage,
    order_id: `o${index}`,
    line_no: 1,
    order_date: monday,
    order_ts: `${monday}T10:00:00Z`,
    user_key: 0,
    product_key: 0,
    user_id: 'u1',
    vendor_id: 'SHOPNOW',
    product_id: 'p1',
    quantity: 1,
    unit_price: 10,
    currency: 'EUR',
    status: 'paid',
    line_type: 'product',
    is_exact_copy: false,
    record_no: index,
    ...fields,
  }
  const thousandths = Math.round(Number(row.unit_price) * 1000) * Number(row.quantity)
  return { ...row, gross_amount: thousandths / 1000 }
}
function eventFact(fields: Row, index: number): Row {
  const ts = `${monday}T10:00:00Z`
  return {
    ...lineage,
    event_id: `e${index}`,
    event_date: monday,
    event_ts: ts,
    user_key: 0,
    product_key: 0,
    user_id: 'u1',
    event_type: 'page_view',
    session_id: 's1',
    record_no: index,
    ...fields,
  }
}
