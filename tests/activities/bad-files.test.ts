import { execFileSync } from 'node:child_process'
import {
  appendFileSync,
  linkSync,
  mkdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { inTransaction } from '../../platform/database.ts'
import { sourceNamed } from '../../activities/source-named.ts'
import { findFiles } from '../../platform/landing/find-files.ts'
import { digestFile, loadFile } from '../../platform/landing/load-file.ts'
import { ensurePartition } from '../../platform/partitions.ts'
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
  const name = (file: string) => `orders/${date}/${file}`
  const source = sourceNamed(shop.sources, 'orders')
  return { shop, source, date, folder, extract, rawRecords, name }
}

test.each<[string, (path: string) => void]>([
  ['a link', (path) => symlinkSync(outside(), path)],
  ['a folder', (path) => mkdirSync(path)],
  ['a pipe', (path) => execFileSync('mkfifo', [path])],
])('%s by the name of a delivery stops its day, beside files as well', async (what, make) => {
  const { folder, extract, rawRecords, name } = delivery()
  writeFileSync(join(folder, 'a.json'), orders)
  make(join(folder, 'orders.json'))
  await expect(extract()).rejects.toMatchObject({
    type: 'MissingSource',
    nonRetryable: true,
    message: `${name('orders.json')} is ${what}, which is not read. Deliver the file itself in its place, then run the day again.`,
  })
  expect(await rawRecords()).toBe(0)
})

test.each<[string, (path: string) => void]>([
  ['a link', (path) => symlinkSync(dirname(outside()), path)],
  ['a file', (path) => writeFileSync(path, orders)],
])('%s in the place of the folder of a day is not read', async (what, make) => {
  const { folder, extract, rawRecords, name } = delivery()
  rmSync(folder, { recursive: true })
  make(folder)
  await expect(extract()).rejects.toMatchObject({
    type: 'MissingSource',
    nonRetryable: true,
    message: `${dirname(name('x'))} is ${what}, which is not read. Deliver a folder with the day's files in its place, then run the day again.`,
  })
  expect(await rawRecords()).toBe(0)
})

test('a hard link is a file like any other', async () => {
  const { folder, extract } = delivery()
  linkSync(outside(), join(folder, 'orders.json'))
  await expect(extract()).resolves.toMatchObject({ files: 1, rowsIn: 2 })
})

test('a catalogue that is a link is not left out of its day', async () => {
  const { shop, date } = delivery()
  mkdirSync(join(shop.landingDir, 'products'))
  symlinkSync(outside(), join(shop.landingDir, 'products', `products_${date}.json`))
  const choosing = shop.runTask('products_due', shop.activities.chooseProducts, { date })
  await expect(choosing).rejects.toMatchObject({
    type: 'MissingSource',
    message: expect.stringContaining(`products/products_${date}.json is a link`),
  })
})

/** A file outside the landing zone, alone in its folder. */
function outside(): string {
  const file = join(tempFolder('outside'), 'orders.json')
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

describe('a file that changes while it is read is read again at the next attempt', () => {
  const half = `[${JSON.stringify(order('o-1'))},`
  test.each<[string, string, (path: string) => void]>([
    ['grows', orders, (path) => appendFileSync(path, '\n')],
    ['grows, and is cut off so far', half, (path) => appendFileSync(path, half.slice(1, -1) + ']')],
    ['is gone', orders, (path) => rmSync(path)],
    ['is replaced by one of its size and time', orders, replaceAlike],
  ])('%s', async (_, content, change) => {
    const { source, date, folder, rawRecords, extract } = delivery()
    const path = join(folder, 'orders.json')
    writeFileSync(path, content)
    utimesSync(path, someTime, someTime)
    const reading = inTransaction(database.db, async (transaction) => {
      await ensurePartition(transaction, 'raw.orders', date)
      const [file] = await findFiles(source.files(date))
      if (file === undefined) throw new Error('The file was not found')
      const { contract, unpackLimits: limits } = source
      const onProgress = () => change(path)
      await loadFile(transaction, { contract, file, loadDate: date, fileId: 0, limits, onProgress })
    })
    await expect(reading).rejects.toMatchObject({
      name: 'Error',
      message: expect.stringMatching(/orders\.json changed while it was read; it is read again/),
    })
    expect(await rawRecords()).toBe(0)
    writeFileSync(path, orders)
    await expect(extract()).resolves.toMatchObject({ rowsIn: 2 })
  })

  test('one that is replaced between finding and opening it', async () => {
    const { source, date, folder } = delivery()
    const path = join(folder, 'orders.json')
    writeFileSync(path, orders)
    utimesSync(path, someTime, someTime)
    const [file] = await findFiles(source.files(date))
    replaceAlike(path)
    if (file === undefined) throw new Error('The file was not found')
    await expect(digestFile(file)).rejects.toThrow('orders.json changed while it was read')
  })
})

/** Any time that both files have. */
const someTime = new Date('2024-03-01T00:00:00Z')

/** Puts another file in the place of one: only that it is another can be seen from outside. */
function replaceAlike(path: string): void {
  writeFileSync(`${path}.part`, orders.replace('o-1', 'o-7'))
  utimesSync(`${path}.part`, someTime, someTime)
  expect(statSync(`${path}.part`)).toMatchObject({
    size: statSync(path).size,
    mtime: statSync(path).mtime,
  })
  renameSync(`${path}.part`, path)
}

describe('names', () => {
  test.each<[string, string | Buffer, string]>([
    ['a line break', 'or\nders.json', 'or\\nders.json'],
    ['an order to the terminal', '\x1b[2Jorders.json', '\\x1b[2Jorders.json'],
    ['a change of direction', 'orders\u202enosj.json', 'orders\\u{202e}nosj.json'],
    ['bytes that are no UTF-8', Buffer.from('orders\xff.json', 'latin1'), 'orders\ufffd.json'],
  ])('with %s are refused, and told without it', async (_, name, told) => {
    const { folder, extract, name: inside } = delivery()
    writeFileSync(Buffer.concat([Buffer.from(`${folder}/`), Buffer.from(name)]), orders)
    await expect(extract()).rejects.toMatchObject({
      type: 'UnreadableFile',
      nonRetryable: true,
      message: `${inside(told)} has a name with control characters, or that is no UTF-8. Rename it, then run the day again.`,
    })
  })

  test.each([
    ['ORDERS.JSON', 'ORDERS.JSON'],
    ['orders.json ', 'orders.json '],
    ['orders.json.part', 'orders.json.part'],
    ['orders.\uff4ason', 'orders.\uff4ason'],
    ['orders.json\n', 'orders.json\\n'],
    ['.orders.json', '.orders.json'],
  ])('%j is not taken for a delivery, and named where there is none', async (name, told) => {
    const { folder, extract } = delivery()
    writeFileSync(join(folder, name), orders)
    await expect(extract()).rejects.toMatchObject({
      type: 'MissingSource',
      message: expect.stringContaining(
        ` There is ${told}, which is not read: a name must be exact. Deliver it, then`,
      ),
    })
  })

  test('of 255 bytes, in any script and in both normal forms, are names of files of their own', async () => {
    const { folder, extract } = delivery()
    const names = ['x'.repeat(250), 'caf\u00e9', 'cafe\u0301', '注文']
    names.forEach((name, index) => {
      writeFileSync(join(folder, `${name}.json`), JSON.stringify([order(`o-${index}`)]))
    })
    await expect(extract()).resolves.toMatchObject({ files: 4, rowsIn: 4 })
  })
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
