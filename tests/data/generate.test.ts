import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { generateShop } from '../../data/generator/generate.ts'
import type { Manifest, Source } from '../../data/generator/manifest.ts'
import {
  dayOf,
  exactThousandths,
  findOrder,
  orderLines,
  readEvents,
  readOrders,
  readProducts,
} from './landing-zone-reader.ts'
import type { ReadOrder, ReadRecord } from './landing-zone-reader.ts'

const usual = { from: '2025-12-10', days: 14, anomalies: true, dirt: 0.02 }
let base = ''
let root = ''
let manifest: Manifest
let dates: string[] = []

beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), 'daybook-generate-'))
  root = join(base, 'usual')
  manifest = await generateShop({ ...usual, out: root })
  dates = manifest.days.filter((day) => day.complete).map((day) => day.date)
})

afterAll(() => rm(base, { recursive: true, force: true }))

async function contents(folder: string): Promise<Record<string, string>> {
  const files = await readdir(folder, { recursive: true, withFileTypes: true })
  const entries = files
    .filter((file) => file.isFile())
    .map(async (file) => {
      const path = join(file.parentPath, file.name)
      return [path.slice(folder.length), await readFile(path, 'utf8')] as const
    })
  return Object.fromEntries(await Promise.all(entries))
}

function noted(source: Source, date: string) {
  return <Item extends { source: Source; deliveryDate: string }>(item: Item) =>
    item.source === source && item.deliveryDate === date
}

async function readAll(source: Source, date: string): Promise<ReadRecord[]> {
  if (source === 'orders') return readOrders(root, date)
  return source === 'events' ? readEvents(root, date) : readProducts(root, date)
}

describe('the same shop', () => {
  test('the same options write the same bytes, manifest included', async () => {
    await generateShop({ ...usual, days: 3, out: join(base, 'once') })
    await generateShop({ ...usual, days: 3, out: join(base, 'again') })
    const once = await contents(join(base, 'once'))
    expect(Object.keys(once)).toContain('/orders/2025-12-12/orders.json')
    expect(await contents(join(base, 'again'))).toEqual(once)
  })

  test('a range cut in two, later part first, leaves the files of the whole', async () => {
    const out = join(base, 'parts')
    await generateShop({ ...usual, from: '2025-12-13', days: 11, out })
    await generateShop({ ...usual, days: 3, out })
    expect(await contents(out)).toEqual(await contents(root))
  })

  test('another seed is another shop', async () => {
    const out = join(base, 'other')
    await generateShop({ ...usual, days: 1, seed: 43, out })
    const other = await readFile(join(out, 'orders/2025-12-10/orders.json'), 'utf8')
    expect(other).not.toBe(await readFile(join(root, 'orders/2025-12-10/orders.json'), 'utf8'))
  })

  test('a new shop has nothing from before it opened', async () => {
    const out = join(base, 'new')
    const fresh = await generateShop({ from: '2025-12-13', epoch: '2025-12-13', days: 2, out })
    expect(fresh.final.map((day) => day.businessDate)).toEqual(['2025-12-13', '2025-12-14'])
  })
})

describe('the manifest against the files, read independently', () => {
  test.each(['orders', 'events', 'products'] as const)(
    'every broken record of the %s is listed with its rules, and no other',
    async (source) => {
      const days = source === 'products' ? mondays() : dates
      for (const date of days) {
        const broken = (await readAll(source, date))
          .filter(({ rules }) => rules.length > 0)
          .map(({ line, id, rules }) => ({ line, id, rules: rules.toSorted() }))
        const planted = manifest.defects
          .filter(noted(source, date))
          .map(({ line, recordId, rules }) => ({ line, id: recordId, rules: rules.toSorted() }))
        expect(planted).toEqual(broken)
      }
    },
  )

  test('every repeated record is listed with the line it repeats', async () => {
    for (const date of dates) {
      for (const source of ['orders', 'events'] as const) {
        const found = repeatsIn(
          (await readAll(source, date)).filter((row) => row.rules.length === 0),
        )
        const planted = manifest.duplicates
          .filter(noted(source, date))
          .map(({ line, ofLine, kind }) => ({ line, ofLine, kind }))
        expect(planted).toEqual(found)
      }
    }
  })

  test('for each file rows = loaded + quarantined + duplicates, and rows are what it holds', async () => {
    for (const day of manifest.days) {
      for (const file of day.files) {
        expect(file.loaded + file.quarantined + file.duplicates).toBe(file.rows)
        expect(await readAll(file.source, day.date)).toHaveLength(file.rows)
      }
    }
  })

  test('late records are exactly the first deliveries that happened on an earlier day', async () => {
    for (const date of dates) {
      const orders = (await readOrders(root, date)).filter(
        ({ rules, order }) => rules.length === 0 && dayOf(order) < date,
      )
      const late = manifest.late.filter(noted('orders', date)).map(({ recordId }) => recordId)
      const updated = manifest.statusUpdates.filter(noted('orders', date)).map((row) => row.orderId)
      expect(new Set([...late, ...updated])).toEqual(new Set(orders.map(({ id }) => id)))
      const events = (await readEvents(root, date)).filter(
        ({ rules, columns }) => rules.length === 0 && String(columns[4]).slice(0, 10) < date,
      )
      const lateEvents = manifest.late.filter(noted('events', date)).map(({ line }) => line)
      expect(lateEvents).toEqual(events.map(({ line }) => line))
    }
    expect(manifest.late.length).toBeGreaterThan(20)
  })

  test('the final totals are the books of all deliveries, to the thousandth', async () => {
    const latest = new Map<string, ReadOrder>()
    for (const date of dates) {
      for (const row of await readOrders(root, date)) {
        if (row.rules.length === 0) latest.set(String(row.id), row)
      }
    }
    expect(booksOf([...latest.values()])).toEqual(
      manifest.final
        .flatMap(({ businessDate, orders }) =>
          Object.entries(orders)
            .filter(([, tally]) => tally.orders > 0)
            .map(([status, { orders: count, lines, units, gross }]) =>
              [businessDate, status, count, lines, units, gross].join(' '),
            ),
        )
        .sort(),
    )
  })

  test('the delivered totals count the events of each file once', async () => {
    for (const day of manifest.days.filter(({ complete }) => complete)) {
      const rows = (await readEvents(root, day.date)).filter(({ rules }) => rules.length === 0)
      const purchases = rows.filter(({ columns }) => columns[3] === 'purchase')
      const repeated = new Set(
        manifest.duplicates.filter(noted('events', day.date)).map(({ line }) => line),
      )
      const expected = purchases.filter(({ line }) => !repeated.has(line)).length
      expect(day.delivered.reduce((sum, { events }) => sum + events.purchase, 0)).toBe(expected)
      const sessions = new Set(rows.map(({ columns }) => columns[5]))
      expect(day.delivered.reduce((sum, totals) => sum + totals.sessions, 0)).toBe(sessions.size)
    }
  })

  test('an update repeats the pending order of an earlier file with its new status', async () => {
    const update = manifest.statusUpdates.find(
      ({ firstDelivered }) => firstDelivered >= '2025-12-12',
    )
    expect(update).toBeDefined()
    if (update === undefined) return
    const first = await findOrder(root, update.firstDelivered, update.orderId)
    const second = await findOrder(root, update.deliveryDate, update.orderId)
    expect(first['status']).toBe('pending')
    expect(second).toEqual({ ...first, status: update.to })
  })
})

function mondays(): string[] {
  return ['2025-12-08', '2025-12-15', '2025-12-22']
}

function repeatsIn(rows: readonly ReadRecord[]) {
  const seen = new Map<string, ReadRecord>()
  return rows.flatMap((row) => {
    const key = row.id ?? row.raw
    const first = seen.get(key)
    seen.set(key, row)
    if (first === undefined) return []
    return [
      { line: row.line, ofLine: first.line, kind: first.raw === row.raw ? 'exact' : 'same_id' },
    ]
  })
}

function booksOf(orders: readonly ReadOrder[]): string[] {
  const books = new Map<string, { orders: number; lines: number; units: number; gross: bigint }>()
  for (const { order } of orders) {
    const key = `${dayOf(order)} ${String(order['status'])}`
    const sums = books.get(key) ?? { orders: 0, lines: 0, units: 0, gross: 0n }
    sums.orders++
    for (const line of orderLines(order)) {
      sums.lines++
      sums.units += line.quantity
      sums.gross += BigInt(line.quantity) * exactThousandths(line.price)
    }
    books.set(key, sums)
  }
  return [...books]
    .map(([key, { orders: count, lines, units, gross }]) => {
      const digits = String(gross).padStart(4, '0')
      return `${key} ${count} ${lines} ${units} ${digits.slice(0, -3)}.${digits.slice(-3)}`
    })
    .sort()
}
