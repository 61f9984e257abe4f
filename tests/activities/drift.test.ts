import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Contract } from '../../domain/contracts/contract.ts'
import { eventsHeader, orderOn, sampleShop } from '../support/sample-day.ts'
import { testDatabase, type TestDatabase } from '../support/servers.ts'
import { stageUnder, withColumn } from '../support/stage-under.ts'
import { badRecords, candidate } from '../support/staged-rows.ts'

let database: TestDatabase
let shop: ReturnType<typeof sampleShop>
beforeAll(async () => {
  database = await testDatabase()
  shop = sampleShop(database.db)
})
afterAll(() => database.drop())

const stage = (source: string, date: string, change: (shipped: Contract) => Contract) =>
  stageUnder(database.db, shop.landingDir, { source, date }, change)

function deliverOrders(date: string, fields: Record<string, unknown>) {
  const records = ['a', 'b', 'c'].map((id) => orderOn(date, id, fields))
  shop.deliver(`orders/${date}/orders.json`, JSON.stringify(records))
}

const drift = (message: string) => ({
  type: 'SchemaDrift',
  nonRetryable: true,
  message: expect.stringContaining(message),
})

test('a new column is kept and told by default, left out or refused where the contract says so', async () => {
  const date = '2025-12-01'
  deliverOrders(date, { coupon: 'X' })
  const extras = async () =>
    (await database.db.query(`select distinct extras from ${candidate('orders', date)}`)).rows
  const kept = await stage('orders', date, (shipped) => shipped)
  expect(kept).toMatchObject({ rowsOut: 3, unknownColumns: ['coupon'] })
  expect(await extras()).toEqual([{ extras: { coupon: 'X' } }])
  const ignored = await stage('orders', date, (each) => ({ ...each, newColumn: 'ignore' }))
  expect(ignored).toMatchObject({ rowsOut: 3, unknownColumns: [] })
  expect(await extras()).toEqual([{ extras: null }])
  const refused = stage('orders', date, (each) => ({ ...each, newColumn: 'refuse' }))
  await expect(refused).rejects.toMatchObject(drift('have coupon, which the contract does not'))
})

test('a contract that ignores new columns of CSV files, or refuses them, does so too', async () => {
  const date = '2025-12-02'
  const row = `e1,u1,p1,view_product,${date}T10:00:00Z,s1,/p,x,now`
  shop.deliver(`events/${date}/events.csv`, `${eventsHeader},campaign\n${row}\n`)
  const ignored = await stage('events', date, (each) => ({ ...each, newColumn: 'ignore' }))
  expect(ignored).toMatchObject({ rowsOut: 1, unknownColumns: [] })
  const refused = stage('events', date, (each) => ({ ...each, newColumn: 'refuse' }))
  await expect(refused).rejects.toMatchObject(drift('have campaign'))
})

test('an optional column that no record carries stops the day where the contract says so', async () => {
  const date = '2025-12-03'
  deliverOrders(date, {})
  const shipped = await stage('orders', date, (each) => each)
  expect(shipped).toMatchObject({ rowsOut: 3 })
  const stopping = withColumn('channel', { whenMissing: 'stop' })
  await expect(stage('orders', date, stopping)).rejects.toMatchObject(drift('carries channel'))
  const csv = '2025-12-04'
  shop.deliver(`events/${csv}/events.csv`, `event_type,event_ts\npage_view,${csv}T10:00:00Z\n`)
  const named = stage('events', csv, withColumn('session_id', { whenMissing: 'stop' }))
  await expect(named).rejects.toMatchObject(drift('lacks the required column session_id'))
})

test('a required column that no record carries is left to its rule where the contract says so', async () => {
  const date = '2025-12-05'
  deliverOrders(date, { user_id: undefined })
  const stopped = stage('orders', date, (each) => each)
  await expect(stopped).rejects.toMatchObject(drift('carries user_id'))
  const left = await stage('orders', date, withColumn('user_id', { whenMissing: 'default' }))
  expect(left).toMatchObject({ rowsOut: 0, rowsRejected: 3 })
})

test('a column of another type is quarantined by default, and stops the day where the contract says so', async () => {
  const date = '2025-12-06'
  deliverOrders(date, { quantity: 'two' })
  expect(await stage('orders', date, (each) => each)).toMatchObject({ rowsRejected: 3 })
  expect((await badRecords(database.db, 'orders', date))[0]?.rules).toEqual(['quantity_type'])
  const stopping = withColumn('quantity', { whenRetyped: 'stop' })
  await expect(stage('orders', date, stopping)).rejects.toMatchObject(drift('the type of quantity'))
  const one = [orderOn(date, 'a'), orderOn(date, 'b', { quantity: 'two' })]
  shop.deliver(`orders/${date}/orders.json`, JSON.stringify(one))
  expect(await stage('orders', date, stopping)).toMatchObject({ rowsOut: 1, rowsRejected: 1 })
})
