import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { addDays, datesBetween } from '../../dag/calendar.ts'
import type { Dag } from '../../dag/define-dag.ts'
import { lastDueDate } from '../../dag/find-gaps.ts'
import { tickIdOf } from '../../dag/plan-catch-up.ts'
import { applySchedules } from '../../schedules/apply-schedules.ts'
import { scheduleOf } from '../../schedules/schedules.ts'
import { startBackfill } from '../../schedules/start-backfill.ts'
import { startRun } from '../../schedules/start-run.ts'
import { isRecording, recordHistory } from './replay-histories.ts'
import type { SampleWorker } from './sample-dags/start-sample-worker.ts'
import { startSampleWorker } from './sample-dags/start-sample-worker.ts'
import * as dags from './sample-dags/time-dags.ts'

let sample: SampleWorker
beforeAll(async () => {
  sample = await startSampleWorker()
})
afterAll(() => sample.stop())

const until = (claim: () => boolean | Promise<boolean>) =>
  vi.waitUntil(claim, { timeout: 60_000, interval: 50 })

const newest = lastDueDate(dags.sampleCatchUp, Date.now())
const daysAgo = (days: number) => addDays(newest, -days)

async function withSchedule(dag: Dag, work: () => Promise<void>): Promise<void> {
  const { client, taskQueue } = sample.temporal
  await applySchedules(client, { temporal: { taskQueue } }, scheduleOf(dag))
  try {
    await work()
  } finally {
    await client.schedule.getHandle(dag.id).delete()
  }
}

/** As the schedule of a DAG leaves it that ran on a day, in its time. */
async function ranByItself(dag: Dag, date: string, state = 'success'): Promise<void> {
  await sample.database.db.query(
    `insert into audit.pipeline_runs
       (run_id, run_key, dag_id, logical_date, trigger, state, graph, started_at, ended_at)
     values (gen_random_uuid(), $1, $2, $3, 'schedule', $4, $5, $3::date + interval '26 hours', now())`,
    [`${dag.id}/${date}`, dag.id, date, state, JSON.stringify(dag.graph)],
  )
}

function lookOnce() {
  const { client, taskQueue } = sample.temporal
  return client.workflow.start<() => Promise<string[]>>('catch_up', {
    ...{ workflowId: `catch_up-${randomUUID()}`, taskQueue },
  })
}

async function catchUp(): Promise<string[]> {
  return (await lookOnce()).result()
}

async function runsOf(dag: Dag) {
  const { rows } = await sample.database.db.query<{
    date: string
    state: string
    trigger: string
  }>(
    `select logical_date as date, state, trigger from audit.pipeline_runs
     where dag_id = $1 order by started_at, logical_date`,
    [dag.id],
  )
  return rows
}

async function datesOf(dag: Dag): Promise<string[]> {
  return (await runsOf(dag)).map(({ date }) => date)
}

describe('AT-C1 with catch-up', () => {
  test('all days without a run are made up for, no more at once than the DAG allows', async () => {
    const dag = dags.sampleCatchUp
    await ranByItself(dag, daysAgo(4))
    await withSchedule(dag, async () => {
      const catching = await lookOnce()
      const isHeld = (days: number) => until(() => sample.gates.has(daysAgo(days)))
      await Promise.all([isHeld(3), isHeld(2)])
      expect(await catchUp()).toEqual([])
      sample.gates.get(daysAgo(3))?.()
      await isHeld(1)
      expect(sample.gates.has(newest)).toBe(false)
      sample.gates.get(daysAgo(2))?.()
      await isHeld(0)
      for (const date of [daysAgo(1), newest]) sample.gates.get(date)?.()
      const days = datesBetween(daysAgo(3), newest)
      expect(await catching.result()).toEqual(days.map((date) => tickIdOf(dag, date)))
      const ran = (await runsOf(dag)).slice(1)
      expect(ran.map(({ date }) => date).toSorted()).toEqual(days)
      expect(ran.every((run) => run.trigger === 'schedule' && run.state === 'success')).toBe(true)
      expect(await catchUp()).toEqual([])
      if (!isRecording) return
      const { workflowId } = catching
      await recordHistory(sample.temporal.client, workflowId, {
        folder: 'sample',
        name: 'catch_up',
      })
    })
  })

  test('a task that depends on its past has the day before made up for first', async () => {
    const dag = dags.sampleOrdered
    await ranByItself(dag, daysAgo(4))
    await sample.database.db.query(
      `update audit.pipeline_runs set task_states = '{"first": {"state": "success"}}'
       where dag_id = $1`,
      [dag.id],
    )
    await withSchedule(dag, async () => {
      await catchUp()
      expect(await datesOf(dag)).toEqual(datesBetween(daysAgo(4), newest))
    })
  })

  test('what has failed is left to people, and so are the days of a backfill', async () => {
    const dag = dags.sampleCatchUp
    await sample.database.db.query('delete from audit.pipeline_runs where dag_id = $1', [dag.id])
    await ranByItself(dag, daysAgo(9))
    for (const days of [8, 7, 5, 4, 3, 2, 1, 0]) await ranByItself(dag, daysAgo(days), 'failed')
    sample.gates.clear()
    await withSchedule(dag, async () => {
      const { client, taskQueue } = sample.temporal
      const range = { from: daysAgo(6), to: daysAgo(6) }
      const backfill = await startBackfill(client, { dagId: dag.id, ...range, taskQueue })
      // From then on the day is the backfill's.
      await until(() => sample.gates.has(daysAgo(6)))
      expect(await catchUp()).toEqual([])
      sample.gates.get(daysAgo(6))?.()
      await backfill.result()
      expect(await catchUp()).toEqual([])
    })
    const made = (await runsOf(dag)).filter(({ date }) => date === daysAgo(6))
    expect(made).toMatchObject([{ trigger: 'backfill', state: 'success' }])
  })
})

describe('AT-C3 without catch-up', () => {
  test('after a week of pause only the newest day is made up for, and none during it', async () => {
    const dag = dags.sampleNewest
    await ranByItself(dag, daysAgo(7))
    await withSchedule(dag, async () => {
      const schedule = sample.temporal.client.schedule.getHandle(dag.id)
      await schedule.pause('stock taking')
      expect(await catchUp()).toEqual([])
      await schedule.unpause()
      expect(await catchUp()).toEqual([tickIdOf(dag, newest)])
      expect(await datesOf(dag)).toEqual([daysAgo(7), newest])
    })
  })
})

describe('nothing runs behind anybody’s back', () => {
  test('on a fresh shop, also when somebody has run an old day', async () => {
    const dag = dags.sampleFresh
    const { client, taskQueue } = sample.temporal
    await withSchedule(dag, async () => {
      expect(await catchUp()).toEqual([])
      const byHand = await startRun(client, { dagId: dag.id, date: '2025-01-05', taskQueue })
      await byHand.result()
      const start = new Date('2025-01-07T02:00:00Z')
      await client.schedule.getHandle(dag.id).backfill([{ start, end: start }])
      const made = async () =>
        (await runsOf(dag)).map(({ trigger, state }) => `${trigger} ${state}`)
      await until(async () => (await made()).at(-1) === 'schedule success')
      expect(await made()).toEqual(['cli success', 'schedule success'])
      expect(await catchUp()).toEqual([])
    })
  })

  test('where the DAG has no schedule in Temporal', async () => {
    await ranByItself(dags.sampleFresh, daysAgo(3))
    expect(await catchUp()).toEqual([])
  })

  test('a start that came to nothing is not tried again and again', async () => {
    const dag = dags.sampleFresh
    const { client } = sample.temporal
    const workflowId = tickIdOf(dag, daysAgo(2))
    const stuck = await client.workflow.start(dag.id, { workflowId, taskQueue: 'nobody-polls' })
    await stuck.terminate('an overlap policy')
    await withSchedule(dag, async () => {
      const days = [daysAgo(1), newest].map((date) => tickIdOf(dag, date))
      expect(await catchUp()).toEqual(days)
    })
  })
})
