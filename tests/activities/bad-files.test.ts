import { execFileSync } from 'node:child_process'
import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { findFiles } from '../../platform/landing/find-files.ts'
import { digestFile } from '../../platform/landing/load-file.ts'
import { order, sampleShop } from '../support/sample-day.ts'
import { testDatabase, type TestDatabase } from '../support/servers.ts'
import { tempFolder } from '../support/temp-folder.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await testDatabase()
})
afterAll(() => database.drop())

const orders = JSON.stringify([order('o-1'), order('o-2')])

let nextDay = 1
/** A landing zone with the folder of a day of its own, and what extracting its orders says. */
function delivery() {
  const date = new Date(Date.UTC(2024, 2, nextDay++)).toISOString().slice(0, 10)
  const shop = sampleShop(database.db)
  const folder = join(shop.landingDir, 'orders', date)
  mkdirSync(folder, { recursive: true })
  const extract = () =>
    shop.runTask('extract_orders', shop.activities.extractSource, { date, source: 'orders' })
  const raw = () => database.db.query('select from raw.orders where load_date = $1', [date])
  const rawRecords = async () => (await raw()).rowCount
  return { folder, extract, rawRecords }
}

test.each<[string, (path: string) => void]>([
  ['a link out of the landing zone', (path) => symlinkSync(outside(), path)],
  ['a folder', (path) => mkdirSync(path)],
  ['a pipe', (path) => execFileSync('mkfifo', [path])],
])('%s by the name of a file is no delivery', async (_, make) => {
  const { folder, extract, rawRecords } = delivery()
  make(join(folder, 'orders.json'))
  await expect(extract()).rejects.toMatchObject({ type: 'MissingSource', nonRetryable: true })
  expect(await rawRecords()).toBe(0)
})

function outside(): string {
  const file = join(tempFolder('outside'), 'secret.json')
  writeFileSync(file, orders)
  return file
}

test.each<[string, (path: string) => void, RegExp]>([
  ['a link', (path) => symlinkSync(outside(), path), /^orders\.json is a link now; deliver/],
  [
    'a pipe',
    (path) => execFileSync('mkfifo', [path]),
    /^orders\.json is no regular file any more; deliver/,
  ],
  ['a folder', (path) => mkdirSync(path), /^orders\.json is no regular file any more; deliver/],
])('a file whose place %s takes after it was found is not read', async (_, take, message) => {
  const root = tempFolder('landing')
  const path = join(root, 'orders.json')
  writeFileSync(path, orders)
  const [found] = await findFiles({ root, folder: '.', fileName: /^orders\.json$/ })
  rmSync(path)
  take(path)
  if (!found) throw new Error('The file was not found')
  await expect(digestFile(found)).rejects.toMatchObject({ name: 'UnreadableFile', message })
})

test('hidden files and those still being written under a temporary name are left alone', async () => {
  const { folder, extract } = delivery()
  for (const name of ['.orders.json', 'orders.json.part', 'orders.json.tmp', '~orders.json~']) {
    writeFileSync(join(folder, name), '[{"half')
  }
  await expect(extract()).rejects.toMatchObject({ type: 'MissingSource' })
  writeFileSync(join(folder, 'orders.json.part'), orders)
  renameSync(join(folder, 'orders.json.part'), join(folder, 'orders.json'))
  await expect(extract()).resolves.toMatchObject({ files: 1, rowsIn: 2 })
})

test.each([
  ['cut off', gzipSync(orders).subarray(0, 40), /orders\.json\.gz is not a whole gzip file/],
  ['no gzip at all', Buffer.from(orders), /orders\.json\.gz is not a whole gzip file/],
])('gzip that is %s is refused, and nothing of it is kept', async (_, content, message) => {
  const { folder, extract, rawRecords } = delivery()
  writeFileSync(join(folder, 'orders.json.gz'), content)
  await expect(extract()).rejects.toMatchObject({ type: 'UnreadableFile', message })
  expect(await rawRecords()).toBe(0)
})

test('gzip of several members is one file', async () => {
  const { folder, extract } = delivery()
  const half = Math.floor(orders.length / 2)
  const members = [orders.slice(0, half), orders.slice(half)].map((text) => gzipSync(text))
  writeFileSync(join(folder, 'orders.json.gz'), Buffer.concat(members))
  await expect(extract()).resolves.toMatchObject({ rowsIn: 2 })
})
