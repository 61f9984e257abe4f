import { isGrpcDeadlineError } from '@temporalio/client'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { askRun } from '../../cli/states-now.ts'
import { loadConfig } from '../../platform/config.ts'
import { endWithoutAWord } from '../../platform/ended-run.ts'
import { readPendingTries } from '../../platform/pending-tries.ts'
import { connectClient } from '../../platform/temporal.ts'
import { breakableWay } from '../support/breakable-way.ts'
import type { SampleRuns } from './sample-runs.ts'
import { soon, startSampleRuns } from './sample-runs.ts'

let sample: SampleRuns
beforeAll(async () => {
  sample = await startSampleRuns()
})
afterAll(() => sample.stop())

async function stdoutOf(...args: string[]): Promise<string> {
  const { stdout, stderr, code } = await sample.daybook(...args)
  expect(stderr).toBe('')
  expect(code).toBe(0)
  return stdout
}

describe('a task that waits for its next try', () => {
  const date = '2025-12-13'
  const key = `sample_backoff/${date}`
  const waits = String.raw`waits until \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC for try 2 of 4: attempt 1 fails`

  async function startWaiting() {
    const handle = await sample.start('sample_backoff', date)
    await vi.waitUntil(async () => {
      const tries = (await readPendingTries(sample.temporal.client, key)) ?? []
      return tries.length === 2 && tries.every(({ nextAt }) => nextAt !== undefined)
    }, soon)
    return handle
  }

  test('says until when, for which try and why, wherever it is looked at', async () => {
    const handle = await startWaiting()
    try {
      expect(await stdoutOf('why', key, 'flaky')).toMatch(new RegExp(`^flaky ${waits}\n$`))
      const show = await stdoutOf('show', key)
      expect(show).toMatch(/^flaky +failed +1 .* attempt 1 fails$/m)
      expect(show).toMatch(new RegExp(`^flaky +up_for_retry +- .* ${waits}$`, 'm'))
      const graph = await stdoutOf('graph', 'sample_backoff', '--run', date)
      expect(graph).toMatch(/~ flaky/)
      expect(graph).toContain('~ 2 up_for_retry')
      const gantt = await stdoutOf('gantt', key)
      expect(gantt).toMatch(/^[* ] flaky +▒+·+ /m)
      expect(gantt).toMatch(new RegExp(`^ {2}flaky ${waits}$`, 'm'))
      const nextAt = /waits until (.*) UTC/.exec(show)?.[1] ?? ''
      const inSeconds = (Date.parse(`${nextAt.replace(' ', 'T')}Z`) - Date.now()) / 1_000
      expect(inSeconds).toBeGreaterThan(60)
      expect(inSeconds).toBeLessThanOrEqual(600)

      // As a crash of PostgreSQL leaves it.
      await sample.database.db.query('delete from audit.task_runs where run_key = $1', [key])
      const rowless = await stdoutOf('show', key)
      expect(rowless).toMatch(new RegExp(`^flaky +up_for_retry +- .* ${waits}$`, 'm'))
      expect(await stdoutOf('gantt', key)).toMatch(new RegExp(`^ {2}flaky ${waits}$`, 'm'))
    } finally {
      await handle.terminate()
    }
  })

  test('waits no more once its run is terminated', async () => {
    const handle = await startWaiting()
    await handle.terminate()
    const failsOnly = async () => {
      const states = { flaky: { state: 'failed' }, capped: { state: 'failed' } }
      const graph = await stdoutOf('graph', 'sample_backoff', '--run', date, '--json')
      expect(JSON.parse(graph)).toMatchObject({ states })
      for (const args of [
        ['show', key],
        ['show', key, '--json'],
        ['gantt', key],
      ]) {
        expect(await stdoutOf(...args)).not.toMatch(/up_for_retry|waits until/)
      }
    }
    await failsOnly()
    const { db } = sample.database
    const { rows } = await db.query<{ run_id: string }>(
      'select run_id from audit.pipeline_runs where run_key = $1 and ended_at is null',
      [key],
    )
    expect(
      await endWithoutAWord(
        db,
        rows.map(({ run_id }) => run_id),
      ),
    ).toBe(rows.length)
    await failsOnly()
  })
})

describe('an attempt whose end was not written', () => {
  const date = '2025-12-14'
  const key = `sample_past_gate/${date}`
  const mapped = 'sample_parts_held/2025-12-16'
  const row = async (taskId: string) => {
    const { rows } = await sample.database.db.query(
      `select state, ended_at, seconds, error from audit.task_runs
       where run_key = $1 and task_id = $2`,
      [key, taskId],
    )
    return rows
  }
  const settled = {
    ...{ state: 'success', ended_at: null, seconds: null },
    error: 'its end was not written',
  }

  /** Loses what attempts write of their ends, as a crash of PostgreSQL may. */
  const loseEnds = () =>
    sample.database.db.query(`
      create or replace function audit.lose_end() returns trigger language plpgsql as
        $$ begin return null; end $$;
      create or replace trigger lose_end before update on audit.task_runs for each row
        when (new.ended_at is not null and new.run_key in ('${key}', '${mapped}'))
        execute function audit.lose_end()`)

  test('of an instance, has the state of its mapped task', async () => {
    await loseEnds()
    const handle = await sample.start('sample_parts_held', '2025-12-16', { count: 2 })
    await sample.isHeld('2025-12-16')
    sample.gates.get('2025-12-16')?.()
    await handle.result()
    const { rows } = await sample.database.db.query(
      `select task_id, state, ended_at from audit.task_runs
       where run_key = $1 and task_id like 'each%' order by task_id`,
      [mapped],
    )
    expect(rows).toEqual([
      { task_id: 'each[0]', state: 'success', ended_at: null },
      { task_id: 'each[1]', state: 'success', ended_at: null },
    ])
  })

  test('has the state of its task, and no duration, from the next task on', async () => {
    await loseEnds()
    const handle = await sample.start('sample_past_gate', date)
    await sample.isHeld(date)
    expect(await row('load')).toEqual([settled])

    // No run has said so yet.
    await sample.database.db.query(
      `update audit.task_runs set state = 'running', error = null
       where run_key = $1 and task_id = 'load'`,
      [key],
    )
    const lost = /^load +success +1 +- .*its end was not written$/m
    expect(await stdoutOf('show', key)).toMatch(lost)
    expect(await stdoutOf('why', key, 'load')).toMatch(/^load is success /)
    expect(await stdoutOf('graph', 'sample_past_gate', '--run', date)).toMatch(/\+ load/)
    expect(await stdoutOf('gantt', key)).toMatch(/^[* ] load +█ +- s$/m)

    sample.gates.get(date)?.()
    await handle.result()
    expect([...(await row('load')), ...(await row('gate'))]).toEqual([settled, settled])
    expect(await stdoutOf('show', key)).toMatch(lost)
    const gantt = JSON.parse(await stdoutOf('gantt', key, '--json')) as { critical_path: object[] }
    expect(gantt.critical_path).toMatchObject([
      { task_id: 'load', seconds: null, share: null },
      { task_id: 'gate', seconds: null, share: null },
    ])
  })
})

test('where no run answers, the states are those of the attempts', async () => {
  const key = 'sample_gate/2025-12-15'
  const handle = await sample.start('sample_gate', '2025-12-15')
  await sample.isHeld('2025-12-15')
  const askedAt = Date.now()
  const { stdout, stderr, code } = await sample.daybookWith(
    { TEMPORAL_ADDRESS: '127.0.0.1:1' },
    ...['show', key],
  )
  // As long as other commands wait for a server to connect to; this one asks for 5 seconds.
  expect(Date.now() - askedAt).toBeLessThan(10_000)
  expect(stderr).toContain(`${key} gave no answer, the states are those of its attempts: `)
  expect(stdout).toMatch(/^gate +running +1 /m)
  expect(code).toBe(0)
  sample.gates.get('2025-12-15')?.()
  await handle.result()
})

test('a run that is only looked at takes no worker to be told of', async () => {
  const key = 'sample_gate/2025-12-17'
  const handle = await sample.start('sample_gate', '2025-12-17')
  await sample.isHeld('2025-12-17')
  const nobody = { TEMPORAL_TASK_QUEUE: 'nobody_polls' }
  const { stdout, stderr, code } = await sample.daybookWith(nobody, 'show', key)
  expect({ stderr, code }).toEqual({ stderr: '', code: 0 })
  expect(stdout).toMatch(/^gate +running +1 /m)
  sample.gates.get('2025-12-17')?.()
  await handle.result()
})

test('a server that has fallen silent is given up, whatever it is asked', async () => {
  const { address, namespace } = sample.temporal
  const way = await breakableWay(Number(address.split(':')[1]))
  const { temporal } = loadConfig({})
  const client = await connectClient({ ...temporal, namespace }, `127.0.0.1:${way.port}`)
  way.silence()
  const run = {
    run_key: 'sample_gate/2025-12-18',
    graph: { dagId: 'sample_gate', tasks: [], onFailure: null },
  }
  await expect(askRun(client, run)).rejects.toSatisfy(
    (error) => error instanceof Error && isGrpcDeadlineError(error.cause),
  )
  await client.connection.close()
  await way.cut()
})
