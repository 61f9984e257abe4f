import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { generateShop } from '../../data/generator/generate.ts'
import type { Manifest } from '../../data/generator/manifest.ts'
import {
  dayOf,
  findOrder,
  orderLines,
  readEvents,
  readOrders,
  readProducts,
} from './landing-zone-reader.ts'

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

describe('what a shop is like', () => {
  test('dirt is planted at its rate, with every kind and double breaks among it', () => {
    const rows = manifest.days
      .flatMap(({ files }) => files)
      .reduce((sum, file) => sum + file.rows, 0)
    expect(manifest.defects.length / rows).toBeGreaterThan(0.018)
    expect(manifest.defects.length / rows).toBeLessThan(0.022)
    const rules = new Set(manifest.defects.flatMap((defect) => defect.rules))
    expect([...rules].sort()).toEqual(allRules)
    expect(manifest.defects.some((defect) => defect.rules.length === 2)).toBe(true)
  })

  test('without dirt nothing is spoilt', async () => {
    const out = join(base, 'clean')
    expect((await generateShop({ ...usual, days: 2, dirt: 0, out })).defects).toEqual([])
  })

  test('catalogues come on Mondays, and once before a range that starts on another day', async () => {
    const files = await readdir(join(root, 'products'))
    expect(files.sort()).toEqual([
      'products_2025-12-08.json',
      'products_2025-12-15.json',
      'products_2025-12-22.json',
    ])
    expect(manifest.days.filter((day) => !day.complete).map((day) => day.date)).toEqual([
      '2025-12-08',
    ])
  })

  test('an order pays the price of the catalogue in force, and some products are not yet in it', async () => {
    let unknown = 0
    for (const date of dates) {
      const monday = mondays().findLast((candidate) => candidate <= date) ?? ''
      const prices = new Map(
        (await readProducts(root, monday))
          .filter(({ rules }) => rules.length === 0)
          .map(({ order }) => [
            `${String(order['vendor_id'])} ${String(order['product_id'])}`,
            order,
          ]),
      )
      for (const row of await readOrders(root, date)) {
        if (row.rules.length > 0 || dayOf(row.order) < monday) continue
        for (const line of orderLines(row.order)) {
          const product = prices.get(`${line.vendorId} ${line.productId}`)
          if (product === undefined) unknown++
          else expect(line.price).toBe(String(product['price']))
        }
      }
    }
    expect(unknown).toBeGreaterThan(0)
  })

  test('prices change, a product may have two vendors, and some prices have three decimals', async () => {
    const [first, , last] = await Promise.all(mondays().map((monday) => readProducts(root, monday)))
    const good = (last ?? []).filter(({ rules }) => rules.length === 0).map(({ order }) => order)
    const before = new Map(
      first?.map(({ order }) => [
        `${String(order['vendor_id'])} ${String(order['product_id'])}`,
        order['price'],
      ]),
    )
    const changed = good.filter((product) => {
      const old = before.get(`${String(product['vendor_id'])} ${String(product['product_id'])}`)
      return old !== undefined && old !== product['price']
    })
    expect(changed.length).toBeGreaterThan(10)
    expect(good.length).toBeGreaterThan(new Set(good.map((product) => product['product_id'])).size)
    expect(good.some((product) => /\.\d{3}$/.test(String(product['price'])))).toBe(true)
  })

  test('Saturdays sell more than Wednesdays, paydays more than other days', async () => {
    const options = { orders: 400, events: 1, dirt: 0, from: '2025-01-01', days: 364 }
    const year = await generateShop({ ...options, out: join(base, 'year') })
    const rows = year.days.flatMap((day) =>
      day.files
        .filter(({ source }) => source === 'orders')
        .map((file) => ({ date: new Date(day.date), rows: file.rows })),
    )
    const mean = (keep: (date: Date) => boolean) => {
      const kept = rows.filter(({ date }) => keep(date))
      return kept.reduce((sum, row) => sum + row.rows, 0) / kept.length
    }
    const isPayday = (date: Date) => date.getUTCDate() >= 25 && date.getUTCDate() <= 28
    expect(mean((date) => date.getUTCDay() === 6)).toBeGreaterThan(
      1.2 * mean((date) => date.getUTCDay() === 3),
    )
    expect(mean(isPayday)).toBeGreaterThan(1.08 * mean((date) => !isPayday(date)))
    expect(mean(() => true)).toBeGreaterThan(385)
    expect(mean(() => true)).toBeLessThan(430)
  }, 60_000)

  test('customers come back, and about a fifth of the events are anonymous', async () => {
    const seen = new Set<unknown>()
    let returning = 0
    for (const date of dates) {
      const users = new Set((await readOrders(root, date)).map(({ order }) => order['user_id']))
      if (date === dates.at(-1))
        returning = [...users].filter((user) => seen.has(user)).length / users.size
      for (const user of users) seen.add(user)
    }
    expect(returning).toBeGreaterThan(0.4)
    expect(returning).toBeLessThan(0.9)
    const events = await readEvents(root, '2025-12-10')
    const anonymous = events.filter(({ columns }) => columns[1] === '').length / events.length
    expect(anonymous).toBeGreaterThan(0.15)
    expect(anonymous).toBeLessThan(0.25)
  })

  test('planted anomalies are in the files and listed', async () => {
    const spikes = manifest.anomalies.filter((anomaly) => anomaly.kind === 'quantity_spike')
    expect(spikes).toHaveLength(28)
    for (const spike of spikes) {
      const order = await findOrder(root, spike.deliveryDate, spike.orderId)
      expect(order).toMatchObject({ product_id: spike.productId, quantity: spike.quantity })
      expect(spike.quantity).toBeGreaterThanOrEqual(180)
    }
    const ofDays = manifest.anomalies.filter((anomaly) => anomaly.kind !== 'quantity_spike')
    expect(ofDays.length).toBeGreaterThan(0)
  })

  test('a flat shop has exactly the records asked for', async () => {
    const options = { from: '2025-12-13', days: 2, flat: true, orders: 321, events: 4321 }
    const flat = await generateShop({ ...options, out: join(base, 'flat') })
    const rows = flat.days
      .filter((day) => day.complete)
      .map((day) => day.files.map((file) => file.rows))
    expect(rows[0]?.slice(0, 2)).toEqual([321, 4321])
    expect(rows[1]?.slice(0, 2)).toEqual([321, 4321])
  })
})

describe('refusals', () => {
  test('every bad option is named', async () => {
    const bad = { from: '2025-13-45', days: 0, orders: 1.5, dirt: 2, out: join(base, 'bad') }
    await expect(generateShop(bad)).rejects.toThrow(/--from .*--days .*|--orders .*--dirt /s)
    await expect(generateShop(bad)).rejects.toThrow(/--orders must be a whole number/)
    await expect(generateShop({ ...usual, epoch: '2026-01-01', out: root })).rejects.toThrow(
      '--from 2025-12-10 is before the shop opened (2026-01-01): give --epoch 2025-12-10 or earlier',
    )
  })

  test('a folder that cannot be written is named', async () => {
    const file = join(base, 'a-file')
    await writeFile(file, '')
    await expect(generateShop({ ...usual, out: join(file, 'below') })).rejects.toThrow(
      new RegExp(`Cannot write ${file}/below/.*--out`),
    )
  })

  test('deliveries of a real shop and days of another sample shop are not overwritten', async () => {
    const out = join(base, 'taken')
    await mkdir(join(out, 'orders/2025-12-10'), { recursive: true })
    await writeFile(join(out, 'orders/2025-12-10/real.json'), '[]')
    await expect(generateShop({ ...usual, days: 1, out })).rejects.toThrow(
      'not generated (real.json)',
    )
    await expect(generateShop({ ...usual, days: 1, seed: 7, out: root })).rejects.toThrow(
      /holds other days .*--seed 42/,
    )
  })
})

function mondays(): string[] {
  return ['2025-12-08', '2025-12-15', '2025-12-22']
}

const allRules = [
  'event_ts_not_future',
  'event_ts_type',
  'event_type_accepted',
  'event_type_required',
  'malformed',
  'name_required',
  'order_id_required',
  'order_ts_not_future',
  'order_ts_not_too_old',
  'order_ts_type',
  'price_min',
  'price_type',
  'product_id_required',
  'quantity_max',
  'quantity_min',
  'quantity_type',
  'status_accepted',
  'too_few_columns',
  'too_many_columns',
  'unit_price_min',
  'unit_price_required',
  'unit_price_type',
  'user_id_required',
]
