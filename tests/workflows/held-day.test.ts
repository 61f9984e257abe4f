import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import type { TaskStates } from '../../dag/task-state.ts'
import { generateShop } from '../../data/generator/generate.ts'
import { digestTables } from '../../platform/table-digests.ts'
import { startRun } from '../../schedules/start-run.ts'
import type { DaybookWorker } from '../support/daybook-worker.ts'
import { startDaybookWorker } from '../support/daybook-worker.ts'
import { runCli, startCli } from '../support/run-cli.ts'
import { runDay, type DagRunFailure } from '../support/run-day.ts'
import { isRecording, recordHistory } from './replay-histories.ts'

let daybook: DaybookWorker
beforeAll(async () => {
  daybook = await startDaybookWorker()
  await deliver(300)
  await rows(
    `
    insert into audit.published_loads (source, load_date, run_id, business_dates,
      records_received, records_loaded, records_quarantined, records_duplicate)
    select 'orders', date - week * 7, 'past', '{}', 2000, 2000, 0, 0
    from unnest($1::date[]) as date cross join generate_series(1, 4) as week`,
    [saturday, sunday],
  )
}, 120_000)
afterAll(() => daybook.stop())

const [saturday, sunday] = ['2025-12-13', '2025-12-14'] as const
const approval = 'approve_held_day'

/** Both days, of so many orders each; the Saturdays and Sundays before had 2,000. */
async function deliver(orders: number): Promise<void> {
  const out = daybook.landingDir
  await generateShop({ from: saturday, days: 2, orders, events: 2000, out, seed: 1 })
}

async function rows<Row = Record<string, unknown>>(sql: string, ...params: unknown[]) {
  return (await daybook.database.db.query(sql, params)).rows as Row[]
}

const settings = () => ({
  DATABASE_URL: daybook.database.url,
  TEMPORAL_ADDRESS: daybook.temporal.address,
  TEMPORAL_NAMESPACE: daybook.temporal.namespace,
  TEMPORAL_TASK_QUEUE: daybook.temporal.taskQueue,
})
const command = (...args: string[]) => runCli(args, settings())

const published = () => digestTables(daybook.database.db)
const mailsOf = (runKey: string) =>
  rows<{ kind: string; subject: string; body_text: string }>(
    'select kind, subject, body_text from audit.outbox where run_key = $1 order by mail_id',
    runKey,
  )

/** Starts the run of a day, and returns when it waits for a person. */
async function startHeld(date: string) {
  const { client, taskQueue } = daybook.temporal
  const handle = await startRun(client, { dagId: 'ecommerce_daily', date, taskQueue })
  const isHeld = async () =>
    (await handle.query<TaskStates>('state'))[approval]?.state === 'running'
  await vi.waitUntil(isHeld, { timeout: 30_000, interval: 50 })
  return handle
}

test('a day that a person has to judge waits, is published when approved, and asks nobody again', async () => {
  const runKey = `ecommerce_daily/${saturday}`
  const before = await published()
  const handle = await startHeld(saturday)
  expect(await published()).toEqual(before)
  const [mail] = await mailsOf(runKey)
  expect(mail).toMatchObject({ kind: 'held', subject: expect.stringContaining('is held until') })
  for (const part of ['orders_plausible_volume', `daybook approve ${runKey} ${approval}`]) {
    expect(mail?.body_text).toContain(part)
  }
  const shown = await command('show', saturday)
  expect(shown.stdout).toMatch(/^Held since .* UTC by orders_plausible_volume$/m)
  expect(shown.stdout).toMatch(/waits for a person until .*; after that it is not published/)
  expect(shown.stdout).toContain(`daybook approve ${runKey} ${approval}`)
  expect(shown.stdout).toMatch(/^orders_plausible_volume +FAILED \(error\) +0\.25 to 4 times/m)
  expect((await command('why', saturday, 'load_dim_user')).stdout).toContain(`${approval} running`)

  const reason = 'a holiday'
  await command('approve', saturday, approval, '--by', 'ada', '--reason', reason)
  expect(await handle.result()).toMatchObject({ state: 'success' })
  if (isRecording) {
    const { client } = daybook.temporal
    await recordHistory(client, runKey, { folder: 'dags', name: 'held-day' })
  }
  expect(await published()).not.toEqual(before)
  expect((await command('show', saturday)).stdout).toMatch(/approved by ada, .* UTC: a holiday/)

  const again = await runDay(daybook, 'ecommerce_daily', saturday)
  expect(again.tasks).toMatchObject({
    is_held: 'success',
    [approval]: 'skipped',
    notify: 'success',
  })
  // Made anew from the same, it is the day that was approved.
  expect((await command('run', saturday, '--full-refresh')).code).toBe(0)
  expect(await rows('select run_key, decision, decided_by from audit.held_day_decisions')).toEqual([
    { run_key: runKey, decision: 'approve', decided_by: 'ada' },
  ])
  expect((await mailsOf(runKey)).filter(({ kind }) => kind === 'held')).toHaveLength(1)
}, 120_000)

test('a rejected day fails and stays unpublished; run again it asks again, delivered right it does not', async () => {
  const runKey = `ecommerce_daily/${sunday}`
  const before = await published()
  const handle = await startHeld(sunday)
  await command('reject', sunday, approval, '--by', 'bob', '--reason', 'half is missing')
  const failure = await handle.result().then(
    () => expect.fail('the run did not fail'),
    (error: DagRunFailure) => error.cause,
  )
  expect(failure.message).toContain(`${approval} failed (rejected by bob: half is missing)`)
  expect(await published()).toEqual(before)
  const mails = await mailsOf(runKey)
  expect(mails.map(({ kind }) => kind)).toEqual(['held', 'failure'])
  expect(mails[1]?.body_text).toMatch(/orders_plausible_volume +error/)

  const second = startCli(['run', sunday], settings())
  const answer = `daybook approve ${runKey} ${approval} --reason`
  await vi.waitUntil(() => second.result.stderr.includes(answer), { timeout: 60_000, interval: 50 })
  await command('reject', sunday, approval, '--by', 'bob')
  const { code, stderr } = await second.ended
  expect(code).toBe(1)
  expect(stderr.split(answer)).toHaveLength(2)
  expect(stderr).toMatch(/^ +Held since .* UTC by orders_plausible_volume$/m)
  expect(stderr).toMatch(/^ +waits for a person until .* UTC; after that it is not published$/m)
  await deliver(1500)
  const right = await runDay(daybook, 'ecommerce_daily', sunday)
  expect(right.tasks).toMatchObject({
    is_held: 'success',
    [approval]: 'skipped',
    publish: 'success',
  })
}, 120_000)
