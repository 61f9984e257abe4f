import { afterEach, beforeEach, expect, test } from 'vitest'
import { deliverDay, orderOn, sampleShop } from '../support/sample-day.ts'
import { testDatabase, type TestDatabase } from '../support/servers.ts'

let database: TestDatabase
beforeEach(async () => {
  database = await testDatabase()
})
afterEach(() => database.drop())

const monday = '2025-12-15'
const tuesday = '2025-12-16'
const wednesday = '2025-12-17'
type Shop = ReturnType<typeof sampleShop>

async function rows(sql: string): Promise<unknown[]> {
  return (await database.db.query(sql)).rows
}

/** Everything readers see, without the columns that only say in which order files came. */
async function published() {
  return {
    users: await rows('select * from warehouse.dim_user order by user_key'),
    products: await rows('select * from warehouse.dim_product order by product_key'),
    orders: await rows(
      `select to_jsonb(f) - 'file_id' as row from warehouse.fact_orders f order by order_id, line_no`,
    ),
    events: await rows(
      `select to_jsonb(f) - 'file_id' as row from warehouse.fact_events f order by event_id`,
    ),
    metrics: await rows('select * from warehouse.daily_metrics order by 1, 2, 3, 4, 5'),
  }
}

const firstCatalogue = [
  { product_id: 'PRD-1', name: 'Lamp', category: 'Home', price: 12.345 },
  { product_id: 'PRD-1', vendor_id: 'V001', name: 'Lamp of another', category: 'Home', price: 9 },
]

test('facts load on days without a catalogue; unknown products and users become members', async () => {
  const shop = sampleShop(database.db)
  deliverDay(
    shop,
    tuesday,
    [orderOn(tuesday, 'o1', { quantity: 3 })],
    [
      `e1,,,page_view,${tuesday}T09:00:00Z,s1,/,x`,
      `e2,USR-9,PRD-7,view_product,${tuesday}T09:01:00Z,s1,/p,x`,
    ],
  )
  await shop.runDay(tuesday)
  expect(
    await rows(
      'select user_id, is_inferred from warehouse.dim_user where user_key <> 0 order by 1',
    ),
  ).toEqual([
    { user_id: 'USR-1', is_inferred: true },
    { user_id: 'USR-9', is_inferred: true },
  ])
  expect(
    await rows(
      'select vendor_id, product_id, is_inferred from warehouse.dim_product where product_key <> 0 order by 2',
    ),
  ).toEqual([
    { vendor_id: 'SHOPNOW', product_id: 'PRD-1', is_inferred: true },
    { vendor_id: 'SHOPNOW', product_id: 'PRD-7', is_inferred: true },
  ])
  expect(await rows('select gross_amount from warehouse.fact_orders')).toEqual([
    { gross_amount: '37.035' },
  ])
  expect(
    await rows(
      'select event_id, user_key = 0 as is_anonymous, product_key = 0 as has_no_product from warehouse.fact_events order by 1',
    ),
  ).toEqual([
    { event_id: 'e1', is_anonymous: true, has_no_product: true },
    { event_id: 'e2', is_anonymous: false, has_no_product: false },
  ])
})

test('facts take the version valid at their time; a fact joins one version of each dimension', async () => {
  const shop = sampleShop(database.db)
  deliverDay(shop, monday, [orderOn(monday, 'o1')], [], firstCatalogue)
  const nextMonday = '2025-12-22'
  deliverDay(
    shop,
    nextMonday,
    [
      orderOn(nextMonday, 'o2'),
      orderOn('2025-12-21', 'late'),
      orderOn(nextMonday, 'o3', { vendor_id: 'V001' }),
    ],
    [],
    [{ ...firstCatalogue[0], price: 15 }, firstCatalogue[1]],
  )
  await shop.runDay(monday)
  await shop.runDay(nextMonday)
  expect(
    await rows(
      `select order_id, order_date, delivery_date, name, product.price
     from warehouse.fact_orders join warehouse.dim_product product using (product_key) order by 1`,
    ),
  ).toEqual([
    {
      order_id: 'late',
      order_date: '2025-12-21',
      delivery_date: nextMonday,
      name: 'Lamp',
      price: '12.345',
    },
    { order_id: 'o1', order_date: monday, delivery_date: monday, name: 'Lamp', price: '12.345' },
    {
      order_id: 'o2',
      order_date: nextMonday,
      delivery_date: nextMonday,
      name: 'Lamp',
      price: '15',
    },
    {
      order_id: 'o3',
      order_date: nextMonday,
      delivery_date: nextMonday,
      name: 'Lamp of another',
      price: '9',
    },
  ])
})

test('an order delivered again with another status has one row, as last delivered', async () => {
  const shop = sampleShop(database.db)
  deliverDay(shop, tuesday, [orderOn(tuesday, 'o1', { status: 'pending' })], [])
  deliverDay(
    shop,
    wednesday,
    [orderOn(tuesday, 'o1', { status: 'refunded' }), orderOn(wednesday, 'o2')],
    [],
  )
  await shop.runDay(tuesday)
  await shop.runDay(wednesday)
  expect(
    await rows('select order_id, status, order_date from warehouse.fact_orders order by 1'),
  ).toEqual([
    { order_id: 'o1', status: 'refunded', order_date: tuesday },
    { order_id: 'o2', status: 'paid', order_date: wednesday },
  ])
})

test('a rerun of any day changes no row, and days in another order end the same', async () => {
  const deliver = (shop: Shop) => {
    const customer = {
      customer_name: 'Ada',
      customer_email: 'ada@example.org',
      customer_country: 'FR',
    }
    deliverDay(
      shop,
      monday,
      [
        orderOn(monday, 'o1', customer),
        orderOn(monday, 'o2', { status: 'pending', product_id: 'NEW' }),
      ],
      [`e1,USR-2,PRD-1,view_product,${monday}T09:01:00Z,s1,/p,x`],
      firstCatalogue,
    )
    deliverDay(
      shop,
      tuesday,
      [
        orderOn(tuesday, 'o3', { ...customer, customer_country: 'DE' }),
        orderOn(monday, 'o2', { product_id: 'NEW' }),
      ],
      [`e2,USR-3,NEW,view_product,${tuesday}T09:01:00Z,s1,/p,x`],
    )
    deliverDay(
      shop,
      '2025-12-22',
      [orderOn('2025-12-22', 'o4', customer)],
      [
        `e3,USR-3,NEW,view_product,2025-12-22T09:01:00Z,s1,/p,x`,
        `e1,USR-2,PRD-1,view_product,${monday}T09:01:00Z,s1,/p,x`,
      ],
      [
        { ...firstCatalogue[0], price: 20 },
        { product_id: 'NEW', vendor_id: 'V002', name: 'New', price: 1 },
      ],
    )
  }
  const days = [monday, tuesday, '2025-12-22']
  const shop = sampleShop(database.db)
  deliver(shop)
  for (const day of days) await shop.runDay(day)
  const inOrder = await published()
  const xmins = () => rows('select xmin, order_id from warehouse.fact_orders order by order_id')
  const before = await xmins()
  for (const day of [tuesday, monday]) await shop.runDay(day)
  expect(await published()).toEqual(inOrder)
  expect(await xmins()).toEqual(before)

  const other = await testDatabase()
  try {
    const reversed = sampleShop(other.db)
    deliver(reversed)
    for (const day of [...days].reverse()) await reversed.runDay(day)
    const first = database
    database = other
    expect(await published()).toEqual(inOrder)
    database = first
  } finally {
    await other.drop()
  }
})

test('a changed file restates its day: what it no longer says is gone, untouched rows stay', async () => {
  const shop = sampleShop(database.db)
  deliverDay(
    shop,
    tuesday,
    [
      orderOn(tuesday, 'o1'),
      orderOn(tuesday, 'o2'),
      orderOn(tuesday, 'o3', { user_id: 'USR-5', product_id: 'PRD-5' }),
    ],
    [],
  )
  await shop.runDay(tuesday)
  const [kept] = await rows(`select xmin from warehouse.fact_orders where order_id = 'o1'`)
  shop.deliver(
    `orders/${tuesday}/orders.json`,
    JSON.stringify([orderOn(tuesday, 'o1'), orderOn(tuesday, 'o2', { quantity: 9 })]),
  )
  await shop.runDay(tuesday)
  expect(await rows('select order_id, quantity from warehouse.fact_orders order by 1')).toEqual([
    { order_id: 'o1', quantity: 2 },
    { order_id: 'o2', quantity: 9 },
  ])
  expect(await rows(`select xmin from warehouse.fact_orders where order_id = 'o1'`)).toEqual([kept])
  expect(await rows(`select user_id from warehouse.dim_user where user_key <> 0`)).toEqual([
    { user_id: 'USR-1' },
  ])
})

test('nothing of a day is visible before it is published, then all of it at once', async () => {
  const shop = sampleShop(database.db)
  deliverDay(
    shop,
    tuesday,
    [orderOn(tuesday, 'o1')],
    [`e1,u,P,view_product,${tuesday}T09:01:00Z,s1,/p,x`],
  )
  await shop.loadDay(tuesday)
  const counts = `select (select count(*) from warehouse.fact_orders) as orders,
    (select count(*) from warehouse.fact_events) as events, (select count(*) from warehouse.dim_user) as users`
  expect(await rows(counts)).toEqual([{ orders: 0, events: 0, users: 1 }])
  await shop.publishDay(tuesday)
  expect(await rows(counts)).toEqual([{ orders: 1, events: 1, users: 3 }])
})

test('a build made before another day was published is made again when it is published', async () => {
  const shop = sampleShop(database.db)
  deliverDay(shop, tuesday, [orderOn(tuesday, 'o1', { status: 'pending' })], [])
  deliverDay(shop, wednesday, [orderOn(tuesday, 'o1', { status: 'paid' })], [])
  await shop.loadDay(wednesday)
  await shop.runDay(tuesday)
  await shop.publishDay(wednesday)
  expect(await rows('select order_id, status from warehouse.fact_orders')).toEqual([
    { order_id: 'o1', status: 'paid' },
  ])
  expect(
    await rows('select count(*) as versions from warehouse.dim_user where user_key <> 0'),
  ).toEqual([{ versions: 1 }])
})
