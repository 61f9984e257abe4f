import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { measureSource } from '../../activities/measure-checks.ts'
import { allContracts } from '../../domain/contracts/all-contracts.ts'
import type { Contract } from '../../domain/contracts/contract.ts'
import { sampleShopContracts } from '../../domain/contracts/sample-shop.ts'
import type { Severity } from '../../domain/severity.ts'
import { candidatesOf, StagedReader } from '../../platform/candidates.ts'
import { inTransaction } from '../../platform/database.ts'
import { ensurePartition } from '../../platform/partitions.ts'
import { orderOn, sampleShop } from '../support/sample-day.ts'
import { testDatabase, type TestDatabase } from '../support/servers.ts'
import { badRecords, candidate } from '../support/staged-rows.ts'
import { stageUnder, withColumn } from '../support/stage-under.ts'

let database: TestDatabase
let shop: ReturnType<typeof sampleShop>
beforeAll(async () => {
  database = await testDatabase()
  shop = sampleShop(database.db)
  await database.db.query(`
    insert into warehouse.dim_product
      (product_key, shop_id, vendor_id, product_id, valid_from, valid_to, is_inferred)
    values (1, 'main', 'SHOPNOW', 'PRD-1', '-infinity', 'infinity', false)`)
})
afterAll(() => database.drop())

const { orders } = sampleShopContracts('UTC')
const withMaxOf = (severity: Severity) => withColumn('quantity', { severities: { max: severity } })

let day = 1
/** A hundred orders, some of which have more pieces than the contract likes. */
async function stageTooMany(tooMany: number, change: (shipped: Contract) => Contract) {
  const date = new Date(Date.UTC(2025, 10, day++)).toISOString().slice(0, 10)
  const records = Array.from({ length: 100 }, (_, index) =>
    orderOn(date, `o-${index}`, { quantity: index < tooMany ? 200_000 : 1 }),
  )
  shop.deliver(`orders/${date}/orders.json`, JSON.stringify(records))
  const staged = { source: 'orders', date }
  return { date, result: await stageUnder(database.db, shop.landingDir, staged, change) }
}

/** What the checks find, and in how many scans of the day's rows. */
function measure(date: string, contract: Contract) {
  return inTransaction(database.db, async (transaction) => {
    const countScans = async () => {
      const counted = await transaction.query<{ scans: number }>(
        `select seq_scan + coalesce(idx_scan, 0) as scans from pg_stat_xact_user_tables
         where schemaname || '.' || relname = $1`,
        [candidate('orders', date)],
      )
      return counted.rows[0]?.scans ?? 0
    }
    const staged = new StagedReader(transaction, await candidatesOf(transaction, date))
    const before = await countScans()
    const { results, samples } = await measureSource(staged, contract, date)
    const scans = (await countScans()) - before
    const failed = results.filter(({ isPassed }) => !isPassed).map(({ id }) => id)
    return { scans, failed, samples, of: (id: string) => results.find((one) => one.id === id) }
  })
}

const marks = async (date: string) =>
  (
    await database.db.query(
      `select broken_rules, count(*) as rows from ${candidate('orders', date)} group by 1 order by 1`,
    )
  ).rows

const rule = 'orders_rule_quantity_max'

test('a record that breaks a rule of severity warn loads with a mark, is counted, sampled and told', async () => {
  const { date, result } = await stageTooMany(3, withMaxOf('warn'))
  expect(result).toMatchObject({ rowsOut: 100, rowsRejected: 0 })
  expect(await marks(date)).toEqual([
    { broken_rules: ['quantity_max'], rows: 3 },
    { broken_rules: null, rows: 97 },
  ])
  expect(await badRecords(database.db, 'orders', date)).toEqual([])
  const found = await measure(date, withMaxOf('warn')(orders))
  expect(found.failed).toEqual([rule])
  expect(found.of(rule)).toMatchObject({
    ...{ severity: 'warn', actual: '3', failedRows: 3 },
    expected: 'no rows that break the rule quantity_max (at most 100000)',
  })
  expect(found.samples).toEqual(
    [0, 1, 2].map((index) => ({
      ...{ checkId: rule, sampleNo: index + 1, recordKey: `o-${index}/1`, detail: '200000' },
    })),
  )
})

test('one that breaks a rule of severity info loads and is counted, and that is all', async () => {
  const { date, result } = await stageTooMany(3, withMaxOf('info'))
  expect(result).toMatchObject({ rowsOut: 100, rowsRejected: 0 })
  const found = await measure(date, withMaxOf('info')(orders))
  expect(found.of(rule)).toMatchObject({ severity: 'info', isPassed: true, actual: '3' })
  expect(found).toMatchObject({ failed: [], samples: [] })
})

test('one that breaks a rule of severity error goes to quarantine, and counts towards no limit', async () => {
  const { date, result } = await stageTooMany(20, withMaxOf('error'))
  expect(result).toMatchObject({ rowsOut: 80, rowsRejected: 20 })
  expect(await badRecords(database.db, 'orders', date)).toHaveLength(20)
  const found = await measure(date, withMaxOf('error')(orders))
  expect(found.of('orders_quarantine_limit')).toMatchObject({ isPassed: true, actual: '0%' })
  expect(found.of('orders_quarantine_share')).toMatchObject({ isPassed: false, actual: '20%' })
})

test('one that breaks a critical rule, as the shipped ones are, counts; it is the sample of the limit', async () => {
  const { date } = await stageTooMany(6, withMaxOf('critical'))
  const found = await measure(date, orders)
  expect(found.of('orders_quarantine_limit')).toMatchObject({ isPassed: false, actual: '6%' })
  const shown = found.samples.filter(({ checkId }) => checkId === 'orders_quarantine_limit')
  expect(shown.map(({ recordKey }) => recordKey)).toEqual([0, 1, 2, 3, 4, 5].map((n) => `o-${n}`))
})

test('a record that the reader refuses is critical, whatever its contract says', async () => {
  const date = '2025-10-01'
  const good = JSON.stringify(orderOn(date, 'good'))
  shop.deliver(`orders/${date}/orders.json`, `[${good}, 1]`)
  const change = (shipped: Contract): Contract => ({ ...shipped, severity: 'error' })
  await stageUnder(database.db, shop.landingDir, { source: 'orders', date }, change)
  const found = await measure(date, change(orders))
  expect(found.of('orders_quarantine_limit')).toMatchObject({ actual: '50%' })
})

test('a line is marked for itself, a record with a rejected line leaves as a whole', async () => {
  const date = '2025-10-02'
  const lines = (id: string, ...quantities: number[]) =>
    orderOn(date, id, {
      items: quantities.map((quantity) => ({ product_id: 'p', quantity, price: 1 })),
    })
  const records = [lines('a', 1, 200_000), lines('b', 200_000, 0)]
  shop.deliver(`orders/${date}/orders.json`, JSON.stringify(records))
  await stageUnder(database.db, shop.landingDir, { source: 'orders', date }, withMaxOf('warn'))
  const staged = await database.db.query(
    `select order_id, line_no, broken_rules from ${candidate('orders', date)} order by 1, 2`,
  )
  expect(staged.rows).toEqual([
    { order_id: 'a', line_no: 1, broken_rules: null },
    { order_id: 'a', line_no: 2, broken_rules: ['quantity_max'] },
  ])
  expect(await badRecords(database.db, 'orders', date)).toEqual([
    { record_no: 2, rules: ['quantity_min'] },
  ])
})

test('a column of which no value has its type stops the day, also where its rule only warns', async () => {
  const date = '2025-10-03'
  const records = ['a', 'b'].map((id) => orderOn(date, id, { customer_country: 'x' }))
  shop.deliver(`orders/${date}/orders.json`, JSON.stringify(records))
  const asNumber = withColumn('customer_country', {
    ...{ type: 'integer', whenRetyped: 'stop', severities: { type: 'warn' } },
  })
  const staged = { source: 'orders', date }
  await expect(stageUnder(database.db, shop.landingDir, staged, asNumber)).rejects.toMatchObject({
    type: 'SchemaDrift',
  })
})

test('rules that let load take no further scan of the rows', async () => {
  const all = (shipped: Contract): Contract => ({
    ...shipped,
    columns: shipped.columns.map((column) =>
      column.max === undefined ? column : { ...column, severities: { min: 'warn', max: 'info' } },
    ),
  })
  const { date } = await stageTooMany(2, all)
  const found = await measure(date, all(orders))
  expect(found.of('orders_rule_quantity_min')).toMatchObject({ isPassed: true, actual: '0' })
  expect(found).toMatchObject({ failed: [], scans: 2 })
})

test('a day that waited for its checks when rules had no severities yet can be published', async () => {
  const date = '2025-12-30'
  const add = await readFile(
    join(import.meta.dirname, '../../sql/migrations/0025_rules_that_let_load.sql'),
    'utf8',
  )
  const old = await testDatabase()
  const [waiting, booked] = [candidate('orders', date), 'staging.orders_clean_p20251229']
  await inTransaction(old.db, async (transaction) => {
    for (const { source } of allContracts()) {
      await transaction.query(`alter table staging.${source}_clean drop column broken_rules`)
    }
    await transaction.query('alter table audit.source_files drop column records_critical')
    await ensurePartition(transaction, 'staging.orders_clean', '2025-12-29')
    await transaction.query(`create table ${waiting} (like staging.orders_clean including all)`)
    await transaction.query(add)
  })
  const columnsOf = async (table: string) =>
    (await old.db.query(`select * from ${table}`)).fields.map(({ name }) => name)
  const columns = await columnsOf('staging.orders_clean')
  expect(columns.at(-1)).toBe('broken_rules')
  expect(await columnsOf(waiting)).toEqual(columns)
  expect(await columnsOf(booked)).toEqual(columns)
  await old.drop()
})
