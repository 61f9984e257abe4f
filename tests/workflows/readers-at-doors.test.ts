import { afterAll, beforeAll, expect, test } from 'vitest'
import type { DaybookWorker } from '../support/daybook-worker.ts'
import { startDaybookWorker } from '../support/daybook-worker.ts'
import {
  deliverVersion,
  readMeanwhile,
  seeAtOnce,
  versionsByTable,
  type SeenVersions,
} from '../support/versioned-days.ts'
import { inDiscardedTransaction } from '../../platform/database.ts'

const dates = ['2025-12-16', '2025-12-17', '2025-12-18'] as const
const [first, , last] = dates
/** A version has as many orders and events; a day of 99 orders fails a critical check. */
const [v1, v2, v3, v4, unchecked] = [501, 502, 503, 504, 99]

let daybook: DaybookWorker
beforeAll(async () => {
  daybook = await startDaybookWorker()
})
afterAll(() => daybook.stop())

function deliver(date: string, version: number): void {
  deliverVersion(daybook, date, version)
}

const extracts = ['--task', 'extract_orders', 'extract_events']
const backfill = () => daybook.command('backfill', first, last, '--reprocess', 'all')

const inOrder = (seen: SeenVersions, date: string) =>
  [...(seen.get(date) ?? [])].toSorted((one, other) => one - other)

async function versionsNow(): Promise<Record<string, number | undefined>> {
  const days = await seeAtOnce(daybook.database.db)
  return Object.fromEntries(days.map(({ date, versions }) => [date, versions['facts']]))
}

test('readers see whole, checked days only while backfills and clears run, restate and fail them', async () => {
  const seen = await readMeanwhile(daybook.database.db, async () => {
    for (const date of dates) deliver(date, v1)
    expect(await backfill()).toMatchObject({ code: 0 })

    deliver(first, v2)
    deliver(dates[1], unchecked)
    deliver(last, v2)
    const restated = await backfill()
    expect(restated.code).toBe(1)
    expect(restated.stderr).toContain(dates[1])
    expect(await versionsNow()).toEqual({ [first]: v2, [dates[1]]: v1, [last]: v2 })

    // One that has failed, and one that is published.
    deliver(dates[1], v3)
    expect(await daybook.command('clear', dates[1], ...extracts)).toMatchObject({ code: 0 })
    deliver(last, v4)
    expect(await daybook.command('clear', last, ...extracts)).toMatchObject({ code: 0 })
  })
  expect(inOrder(seen, first)).toEqual([v1, v2])
  expect(inOrder(seen, dates[1])).toEqual([v1, v3])
  expect(inOrder(seen, last)).toEqual([v1, v2, v4])
}, 240_000)

test('an analyst who reads one snapshot through a backfill is shown one state, and it finishes', async () => {
  for (const date of dates) deliver(date, v1)
  await backfill()
  await inDiscardedTransaction(daybook.database.db, async (analyst) => {
    const before = await analyst.query(versionsByTable)
    for (const date of dates) deliver(date, v4)
    expect(await backfill()).toMatchObject({ code: 0 })
    expect((await analyst.query(versionsByTable)).rows).toEqual(before.rows)
    expect(await versionsNow()).toEqual(Object.fromEntries(dates.map((date) => [date, v4])))
  })
}, 240_000)
