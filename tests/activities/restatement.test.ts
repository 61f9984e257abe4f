import { createServer } from 'node:http'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openFence } from '../../platform/attempt.ts'
import { inDiscardedTransaction } from '../../platform/database.ts'
import { orderOn, sampleShop } from '../support/sample-day.ts'
import { testDatabase, type TestDatabase } from '../support/servers.ts'

let database: TestDatabase
beforeEach(async () => {
  database = await testDatabase()
})
afterEach(() => database.drop())

const tuesday = '2025-12-16'
const wednesday = '2025-12-17'
const header = 'event_id,user_id,product_id,event_type,event_ts,session_id,url,user_agent\n'
type Shop = ReturnType<typeof sampleShop>

function deliver(shop: Shop, date: string, orders: unknown[], events = '') {
  shop.deliver(`orders/${date}/orders.json`, JSON.stringify(orders))
  shop.deliver(`events/${date}/events.csv`, `${header}${events}`)
}
async function rows(sql: string): Promise<unknown[]> {
  return (await database.db.query(sql)).rows
}

test('a restatement that has not passed its checks stays unseen, whatever other days publish', async () => {
  const shop = sampleShop(database.db)
  const ada = { customer_name: 'Ada', customer_email: 'ada@example.org', customer_country: 'FR' }
  deliver(shop, tuesday, [orderOn(tuesday, 'a', ada), orderOn(tuesday, 'b', ada)])
  await shop.runDay(tuesday)
  const before = await rows('select order_id, unit_price from warehouse.fact_orders order by 1')
  deliver(shop, tuesday, [orderOn(tuesday, 'a', { ...ada, price: 99999, customer_country: 'XX' })])
  await shop.stage('orders', tuesday)
  deliver(shop, wednesday, [orderOn(wednesday, 'c', { ...ada, customer_country: 'DE' })])
  await shop.runDay(wednesday)
  expect(
    await rows(
      `select order_id, unit_price from warehouse.fact_orders where order_id <> 'c' order by 1`,
    ),
  ).toEqual(before)
  expect(
    await rows(
      `select distinct customer_country from warehouse.dim_user where user_key <> 0 order by 1`,
    ),
  ).toEqual([{ customer_country: 'DE' }, { customer_country: 'FR' }])
  await shop.runDay(tuesday)
  expect(await rows('select order_id, unit_price from warehouse.fact_orders order by 1')).toEqual([
    { order_id: 'a', unit_price: '99999' },
    { order_id: 'c', unit_price: '12.345' },
  ])
})

test('a restatement does not wait for those who read staging, and they go on seeing what it replaces', async () => {
  const shop = sampleShop(database.db)
  deliver(shop, tuesday, [orderOn(tuesday, 'a'), orderOn(tuesday, 'b')])
  await shop.runDay(tuesday)
  await inDiscardedTransaction(database.db, async (reader) => {
    const staged = async () =>
      (await reader.query('select order_id from staging.orders_clean order by 1')).rows
    const before = await staged()
    deliver(shop, tuesday, [orderOn(tuesday, 'c')])
    await shop.runDay(tuesday)
    expect(await staged()).toEqual(before)
    expect(before).toEqual([{ order_id: 'a' }, { order_id: 'b' }])
  })
  expect(await rows('select order_id from staging.orders_clean')).toEqual([{ order_id: 'c' }])
})

test('a file that lay under the wrong day does not keep the right day from its orders', async () => {
  const shop = sampleShop(database.db)
  const wednesdaysOrders = [orderOn(wednesday, 'w1'), orderOn(wednesday, 'w2')]
  deliver(shop, tuesday, wednesdaysOrders)
  await shop.stage('orders', tuesday)
  deliver(shop, wednesday, wednesdaysOrders)
  await shop.runDay(wednesday)
  expect(await rows('select order_id from warehouse.fact_orders order by 1')).toEqual([
    { order_id: 'w1' },
    { order_id: 'w2' },
  ])
  deliver(shop, tuesday, [orderOn(tuesday, 't1')])
  await shop.runDay(tuesday)
  expect(await rows('select order_id from warehouse.fact_orders order by 1')).toEqual([
    { order_id: 't1' },
    { order_id: 'w1' },
    { order_id: 'w2' },
  ])
})

test('the day of a duplicate loads it when its original is replaced', async () => {
  const shop = sampleShop(database.db)
  const orders = [orderOn(tuesday, 'o1')]
  deliver(shop, tuesday, orders)
  await shop.runDay(tuesday)
  deliver(shop, wednesday, orders)
  await shop.runDay(wednesday)
  expect(await rows('select order_id, delivery_date from warehouse.fact_orders')).toEqual([
    { order_id: 'o1', delivery_date: tuesday },
  ])
  deliver(shop, tuesday, [orderOn(tuesday, 'o2')])
  await shop.runDay(tuesday)
  await shop.runDay(wednesday)
  expect(
    await rows('select order_id, delivery_date from warehouse.fact_orders order by 1'),
  ).toEqual([
    { order_id: 'o1', delivery_date: wednesday },
    { order_id: 'o2', delivery_date: tuesday },
  ])
})

test('an order that an older delivery named to another customer leaves no customer behind', async () => {
  const shop = sampleShop(database.db)
  deliver(shop, tuesday, [orderOn(tuesday, 'o1', { user_id: 'first' })])
  deliver(shop, wednesday, [orderOn(tuesday, 'o1', { user_id: 'second' })])
  await shop.runDay(tuesday)
  await shop.runDay(wednesday)
  deliver(shop, tuesday, [])
  await shop.runDay(tuesday)
  expect(await rows('select user_id from warehouse.dim_user where user_key <> 0')).toEqual([
    { user_id: 'second' },
  ])
})

test('the same file again another day moves no fact, whichever of the days is run first', async () => {
  const orders = [orderOn(tuesday, 'o1')]
  const facts = 'select order_id, delivery_date from warehouse.fact_orders'
  const shop = sampleShop(database.db)
  deliver(shop, tuesday, orders)
  deliver(shop, wednesday, orders)
  await shop.runDay(wednesday)
  expect(await rows(facts)).toEqual([{ order_id: 'o1', delivery_date: wednesday }])
  await shop.runDay(tuesday)
  expect(await rows(facts)).toEqual([{ order_id: 'o1', delivery_date: tuesday }])
  const { changes } = await shop.runDay(wednesday)
  expect(changes['fact_orders']).toEqual({ inserted: 0, deleted: 0 })
})

test('a date that lost its only late record has no figures and no scores', async () => {
  const shop = sampleShop(database.db)
  deliver(shop, wednesday, [orderOn(tuesday, 'late'), orderOn(wednesday, 'w')])
  await shop.runDay(wednesday)
  deliver(shop, wednesday, [orderOn(wednesday, 'w')])
  await shop.runDay(wednesday)
  expect(await rows('select distinct metric_date from warehouse.metric_scores')).toEqual([
    { metric_date: wednesday },
  ])
})

test('an event delivered again another day is one event', async () => {
  const shop = sampleShop(database.db)
  const event = (url: string) => `e1,u1,P1,view_product,${tuesday}T10:00:00Z,s1,${url},x\n`
  deliver(shop, tuesday, [orderOn(tuesday, 'o1')], event('/old'))
  deliver(shop, wednesday, [orderOn(wednesday, 'o2')], event('/new'))
  await shop.runDay(wednesday)
  await shop.runDay(tuesday)
  expect(await rows('select event_id, url, delivery_date from warehouse.fact_events')).toEqual([
    { event_id: 'e1', url: '/new', delivery_date: wednesday },
  ])
})

test('publishing again after a lost reply answers what was published, and writes nothing', async () => {
  const shop = sampleShop(database.db)
  deliver(shop, tuesday, [orderOn(tuesday, 'o1')])
  await shop.loadDay(tuesday)
  const run = { runKey: `ecommerce_daily/${tuesday}`, taskId: 'publish', runId: 'the-run' }
  const first = await shop.publishAs({ ...run, attempt: 1 })
  const publications = await rows('select * from audit.publications')
  expect(await shop.publishAs({ ...run, attempt: 2 })).toEqual(first)
  expect(first.changes['fact_orders']).toEqual({ inserted: 1, deleted: 0 })
  expect(await rows('select * from audit.publications')).toEqual(publications)
})

test('publishing a closed day again keeps what it changed: figures before and after, rows by date', async () => {
  const shop = sampleShop(database.db)
  const restatements = () => rows('select restatement from audit.publications order by version')
  deliver(shop, wednesday, [orderOn(tuesday, 'late', { price: 5 }), orderOn(wednesday, 'w')])
  await shop.runDay(wednesday)
  deliver(shop, wednesday, [orderOn(wednesday, 'w', { price: 1, quantity: 3 })])
  await shop.runDay(wednesday)
  // Other bytes that say the same.
  const same = [orderOn(wednesday, 'w', { price: 1, quantity: 3 })]
  shop.deliver(`orders/${wednesday}/orders.json`, JSON.stringify(same, null, 2))
  await shop.runDay(wednesday)
  const figure = (metric: string, before: string, after: string) => ({ metric, before, after })
  const unchanged = [figure('orders', '1', '1'), figure('customers', '1', '1')]
  expect(await restatements()).toMatchObject([
    { restatement: null },
    {
      restatement: {
        figures: expect.arrayContaining([
          ...[figure('gross_revenue', '24.69', '3'), figure('units', '2', '3')],
          ...unchanged,
        ]),
        rows: expect.arrayContaining([
          { table: 'fact_orders', date: tuesday, inserted: 0, deleted: 1 },
          { table: 'fact_orders', date: wednesday, inserted: 1, deleted: 1 },
        ]),
      },
    },
    { restatement: { figures: expect.arrayContaining(unchanged), rows: [] } },
  ])
})

test('a run that was ended may not write any more, though no newer attempt has started', async () => {
  const shop = sampleShop(database.db)
  deliver(shop, tuesday, [orderOn(tuesday, 'o1')])
  await shop.loadDay(tuesday)
  await database.db.query(
    `insert into audit.pipeline_runs (run_id, run_key, dag_id, logical_date, trigger, state, graph)
     values ('ended', $1, 'ecommerce_daily', $2, 'manual', 'cancelled', '{}')`,
    [`ecommerce_daily/${tuesday}`, tuesday],
  )
  const attempt = {
    runKey: `ecommerce_daily/${tuesday}`,
    taskId: 'publish',
    runId: 'ended',
    attempt: 1,
  }
  await openFence(database.db, attempt)
  await expect(shop.publishAs(attempt)).rejects.toThrow(
    'belongs to is cancelled; nothing was written',
  )
  expect(await rows('select from warehouse.fact_orders')).toEqual([])
})

test('the catalogue comes from the API when no file is there, whole or not at all', async () => {
  let status = 503
  const catalogue = [{ product_id: 'PRD-1', name: 'Lamp', price: '12.345' }]
  const server = createServer((_, response) => {
    response.writeHead(status).end(JSON.stringify(catalogue))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  const shop = sampleShop(database.db, { PRODUCTS_API_URL: `http://127.0.0.1:${port}/products` })
  const yesterday = new Date(Date.now() - 86_400_000).toISOString().slice(0, 10)
  try {
    await expect(shop.stage('products', yesterday)).rejects.toThrow(
      `127.0.0.1:${port} answered 503`,
    )
    status = 200
    expect(await shop.stage('products', yesterday)).toMatchObject({ rowsIn: 1, rowsOut: 1 })
    expect(await shop.stage('products', '2025-12-15')).toMatchObject({ rowsIn: 0 })
  } finally {
    server.close()
  }
})
