import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { applySchedules } from '../../schedules/apply-schedules.ts'
import { scheduleOf } from '../../schedules/schedules.ts'
import { startBackfill } from '../../schedules/start-backfill.ts'
import { startRun } from '../../schedules/start-run.ts'
import type { SampleWorker } from './sample-dags/start-sample-worker.ts'
import { startSampleWorker } from './sample-dags/start-sample-worker.ts'
import { samplePaused, sampleRestricted } from './sample-dags/time-dags.ts'

let sample: SampleWorker
beforeAll(async () => {
  sample = await startSampleWorker()
  const { client, taskQueue } = sample.temporal
  const schedules = [samplePaused, sampleRestricted].flatMap(scheduleOf)
  await applySchedules(client, { temporal: { taskQueue } }, schedules)
})
afterAll(() => sample.stop())

const schedule = () => sample.temporal.client.schedule.getHandle('sample_paused')

async function run(dagId: string, date: string, trigger = 'cli'): Promise<string> {
  const { client, taskQueue } = sample.temporal
  const handle = await startRun(client, { dagId, date, taskQueue, trigger })
  return handle.result().then(
    ({ state }) => state,
    (error: Error & { cause?: Error }) => error.cause?.message ?? error.message,
  )
}

async function isPaused(): Promise<boolean> {
  return (await schedule().describe()).state.paused
}

describe('AT-R7 a DAG whose runs fail so many times in a row', () => {
  test('is paused, with a note that says why and how to go on, and the audit has it', async () => {
    sample.broken.add('2025-02-01').add('2025-02-03').add('2025-02-04')
    await run('sample_paused', '2025-02-01')
    await run('sample_paused', '2025-02-02')
    await run('sample_paused', '2025-02-03')
    expect(await isPaused()).toBe(false)
    expect(await run('sample_paused', '2025-02-04')).toContain('sample_paused/2025-02-04 failed')
    const { state } = await schedule().describe()
    expect(state.paused).toBe(true)
    expect(state.note).toContain('the 2 newest runs failed (2025-02-03, 2025-02-04)')
    expect(state.note).toContain('temporal schedule toggle --schedule-id sample_paused --unpause')
    const { rows } = await sample.database.db.query(
      'select run_key, action, made_by, reason, detail from audit.interventions',
    )
    expect(rows).toEqual([
      {
        ...{ run_key: 'sample_paused/2025-02-04', action: 'pause', made_by: 'daybook' },
        ...{ reason: state.note },
        detail: { schedule: 'sample_paused', failedDates: ['2025-02-03', '2025-02-04'] },
      },
    ])
  })

  test('goes on when a person says so, and counts by date: a repaired run ends the row', async () => {
    await schedule().unpause('mended')
    sample.broken.delete('2025-02-04')
    expect(await run('sample_paused', '2025-02-04')).toBe('success')
    sample.broken.add('2025-02-05')
    await run('sample_paused', '2025-02-05')
    await run('sample_paused', '2025-02-03')
    expect(await isPaused()).toBe(false)
  })

  test('keeps the note of whoever has paused it before', async () => {
    await schedule().pause('stock taking')
    sample.broken.add('2025-02-06')
    await run('sample_paused', '2025-02-06')
    expect((await schedule().describe()).state.note).toBe('stock taking')
  })
})

describe('AT-D6 a DAG that takes only scheduled runs', () => {
  test('refuses others in words, and leaves no trace', async () => {
    const words = 'sample_restricted takes no manual runs: its allowedRunTypes are scheduled;'
    expect(await run('sample_restricted', '2025-02-01')).toContain(words)
    const { client, taskQueue } = sample.temporal
    const range = { dagId: 'sample_restricted', from: '2025-02-01', to: '2025-02-02', taskQueue }
    const backfill = (await startBackfill(client, range)).result()
    await expect(backfill).rejects.toMatchObject({
      cause: { message: expect.stringContaining('takes no backfill runs') },
    })
    const { rows } = await sample.database.db.query(
      "select 1 from audit.pipeline_runs where dag_id = 'sample_restricted'",
    )
    expect(rows).toEqual([])
  })

  test('runs by its schedule, and what has run can be cleared', async () => {
    expect(await run('sample_restricted', '2025-02-09', 'schedule')).toBe('success')
    const { client, taskQueue } = sample.temporal
    const day = { dagId: 'sample_restricted', date: '2025-02-09', taskQueue }
    const clear = { by: 'mila', tasks: ['first'] }
    const cleared = await startRun(client, { ...day, clear })
    expect(await cleared.result()).toMatchObject({ state: 'success' })
  })
})
