import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import type { Connections } from '../../cli/connect.ts'
import { fillGaps, lookForGaps } from '../../cli/look-for-gaps.ts'
import type { Dag } from '../../dag/define-dag.ts'
import { generateShop } from '../../data/generator/generate.ts'
import { loadConfig } from '../../platform/config.ts'
import { applySchedules } from '../../schedules/apply-schedules.ts'
import { scheduleOf } from '../../schedules/schedules.ts'
import { startRun } from '../../schedules/start-run.ts'
import { resetRun } from '../support/reset-run.ts'
import type { DaybookWorker } from '../support/daybook-worker.ts'
import { startDaybookWorker } from '../support/daybook-worker.ts'
import { runCli } from '../support/run-cli.ts'
import * as dags from '../workflows/sample-dags/sample-dags.ts'
import type { SampleWorker } from '../workflows/sample-dags/start-sample-worker.ts'
import { startSampleWorker } from '../workflows/sample-dags/start-sample-worker.ts'

let sample: SampleWorker
let connections: Connections
beforeAll(async () => {
  sample = await startSampleWorker()
  const { client, taskQueue } = sample.temporal
  const config = loadConfig({ TEMPORAL_TASK_QUEUE: taskQueue })
  connections = { client, config, database: sample.database.db }
})
afterAll(() => sample.stop())

const until = (claim: () => boolean | Promise<boolean>) => vi.waitUntil(claim, { timeout: 45_000 })

function look(dag: Dag, from: string, to: string) {
  return lookForGaps(connections, dag, { nowMs: Date.now(), from, to, withAll: false })
}

async function kinds(dag: Dag, from: string, to: string) {
  const { counted } = await look(dag, from, to)
  return counted.map(({ date, kind }) => `${date} ${kind}`)
}

async function start(dag: Dag, date: string) {
  const { client, taskQueue } = sample.temporal
  return startRun(client, { dagId: dag.id, date, taskQueue })
}

async function isRowRunning(runKey: string): Promise<boolean> {
  const { rows } = await sample.database.db.query(
    `select 1 from audit.pipeline_runs where run_key = $1 and state = 'running'`,
    [runKey],
  )
  return rows.length > 0
}

describe('the ledger against the calendar', () => {
  test('names the dates that never ran between those that did, and the commands that run them', async () => {
    for (const date of ['2025-03-01', '2025-03-04']) {
      await (await start(dags.sampleChain, date)).result()
    }
    const found = await look(dags.sampleChain, '2025-03-01', '2025-03-06')
    expect(found.report).toMatchObject({ due: 6, done: 2, running: [] })
    expect(found.commands).toEqual([
      'daybook backfill 2025-03-02 2025-03-03 --dag sample_chain',
      'daybook backfill 2025-03-05 2025-03-06 --dag sample_chain',
    ])
  })

  test('names a failed date with what failed', async () => {
    sample.broken.add('2025-04-02')
    const run = await start(dags.sampleChain, '2025-04-02')
    await expect(run.result()).rejects.toThrow()
    const { counted } = await look(dags.sampleChain, '2025-04-02', '2025-04-02')
    expect(counted).toMatchObject([{ kind: 'failed', reason: expect.stringContaining('first') }])
  })

  test('a run that is reset and goes on is running, not half done', async () => {
    const date = '2025-05-11'
    const { client } = sample.temporal
    const run = await start(dags.sampleGate, date)
    await until(() => sample.gates.has(date))
    sample.gates.delete(date)
    await resetRun(sample.temporal, run.workflowId)
    await until(() => sample.gates.has(date))
    expect((await look(dags.sampleGate, date, date)).report.running).toEqual([date])
    sample.gates.get(date)?.()
    await client.workflow.getHandle(run.workflowId).result()
    expect(await kinds(dags.sampleGate, date, date)).toEqual([])
  })

  test('a tick that waits for a worker has no run yet, and is running', async () => {
    const { client } = sample.temporal
    const date = '2025-05-22'
    const workflowId = 'sample_chain-2025-05-23T02:00:00Z'
    const tick = await client.workflow.start('sample_chain', {
      ...{ workflowId, taskQueue: 'nobody-polls' },
    })
    await until(async () => (await look(dags.sampleChain, date, date)).report.running.length === 1)
    await tick.terminate()
    // The server's list of executions may lag behind.
    await until(async () => (await kinds(dags.sampleChain, date, date)).length > 0)
    expect(await kinds(dags.sampleChain, date, date)).toEqual([`${date} missing`])
  })

  test('a start that waits for a worker has no row yet, and is running', async () => {
    const { client } = sample.temporal
    const date = '2025-05-21'
    const run = await startRun(client, { dagId: 'sample_chain', date, taskQueue: 'nobody-polls' })
    const reportOf = async () => (await look(dags.sampleChain, date, date)).report
    await until(async () => (await reportOf()).running.length > 0)
    await run.terminate()
    expect(await kinds(dags.sampleChain, date, date)).toEqual([`${date} missing`])
  })
})

describe('filling', () => {
  test('closes missing, failed and half-done dates, and leaves the done ones alone', async () => {
    await (await start(dags.sampleChain, '2025-06-02')).result()
    sample.broken.add('2025-06-03')
    const failing = await start(dags.sampleChain, '2025-06-03')
    await expect(failing.result()).rejects.toThrow()
    sample.broken.delete('2025-06-03')
    sample.calls.length = 0
    const before = await look(dags.sampleChain, '2025-06-01', '2025-06-04')
    expect(before.counted.map(({ kind }) => kind)).toEqual(['missing', 'failed', 'missing'])

    const outcomes = await fillGaps(connections, before)
    expect(outcomes.map(({ backfill, state }) => [backfill, state])).toEqual([
      ['backfill/sample_chain/2025-06-01/2025-06-01', 'success'],
      ['backfill/sample_chain/2025-06-03/2025-06-04', 'success'],
    ])
    expect(await kinds(dags.sampleChain, '2025-06-01', '2025-06-04')).toEqual([])
    expect(sample.calls.filter((call) => call.startsWith('2025-06-02'))).toEqual([])
  })

  test('runs a terminated date to its end, whose row goes on saying running', async () => {
    const date = '2025-05-01'
    const run = await start(dags.sampleGate, date)
    await until(() => sample.gates.has(date))
    const going = await look(dags.sampleGate, date, date)
    expect(going.report).toMatchObject({ due: 1, running: [date], gaps: [] })
    await run.terminate('pulled the plug')
    expect(await isRowRunning(run.workflowId)).toBe(true)
    const found = await look(dags.sampleGate, date, date)
    expect(found.counted).toMatchObject([
      { date, kind: 'half_done', reason: 'its row says running, but Temporal says terminated' },
    ])
    sample.gates.delete(date)
    const filling = fillGaps(connections, found)
    await until(() => sample.gates.has(date))
    sample.gates.get(date)?.()
    expect(await filling).toMatchObject([{ state: 'success' }])
    expect(await kinds(dags.sampleGate, date, date)).toEqual([])
  })

  test('says what failed, goes on with the next range, and the date stays a gap', async () => {
    sample.broken.add('2025-08-01')
    await (await start(dags.sampleChain, '2025-08-02')).result()
    const outcomes = await fillGaps(
      connections,
      await look(dags.sampleChain, '2025-08-01', '2025-08-03'),
    )
    expect(outcomes).toMatchObject([
      { state: 'failed', error: expect.stringContaining('1 of 1 days failed: 2025-08-01') },
      { state: 'success' },
    ])
    expect(await kinds(dags.sampleChain, '2025-08-01', '2025-08-03')).toEqual(['2025-08-01 failed'])
  })
})

describe('the reasons that Temporal knows', () => {
  const notes = async (dag: Dag) => (await look(dag, '2025-09-01', '2025-09-02')).notes.join('\n')

  test('a schedule that is not there, one made after the dates, one that is paused', async () => {
    const { client, taskQueue } = sample.temporal
    expect(await notes(dags.sampleBranch)).toContain('sample_branch is not in Temporal')
    await applySchedules(client, { temporal: { taskQueue } }, scheduleOf(dags.sampleBranch))
    expect(await notes(dags.sampleBranch)).toMatch(/was made at .* 2 of the missing days were due/)
    expect(await notes(dags.sampleBranch)).not.toContain('paused')
    const handle = client.schedule.getHandle('sample_branch')
    await handle.pause('until the supplier is back')
    expect(await notes(dags.sampleBranch)).toContain('paused ("until the supplier is back")')
    await handle.delete()
  })

  test('ticks that its overlap policy skipped', async () => {
    const { client, taskQueue } = sample.temporal
    const [schedule] = scheduleOf(dags.sampleGate)
    if (!schedule) return expect.fail('sample_gate has no schedule')
    const target = { temporal: { taskQueue: `${taskQueue}-unserved` } }
    await applySchedules(client, target, [{ ...schedule, overlap: 'SKIP' }])
    const handle = client.schedule.getHandle(schedule.id)
    await handle.trigger('SKIP')
    await until(async () => (await handle.describe()).info.runningActions.length > 0)
    await handle.trigger('SKIP')
    await until(async () => (await notes(dags.sampleGate)).includes('skipped 1 tick'))
    await handle.delete()
  })
})

describe('daybook gaps --fill', () => {
  let shop: DaybookWorker
  beforeAll(async () => {
    shop = await startDaybookWorker()
    const out = shop.landingDir
    await generateShop({ from: '2025-12-11', days: 2, orders: 300, events: 2000, out })
  })
  afterAll(() => shop.stop())

  const fill = (...args: string[]) => {
    const { address, namespace, taskQueue } = shop.temporal
    return runCli(['gaps', '--from', '2025-12-11', '--fill', ...args], {
      ...{ DATABASE_URL: shop.database.url, TEMPORAL_ADDRESS: address },
      ...{ TEMPORAL_NAMESPACE: namespace, TEMPORAL_TASK_QUEUE: taskQueue },
    })
  }

  test('books the missing days and exits with 0, and with 1 while a day cannot be booked', async () => {
    const filled = await fill('--to', '2025-12-12')
    expect(filled.stdout).toContain('backfill/ecommerce_daily/2025-12-11/2025-12-12: 2 days')
    expect(filled.stdout).toContain('no gaps, 2 of 2 due days are done')
    expect(filled.code).toBe(0)
    const again = await fill('--to', '2025-12-12', '--json')
    expect(JSON.parse(again.stdout)).toMatchObject({ due: 2, done: 2, gaps: [] })
    const withoutFiles = await fill('--to', '2025-12-13', '--json')
    expect(JSON.parse(withoutFiles.stdout)).toMatchObject({
      gaps: [{ date: '2025-12-13', kind: 'failed' }],
      backfills: [{ backfill: 'backfill/ecommerce_daily/2025-12-13/2025-12-13', state: 'failed' }],
    })
    expect(withoutFiles.code).toBe(1)
  })
})
