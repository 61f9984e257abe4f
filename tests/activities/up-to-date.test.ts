import { readdirSync } from 'node:fs'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { partsOf, transformPart, wouldBeMadeOf } from '../../activities/day-parts.ts'
import { contractsOfShop } from '../../domain/contracts/all-contracts.ts'
import type { Contract } from '../../domain/contracts/contract.ts'
import { sampleShopContracts } from '../../domain/contracts/sample-shop.ts'
import { fingerprintOf, forgetFingerprints } from '../../platform/fingerprints.ts'
import { digestTables } from '../../platform/table-digests.ts'
import { rowVersions, sampleDays, writtenBetween } from '../support/booked-days.ts'
import { testDatabase, type TestDatabase } from '../support/servers.ts'

const tuesday = '2025-12-16'
/** Every one of these looks at what only it can know, and writes nothing when there is nothing new. */
const looking = ['products_due', 'extract_products', 'extract_orders', 'extract_events', 'is_held']
const always = [...looking, 'notify']
const ofPublishing = [
  'audit.fingerprints',
  'audit.publications',
  'audit.published_loads',
  'audit.shop_versions',
]

let database: TestDatabase
let shop: Awaited<ReturnType<typeof sampleDays>>
beforeEach(async () => {
  database = await testDatabase()
  shop = await sampleDays(database.db, { from: tuesday, days: 1 })
  await shop.run(tuesday)
}, 60_000)
afterEach(() => database.drop())

/** As if a part, and what reads it, had been made by another text of a file. */
async function madeByAnother(part: string, file: string) {
  const { rowCount } = await database.db.query(
    `with recursive made (part, read_part, what) as (
       select part, null, array['code', $2] from audit.fingerprints
       where part = $1 and made_of -> 'code' ? $2
       union
       select reader.part, made.part, array['reads', made.part] from audit.fingerprints as reader
       inner join made on reader.made_of -> 'reads' ? made.part
     )
     update audit.fingerprints as record
     set fingerprint = 'another ' || part, made_of = record.made_of || changed.made_of
     from (
       select part, jsonb_build_object(
         'code', (select made_of -> 'code' from audit.fingerprints as own where own.part = made.part)
           || coalesce(jsonb_object_agg(what[2], 'another') filter (where what[1] = 'code'), '{}'),
         'reads', (select made_of -> 'reads' from audit.fingerprints as own where own.part = made.part)
           || coalesce(jsonb_object_agg(what[2], 'another ' || read_part) filter (where what[1] = 'reads'), '{}')
       ) as made_of
       from made group by part
     ) as changed (name, made_of)
     where record.part = changed.name`,
    [part, file],
  )
  expect(rowCount).toBeGreaterThan(0)
}

test('every model of sql/ is part of a day', () => {
  const models = new Set(
    ['main', 'online_retail'].flatMap((shopId) =>
      partsOf(contractsOfShop(shopId)).flatMap((part) => part.models),
    ),
  )
  const files = readdirSync('sql', { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.sql') && !path.startsWith('migrations'))
    .map((path) => path.replaceAll('\\', '/').replace(/\.sql$/, ''))
  expect(files.length).toBeGreaterThan(15)
  expect([...models].toSorted()).toEqual(files.toSorted())
})

test('a day is made from the rules of a contract, and not from the version that it bears', async () => {
  const madeBy = async (contract: Contract) =>
    fingerprintOf(await wouldBeMadeOf(database.db, transformPart(contract), tuesday, new Map()))
  const { orders } = sampleShopContracts('UTC')
  const shipped = await madeBy(orders)
  expect(await madeBy({ ...orders, version: '7.0.0' })).toBe(shipped)
  expect(await madeBy({ ...orders, newColumn: 'refuse' })).not.toBe(shipped)
})

test('a finished day that is run again writes nothing', async () => {
  const before = await rowVersions(database.db)
  expect(Object.keys(before).length).toBeGreaterThan(30)
  expect(await shop.run(tuesday)).toEqual(always)
  expect(writtenBetween(before, await rowVersions(database.db))).toEqual([])
})

test('by a new model of metrics only metrics and scores are made anew, of every date of the day', async () => {
  const { rows } = await database.db.query<{ metric_date: string }>(
    `update warehouse.daily_metrics set value = value + 1
     where metric = 'gross_revenue' and dimension = 'all' returning metric_date`,
  )
  expect(rows.length).toBeGreaterThan(1)
  const wrong = await digestTables(database.db)
  await madeByAnother('daily_metrics', 'sql/metrics/orders.sql')
  const before = await rowVersions(database.db)
  expect(await shop.run(tuesday)).toEqual([
    ...looking,
    ...['compute_daily_metrics', 'score_anomalies', 'publish', 'notify'],
  ])
  expect(writtenBetween(before, await rowVersions(database.db))).toEqual([
    ...ofPublishing,
    'warehouse.daily_metrics',
  ])
  const healed = await digestTables(database.db)
  expect(healed['daily_metrics']).not.toEqual(wrong['daily_metrics'])
  await forgetFingerprints(database.db, 'main', tuesday)
  await shop.run(tuesday)
  expect(await digestTables(database.db)).toEqual(healed)
})

test('by a new way of scoring only scores are made anew, of every date of the day', async () => {
  const right = await digestTables(database.db)
  const { rows } = await database.db.query(
    'update warehouse.metric_scores set history_days = 99 returning metric_date',
  )
  expect(rows.length).toBeGreaterThan(10)
  await madeByAnother('metric_scores', 'domain/anomaly.ts')
  const before = await rowVersions(database.db)
  const worked = await shop.run(tuesday)
  expect(worked.filter((task) => !always.includes(task))).toEqual(['score_anomalies', 'publish'])
  expect(writtenBetween(before, await rowVersions(database.db))).toEqual([
    ...ofPublishing,
    'warehouse.metric_scores',
  ])
  expect(await digestTables(database.db)).toEqual(right)
})

test('by a new model of a dimension it and all that reads it is made anew', async () => {
  const right = await digestTables(database.db)
  await madeByAnother('dim_product', 'sql/warehouse/dim_product.sql')
  await database.db.query(
    `update warehouse.dim_product set name = 'made by another model' where product_key <> 0`,
  )
  const worked = await shop.run(tuesday)
  expect(worked.filter((task) => !always.includes(task))).toEqual([
    ...['load_dim_product', 'load_fact_orders', 'load_fact_events'],
    ...['compute_daily_metrics', 'score_anomalies', 'publish'],
  ])
  expect(await digestTables(database.db)).toEqual(right)
})

test('a changed file is what its source and all that reads it are made from, no other source', async () => {
  shop.edit(`orders/${tuesday}/orders.json`, (text) => `${text}\n`)
  const worked = await shop.run(tuesday)
  expect(worked).toContain('transform_orders_to_staging')
  expect(worked).toContain('dq_checks')
  expect(worked).toContain('load_fact_events')
  expect(worked).not.toContain('transform_events_to_staging')
  expect((await shop.run(tuesday)).toSorted()).toEqual(always.toSorted())
})

test('a delivery that was staged and then taken back is not taken for what is published', async () => {
  const right = await digestTables(database.db)
  const file = `orders/${tuesday}/orders.json`
  let delivered = ''
  shop.edit(file, (text) => {
    delivered = text
    return '[]'
  })
  await expect(shop.run(tuesday)).rejects.toThrow('orders_volume')
  shop.edit(file, () => delivered)
  const worked = await shop.run(tuesday)
  expect(worked).toContain('transform_orders_to_staging')
  expect(worked).toContain('publish')
  expect(await digestTables(database.db)).toEqual(right)
  expect((await shop.run(tuesday)).toSorted()).toEqual(always.toSorted())
})

test('a part that waits for its publication is made again, though its text is as it was published', async () => {
  await database.db.query(
    `insert into audit.fingerprints
     select shop_id, load_date, part, false, fingerprint, made_of, result, run_id, made_at
     from audit.fingerprints where part = 'transform events'`,
  )
  const worked = await shop.run(tuesday)
  expect(worked.filter((task) => !always.includes(task))).toEqual([
    'transform_events_to_staging',
    'publish',
  ])
})

test('a new check judges a published day again, and its figures follow', async () => {
  const right = await digestTables(database.db)
  await madeByAnother('checks', 'domain/checks.ts')
  const worked = await shop.run(tuesday)
  expect(worked.filter((task) => !always.includes(task))).toEqual([
    ...['dq_checks', 'compute_daily_metrics', 'score_anomalies', 'publish'],
  ])
  expect(await digestTables(database.db)).toEqual(right)
  expect(
    (
      await database.db.query(
        `select from audit.published_loads as load
         where exists (select from audit.dq_results as result where result.run_id = load.run_id)`,
      )
    ).rowCount,
  ).toBeGreaterThan(0)
})
