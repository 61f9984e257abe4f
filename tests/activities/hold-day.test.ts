import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { createHoldActivities, type HoldDayInput } from '../../activities/hold-day.ts'
import { loadConfig } from '../../platform/config.ts'
import { openFence } from '../../platform/attempt.ts'
import { inTransaction } from '../../platform/database.ts'
import { noteFingerprint, publishFingerprints } from '../../platform/fingerprints.ts'
import { runActivity } from '../support/run-activity.ts'
import { testDatabase, type TestDatabase } from '../support/servers.ts'
import { tempFolder } from '../support/temp-folder.ts'

const [date, shopId] = ['2025-12-13', 'main']
const runKey = `ecommerce_daily/${date}`
const taskId = 'is_held'
const approval = 'approve_held_day'
const input: HoldDayInput = {
  ...{ date, shopId, held: 1, approval },
  ...{ waitAtMost: '2 hours', onTimeout: 'fail' },
}
const asked = [approval]

let database: TestDatabase
beforeAll(async () => {
  database = await testDatabase()
})
afterAll(() => database.drop())
beforeEach(async () => {
  await database.db.query(
    'truncate audit.held_days, audit.interventions, audit.outbox, audit.dq_results, audit.fingerprints cascade',
  )
})

/** Checks have judged a delivery, which `version` stands for, and these of severity error failed. */
async function judge(runId: string, version: string, failed: string[]): Promise<void> {
  await database.db.query(
    `insert into audit.dq_results
       (run_id, check_id, dag_id, logical_date, table_name, severity, is_passed, expected, actual)
     select $1, check_id, 'ecommerce_daily', $2, 'staging.orders_clean', 'error', false, '', ''
     from unnest($3::text[]) as check_id
     on conflict do nothing`,
    [runId, date, failed],
  )
  const part = { shopId, date, part: 'checks' }
  const madeOf = { code: {}, inputs: {}, reads: { orders: version } }
  await inTransaction(database.db, (transaction) =>
    noteFingerprint(transaction, part, madeOf, { result: {}, runId }),
  )
}

const activities = () => {
  const env = { DAYBOOK_HOME: tempFolder('home'), MAIL_TO: 'ada@example.org,bob@example.org' }
  return createHoldActivities({ database: database.db, config: loadConfig(env) })
}

const hold = (runId: string, change: Partial<HoldDayInput> = {}) =>
  runActivity(database.db, { runKey, taskId, runId }, activities().holdDay, { ...input, ...change })

async function judgeAndHold(version: string, failed: string[], runId: string = randomUUID()) {
  await judge(runId, version, failed)
  return hold(runId)
}

async function decide(decision: 'approve' | 'reject'): Promise<void> {
  await database.db.query(
    `insert into audit.interventions (run_id, run_key, action, made_by, detail)
     values ('any', $1, 'decide', 'ada', $2)`,
    [runKey, { task: approval, decision }],
  )
}

const rows = async (sql: string) => (await database.db.query(sql)).rows

test('a day without failed error checks is held by nobody, and nothing is written', async () => {
  expect(await hold(randomUUID(), { held: 0 })).toEqual([])
  expect(await rows('select from audit.held_days')).toEqual([])
})

test('a held day is mailed to each recipient once, whatever calls it again', async () => {
  const runId = randomUUID()
  await judge(runId, 'first', ['volume'])
  expect(await hold(runId)).toEqual(asked)
  expect(await hold(runId)).toEqual(asked)
  expect(
    await rows('select kind, recipients[1] as to, state from audit.outbox order by 2'),
  ).toEqual(
    ['ada@example.org', 'bob@example.org'].map((to) => ({ kind: 'held', to, state: 'kept' })),
  )
  expect(
    await rows(
      `select checks, on_timeout, decide_by - held_at = interval '2 hours' as waits_so_long
       from audit.held_days`,
    ),
  ).toEqual([{ checks: ['volume'], on_timeout: 'fail', waits_so_long: true }])
})

test('what a person approved is not asked again; a rejection is', async () => {
  expect(await judgeAndHold('first', ['volume', 'mix'])).toEqual(asked)
  await decide('reject')
  expect(await judgeAndHold('first', ['volume', 'mix'])).toEqual(asked)
  await decide('approve')
  expect(await judgeAndHold('first', ['volume', 'mix'])).toEqual([])
  // Less is wrong with it than was approved.
  expect(await judgeAndHold('first', ['mix'])).toEqual([])
})

test('another delivery, and another failure, is another question', async () => {
  expect(await judgeAndHold('first', ['volume'])).toEqual(asked)
  await decide('approve')
  expect(await judgeAndHold('second', ['volume'])).toEqual(asked)
  expect(await judgeAndHold('first', ['volume', 'mix'])).toEqual(asked)
  // The first delivery comes back: it is the one that was approved.
  expect(await judgeAndHold('first', ['volume'])).toEqual([])
})

test('an execution that asks about another delivery keeps what was answered about the first', async () => {
  const runId = randomUUID()
  expect(await judgeAndHold('first', ['volume'], runId)).toEqual(asked)
  await decide('approve')
  expect(await judgeAndHold('second', ['volume'], runId)).toEqual(asked)
  expect(await judgeAndHold('first', ['volume'])).toEqual([])
  expect(await judgeAndHold('second', ['volume'])).toEqual(asked)
})

test('the approval that a DAG names is the one that is chosen, mailed and recorded', async () => {
  const runId = randomUUID()
  await judge(runId, 'first', ['volume'])
  expect(await hold(runId, { approval: 'sign_off' })).toEqual(['sign_off'])
  expect(await rows('select task_id from audit.held_days')).toEqual([{ task_id: 'sign_off' }])
  const mails = await rows('select body_text from audit.outbox')
  expect(mails).toHaveLength(2)
  for (const { body_text } of mails) {
    expect(body_text).toContain(`daybook approve ${runKey} sign_off`)
    expect(body_text).not.toContain(approval)
  }
})

test('the last word before the next question counts', async () => {
  await judgeAndHold('first', ['volume'])
  await decide('approve')
  await decide('reject')
  expect(await judgeAndHold('first', ['volume'])).toEqual(asked)
})

test('what is published was let through, whatever its checks said', async () => {
  const runId = randomUUID()
  await judge(runId, 'first', ['volume'])
  await inTransaction(database.db, (transaction) => publishFingerprints(transaction, shopId, date))
  expect(await hold(runId)).toEqual([])
})

test('an attempt that another has taken over from holds nothing and mails nothing', async () => {
  const runId = randomUUID()
  await judge(runId, 'first', ['volume'])
  const overtaken = async (given: HoldDayInput) => {
    await openFence(database.db, { runKey, taskId, runId, attempt: 2 })
    return activities().holdDay(given)
  }
  const first = runActivity(database.db, { runKey, taskId, runId }, overtaken, input)
  await expect(first).rejects.toMatchObject({ name: 'StaleAttempt' })
  expect(await rows('select from audit.held_days')).toEqual([])
  expect(await rows('select from audit.outbox')).toEqual([])
})
