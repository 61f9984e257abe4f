import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { deflateRawSync, gzipSync } from 'node:zlib'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { loadConfig } from '../../platform/config.ts'
import { eventsHeader, orderOn, sampleShop } from '../support/sample-day.ts'
import { testDatabase, type TestDatabase } from '../support/servers.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await testDatabase()
})
afterAll(() => database.drop())

let nextDay = 1
/** Extracts a packed file of a day of its own. */
async function extract(name: string, content: Uint8Array, env: NodeJS.ProcessEnv = {}) {
  const date = new Date(Date.UTC(2024, 4, nextDay++)).toISOString().slice(0, 10)
  const shop = sampleShop(database.db, env)
  const source = name.startsWith('events') ? 'events' : 'orders'
  const folder = join(shop.landingDir, source, date)
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, name), content)
  return shop.runTask(`extract_${source}`, shop.activities.extractSource, { date, source })
}

/** Nothing of a refused file is kept. */
async function expectNothingKept() {
  const kept = await database.db.query(
    `select from raw.orders where record like '%refused%'
     union all select from audit.source_files where path like '%refused%'`,
  )
  expect(kept.rowCount).toBe(0)
}

const one = JSON.stringify(orderOn('2024-05-01', 'refused'))
const mib = 1024 * 1024

/** An array that begins with a record and goes on with blanks: 70 MiB of them pack into 70 KiB. */
const bomb = (record: string) => gzipSync(`[${record},${' '.repeat(70 * mib)}]`)

test('a gzip bomb is refused while it is read, and nothing of it is kept', async () => {
  const packed = bomb(one)
  await expect(extract('refused.json.gz', packed)).rejects.toMatchObject({
    type: 'UnreadableFile',
    nonRetryable: true,
    message: expect.stringMatching(
      new RegExp(
        `refused\\.json\\.gz unpacks to more than 200 times its ${packed.length} bytes, .*raise UNPACKED_MAX_RATIO$`,
      ),
    ),
  })
  await expectNothingKept()
})

test('what a setting allows is read: very regular files that are small, and bombs on request', async () => {
  const record = one.replace('refused', 'regular')
  const regular = gzipSync(`[${record},${' '.repeat(20 * mib)}]`)
  expect((20 * mib) / regular.length).toBeGreaterThan(900)
  await expect(extract('regular.json.gz', regular)).resolves.toMatchObject({ rowsIn: 1 })
  const asked = extract('regular.json.gz', bomb(record), { UNPACKED_MAX_RATIO: '2000' })
  await expect(asked).resolves.toMatchObject({ rowsIn: 1 })
})

test('more than the absolute limit is refused, whatever its ratio', async () => {
  const limit = { UNPACKED_MAX_GIB: String(1 / 1024) }
  const text = `[${Array.from({ length: 12_000 }, (_, index) => one.replace('USR-1', `U${index}`)).join(',')}]`
  expect(text.length).toBeGreaterThan(mib)
  await expect(extract('refused.json.gz', gzipSync(text), limit)).rejects.toMatchObject({
    type: 'UnreadableFile',
    nonRetryable: true,
    message: expect.stringMatching(
      /unpacks to more than 0\.0009765625 GiB\. .*raise UNPACKED_MAX_GIB$/,
    ),
  })
  await expectNothingKept()
})

test('the limits are settings with generous defaults', () => {
  expect(loadConfig({}).unpackLimits).toEqual({ mostBytes: 64 * 1024 ** 3, mostTimes: 200 })
  expect(() => loadConfig({ UNPACKED_MAX_GIB: '0', UNPACKED_MAX_RATIO: 'x' })).toThrow(
    /UNPACKED_MAX_GIB[^]*UNPACKED_MAX_RATIO/,
  )
})

/** A zip archive with one file, as far as its first entry. */
function zip(name: string, text: string): Buffer {
  const packed = deflateRawSync(text)
  const head = Buffer.alloc(30)
  head.write('PK\x03\x04', 'latin1')
  head.writeUInt16LE(8, 8)
  head.writeUInt32LE(packed.length, 18)
  head.writeUInt16LE(name.length, 26)
  return Buffer.concat([head, Buffer.from(name), packed])
}

test.each<[string, string, Uint8Array, RegExp]>([
  [
    'a zip archive',
    'refused.json.gz',
    zip('../../orders.json', one),
    /is zip, whatever its name says; unpack it, or pack it with gzip$/,
  ],
  ['a zip archive', 'refused.json', zip('orders.json', one), /is zip, not text; unpack it/],
  ['gzip', 'refused.json', gzipSync(one), /is gzip, not text; give it a name that ends in \.gz/],
])('%s under the name %s is refused with the remedy', async (_, name, content, message) => {
  await expect(extract(name, content)).rejects.toMatchObject({
    ...{ type: 'UnreadableFile', nonRetryable: true, message },
  })
  await expectNothingKept()
})

const halves = [`[${one},`, `${one.replace('refused', 'second')}]`].map((half) => gzipSync(half))

test.each<[string, Uint8Array[], RegExp]>([
  [
    'zero bytes between its members',
    [halves[0]!, Buffer.alloc(40), halves[1]!],
    /goes on for \d+ bytes after the end of its gzip data/,
  ],
  [
    'something else after it',
    [gzipSync(`[${one}]`), Buffer.from('no gzip')],
    /is not a whole gzip file: incorrect header check/,
  ],
  [
    'a second member that is cut off',
    [halves[0]!, halves[1]!.subarray(0, 30)],
    /is not a whole gzip file: unexpected end of file/,
  ],
])('gzip with %s is refused: it would lose what follows', async (_, parts, message) => {
  await expect(extract('refused.json.gz', Buffer.concat(parts))).rejects.toMatchObject({
    ...{ type: 'UnreadableFile', nonRetryable: true, message },
  })
  await expectNothingKept()
})

test('a table whose second half is behind zero bytes is not taken for its first half', async () => {
  const event = (id: string) => `${id},u,p,page_view,2024-05-01T10:00:00Z,s,u,a\n`
  const parts = [gzipSync(`${eventsHeader}\n${event('a')}`), Buffer.alloc(8), gzipSync(event('b'))]
  await expect(extract('events.csv.gz', Buffer.concat(parts))).rejects.toMatchObject({
    message: expect.stringMatching(/goes on for \d+ bytes after the end/),
  })
})
