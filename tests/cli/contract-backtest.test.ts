import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { backtest } from '../../activities/backtest.ts'
import type { Column, Contract } from '../../domain/contracts/contract.ts'
import { sampleShopContracts } from '../../domain/contracts/sample-shop.ts'
import { inTransaction } from '../../platform/database.ts'
import { rowVersions, sampleDays, writtenBetween } from '../support/booked-days.ts'
import { runCli } from '../support/run-cli.ts'
import { testDatabase, type TestDatabase } from '../support/servers.ts'

const { orders } = sampleShopContracts('UTC')
const dates = ['2025-12-15', '2025-12-16', '2025-12-17']

let database: TestDatabase
let shop: Awaited<ReturnType<typeof sampleDays>>
beforeAll(async () => {
  database = await testDatabase()
  shop = await sampleDays(database.db, { from: dates[0]!, days: dates.length })
  for (const date of dates) await shop.run(date)
})
afterAll(() => database.drop())

const contract = (...args: string[]) =>
  runCli(['contract', ...args], { ...shop.settings, DATABASE_URL: database.url })

function withColumn(name: string, change: (column: Column) => Column): Contract {
  const columns = orders.columns.map((column) => (column.name === name ? change(column) : column))
  return { ...orders, columns }
}

async function count(sql: string, params: unknown[] = []): Promise<number> {
  const { rows } = await database.db.query<{ count: number }>(sql, params)
  return rows[0]!.count
}

const judge = (changed: Contract, days = 30) => backtest(database.db, { contract: changed, days })

describe('the rules as they were', () => {
  test('judge every published day as it was recorded', async () => {
    for (const source of Object.values(sampleShopContracts('UTC'))) {
      const judged = await judge(source)
      expect(judged.map(({ date }) => date)).toEqual(
        source.source === 'products' ? [dates[0]] : dates,
      )
      for (const day of judged) {
        expect(day).toMatchObject({ isRedelivered: false, refused: null, now: day.recorded })
        expect(day.records).toMatchObject({ entering: 0, leaving: 0, samples: [] })
        expect(day.rules.every(({ recorded, now }) => recorded === now)).toBe(true)
        expect(day.checks).toEqual([])
        const quarantined = await count(
          'select count(*) from audit.bad_records where source = $1 and load_date = $2',
          [source.source, day.date],
        )
        expect(day.records!.quarantined).toEqual({ recorded: quarantined, now: quarantined })
      }
    }
    expect(await count('select count(*) from audit.bad_records')).toBeGreaterThan(0)
  })

  test('the command says so, ends with 0, and writes nothing', async () => {
    const before = await rowVersions(database.db)
    const { code, stdout, stderr } = await contract('backtest', 'orders')
    expect(stderr).toBe('')
    expect(code).toBe(0)
    expect(stdout).toMatch(/^orders +2025-12-17 +\w+ +\w+ +\d+ +\d+ +\d+ +0 +0 +\d+\.\d$/m)
    expect(stdout).toContain('No record enters quarantine or leaves it.')
    expect(stdout).toContain('No check says anything else.')
    expect(stdout).toMatch(/Nothing was written\. 3 published days judged in \d+\.\d s\.\n$/)
    expect(writtenBetween(before, await rowVersions(database.db))).toEqual([])
  })

  test('are read while somebody keeps every writer from the books', async () => {
    const { rows } = await database.db.query<{ name: string }>(
      `select oid::regclass::text as name from pg_class where relkind in ('r', 'p')
         and relnamespace::regnamespace::text in ('raw', 'staging', 'warehouse', 'audit')`,
    )
    const tables = rows.map(({ name }) => name).join(', ')
    const judged = await inTransaction(database.db, async (transaction) => {
      await transaction.query(`lock table ${tables} in exclusive mode`)
      return judge(orders)
    })
    expect(judged).toHaveLength(dates.length)
  })

  test('only so many days up to the newest one are judged, of one source or of all', async () => {
    const { code, stdout } = await contract('backtest', '--days', '2', '--json')
    expect(code).toBe(0)
    const { days } = JSON.parse(stdout) as { days: { source: string; date: string }[] }
    expect(days.map(({ source, date }) => `${source} ${date}`)).toEqual([
      ...dates.slice(1).map((date) => `orders ${date}`),
      ...dates.slice(1).map((date) => `events ${date}`),
      `products ${dates[0]}`,
    ])
  })
})

describe('a rule that is changed', () => {
  const lower = withColumn('quantity', (column) => ({ ...column, max: 2 }))

  test('says which records would enter quarantine, with file and line, and that the day would stop', async () => {
    const before = await rowVersions(database.db)
    const days = await judge(lower)
    expect(days).toHaveLength(dates.length)
    for (const { date, ...day } of days) {
      const larger = await count(
        `select count(distinct (file_id, record_no)) from staging.orders_clean
         where load_date = $1 and quantity > 2`,
        [date],
      )
      expect(larger).toBeGreaterThan(0)
      expect(day.records!.entering).toBeGreaterThanOrEqual(larger)
      expect(day.records!.leaving).toBe(0)
      const { recorded, now } = day.records!.quarantined
      expect(now - recorded).toBe(day.records!.entering)
      expect(day.rules.find(({ rule }) => rule === 'quantity_max')).toMatchObject({
        now: expect.toSatisfy((records: number) => records >= larger),
      })
      expect(day.records!.samples[0]).toEqual({
        record: expect.stringMatching(`^orders/${date}/orders\\.json:\\d+$`),
        moved: 'enters',
        rules: expect.arrayContaining(['quantity_max']),
      })
      expect(day.now).toBe('stopped')
      expect(day.checks).toContainEqual(
        expect.objectContaining({
          ...{ check: 'orders_quarantine_limit', recorded: 'passed', now: 'stopped' },
          expected: 'at most 5% records in quarantine',
        }),
      )
    }
    expect(writtenBetween(before, await rowVersions(database.db))).toEqual([])
  })

  test('says which records would leave quarantine when a rule is gone', async () => {
    const withoutMinimum = withColumn('quantity', ({ min: _, ...column }) => column)
    const days = await judge(withoutMinimum)
    const alone = await count(
      `select count(*) from audit.bad_records where source = 'orders' and rules = '{quantity_min}'`,
    )
    expect(alone).toBeGreaterThan(0)
    const leaving = days.reduce((sum, day) => sum + day.records!.leaving, 0)
    expect(leaving).toBe(alone)
    expect(
      days
        .flatMap((day) => day.rules)
        .filter(({ now, rule }) => rule === 'quantity_min' && now > 0),
    ).toEqual([])
    const samples = days.flatMap((day) => day.records!.samples)
    expect(
      samples.every(({ moved, rules }) => moved === 'leaves' && rules.includes('quantity_min')),
    ).toBe(true)
  })

  test('says that a day would be refused whose records lack a column that is required now', async () => {
    const columns = [
      ...orders.columns,
      { name: 'parcel_id', type: 'text', required: true } as const,
    ]
    const [day] = await judge({ ...orders, columns }, 1)
    expect(day).toMatchObject({
      date: dates[2],
      now: 'stopped',
      records: null,
      rules: [],
      checks: [],
    })
    expect(day!.refused).toMatch(
      /^SchemaDrift: No orders record of this delivery carries parcel_id/,
    )
  })

  test('sees records as people have corrected them', async () => {
    const [day] = await judge(orders, 1)
    const sample = await database.db.query<{
      path: string
      sha256: string
      record_no: number
      record: string
    }>(
      `select file.path, file.sha256, bad.record_no, bad.record
       from audit.bad_records as bad inner join audit.source_files as file using (file_id)
       where bad.source = 'orders' and bad.load_date = $1 and bad.rules = '{quantity_min}' limit 1`,
      [day!.date],
    )
    const [bad] = sample.rows
    const fixed = JSON.stringify({ ...(JSON.parse(bad!.record) as object), quantity: 2 })
    await database.db.query(
      `insert into audit.record_fixes (source, load_date, path, sha256, record_no, action,
         record_before, record_after, made_by, reason)
       values ('orders', $1, $2, $3, $4, 'fix', $5, $6, 'ann', 'told by phone')`,
      [day!.date, bad!.path, bad!.sha256, bad!.record_no, bad!.record, fixed],
    )
    const [again] = await judge(orders, 1)
    await database.db.query('delete from audit.record_fixes')
    expect(again!.records).toMatchObject({ entering: 0, leaving: 1 })
    expect(again!.records!.samples).toEqual([
      { record: `${bad!.path}:${bad!.record_no}`, moved: 'leaves', rules: ['quantity_min'] },
    ])
  })
})

describe('what cannot be judged', () => {
  test.each([
    [['nothing'], 'error: no source nothing; there are orders, events, products, online_retail\n'],
    [
      ['online_retail'],
      'error: no day of online_retail is published; book one with: daybook run DATE\n',
    ],
    [['orders', '--days', '0'], 'It must be a whole number from 1 to 100000.'],
  ])('%j is refused with what to do', async (args, message) => {
    const { code, stdout, stderr } = await contract('backtest', ...args)
    expect(code).toBe(2)
    expect(stdout).toBe('')
    expect(stderr).toContain(message)
  })
})

test('a day that the code of today would stop ends the command with 1, and is marked when delivered anew', async () => {
  const [date] = dates.slice(-1)
  await database.db.query(
    `update audit.published_loads set published_at = published_at - interval '1 day'
     where source = 'orders' and load_date = $1`,
    [date],
  )
  // As if the day had been published with these records, by rules that let them pass.
  const spoilt = await database.db.query(
    `update raw.orders set record = jsonb_set(record::jsonb, '{status}', '"lost"')::text
     where load_date = $1 and record_no % 5 = 0 and pg_input_is_valid(record, 'jsonb')`,
    [date],
  )
  expect(spoilt.rowCount).toBeGreaterThan(0)
  const { code, stdout, stderr } = await contract('backtest', 'orders', '--days', '1')
  expect(code).toBe(1)
  expect(stderr).toBe(`Published days that would be stopped now: orders of ${date}\n`)
  expect(stdout).toMatch(new RegExp(`^orders +${date}\\* +\\w+ +stopped `, 'm'))
  expect(stdout).toMatch(/^orders +status_accepted +\d* *\d+ +\d+ +\+\d+$/m)
  expect(stdout).toContain(
    '* delivered again since it was published: the newest delivery is judged.',
  )
})
