import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { addDays } from '../../dag/calendar.ts'
import { lastDueDate } from '../../dag/find-gaps.ts'
import { applySchedules } from '../../schedules/apply-schedules.ts'
import { schedules } from '../../schedules/schedules.ts'
import { ecommerceDaily } from '../../workflows/ecommerce-daily.ts'
import { runCli } from '../support/run-cli.ts'
import type { TestDatabase, TestTemporal } from '../support/servers.ts'
import { testDatabase, testTemporal } from '../support/servers.ts'

let temporal: TestTemporal
let database: TestDatabase
beforeAll(async () => {
  ;[temporal, database] = await Promise.all([testTemporal(), testDatabase()])
})
afterAll(async () => {
  await temporal.close()
  await database.drop()
})

describe('daybook gaps', () => {
  const daybook = (...args: string[]) => {
    const { address, namespace, taskQueue } = temporal
    return runCli(['gaps', ...args], {
      ...{ DATABASE_URL: database.url, TEMPORAL_ADDRESS: address },
      ...{ TEMPORAL_NAMESPACE: namespace, TEMPORAL_TASK_QUEUE: taskQueue },
    })
  }

  test('prints ranges, reasons and commands, and exits with 1', async () => {
    await database.db.query(`
      insert into audit.pipeline_runs (run_id, run_key, dag_id, logical_date, trigger, state,
        failed_tasks, error, graph) values
      (gen_random_uuid(), 'ecommerce_daily/2025-10-03', 'ecommerce_daily', '2025-10-03', 'schedule', 'success',
       '{}', null, '{}'),
      (gen_random_uuid(), 'ecommerce_daily/2025-10-04', 'ecommerce_daily', '2025-10-04', 'schedule', 'failed',
       '{dq_checks}', 'dq_checks: 99 orders', '{}'),
      (gen_random_uuid(), 'ecommerce_daily/2025-10-05', 'ecommerce_daily', '2025-10-05', 'schedule', 'running',
       '{}', null, '{}')`)
    const range = ['--from', '2025-10-01', '--to', '2025-10-05']
    const { code, stdout } = await daybook(...range)
    expect(stdout).toMatch(/2025-10-01 +2025-10-02 +2 +missing +it never ran/)
    expect(stdout).toMatch(/2025-10-04 +2025-10-04 +1 +failed +dq_checks: 99 orders/)
    expect(stdout).toMatch(/2025-10-05 .* half_done +its row says running, but Temporal knows no/)
    expect(stdout).toContain('4 gaps, 1 of 5 due days are done')
    expect(stdout).toMatch(/^ {2}daybook backfill 2025-10-01 2025-10-02 --dag ecommerce_daily$/m)
    expect(stdout).toMatch(/^ {2}daybook backfill 2025-10-04 2025-10-05 --dag ecommerce_daily$/m)
    expect(code).toBe(1)
    const asJson = await daybook(...range, '--json')
    expect(JSON.parse(asJson.stdout)).toMatchObject({
      ...{ dagId: 'ecommerce_daily', due: 5, done: 1 },
      gaps: [
        { date: '2025-10-01', kind: 'missing', dueAt: '2025-10-02T02:00:00.000Z' },
        {},
        {},
        {},
      ],
      commands: [{}, {}].map(() => expect.stringContaining('daybook backfill')),
    })
    expect(asJson.code).toBe(1)
  })

  test('looks from the first run that the schedule made, and on a fresh shop at the newest day alone', async () => {
    const newest = lastDueDate(ecommerceDaily, Date.now())
    const fresh = await daybook('--json')
    expect(JSON.parse(fresh.stdout)).toMatchObject({ from: newest, to: newest, due: 1 })
    const first = addDays(newest, -2)
    await database.db.query(
      `insert into audit.pipeline_runs (run_id, run_key, dag_id, logical_date, trigger, state,
         failed_tasks, graph, started_at)
       values (gen_random_uuid(), $1, 'ecommerce_daily', $2, 'schedule', 'success', '{}', '{}',
         $2::date + interval '26 hours')`,
      [`ecommerce_daily/${first}`, first],
    )
    const { client, taskQueue } = temporal
    const wanted = schedules.filter(({ id }) => id === 'ecommerce_daily' || id === 'catch_up')
    const target = { temporal: { taskQueue: `${taskQueue}-unserved` } }
    await applySchedules(client, target, wanted)
    const since = JSON.parse((await daybook('--json')).stdout)
    expect(since).toMatchObject({ from: first, to: newest, due: 3, done: 1 })
    expect(since.notes.join()).toContain('catch_up starts 2 of the missing days by itself')
    const catchUp = client.schedule.getHandle('catch_up')
    await catchUp.pause('stock taking')
    const paused = JSON.parse((await daybook('--json')).stdout)
    expect(paused.notes.join()).toContain('catch_up is paused ("stock taking")')
    for (const { id } of wanted) await client.schedule.getHandle(id).delete()
  })

  test('exits with 0 when every due day is done', async () => {
    const { code, stdout } = await daybook('--from', '2025-10-03', '--to', '2025-10-03')
    expect(stdout).toContain('no gaps, 1 of 1 due days are done.')
    expect(code).toBe(0)
  })

  test('asks a DAG without a schedule for its range, and refuses one that makes no sense', async () => {
    const unasked = await daybook('--dag', 'online_retail_daily')
    expect(unasked).toMatchObject({ code: 2, stderr: expect.stringContaining('--from 2010-12-01') })
    const asked = ['--dag', 'online_retail_daily', '--from', '2010-12-01', '--to', '2010-12-02']
    expect((await daybook(...asked)).stdout).toContain('2 gaps, 0 of 2 due days are done')
    const backwards = await daybook('--from', '2025-10-03', '--to', '2025-10-01')
    expect(backwards).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('is before the fi'),
    })
  })
})
