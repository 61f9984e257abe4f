import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import type { WorkflowFailedError, WorkflowHandleWithFirstExecutionRunId } from '@temporalio/client'
import { ApplicationFailure } from '@temporalio/common'
import { DefaultLogger, Runtime, Worker } from '@temporalio/worker'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import type { SlotInput } from '../../activities/slots.ts'
import { createSlotActivities } from '../../activities/slots.ts'
import type { TestDatabase, TestTemporal } from '../support/servers.ts'
import { testDatabase, testTemporal } from '../support/servers.ts'
import type { waits_for_slots } from './slot-workflows.ts'

Runtime.install({ logger: new DefaultLogger('ERROR') })

/** Long enough that only what a test does itself makes an execution worth a look. */
const neverCheckMs = 3_600_000

let database: TestDatabase
let temporal: TestTemporal
let activities: ReturnType<typeof createSlotActivities>
beforeAll(async () => {
  ;[database, temporal] = await Promise.all([testDatabase(), testTemporal()])
  activities = slotActivities(neverCheckMs)
})
afterAll(async () => {
  await temporal.close()
  await database.drop()
})

const slotActivities = (pollIntervalMs: number) =>
  createSlotActivities({ database: database.db, client: temporal.client, pollIntervalMs })

interface Run {
  handle: WorkflowHandleWithFirstExecutionRunId
  wanted(changes?: Partial<SlotInput>): SlotInput
}

/** An execution that no worker serves: it runs until it is ended, and keeps the signals it gets. */
async function startRun(pool: string): Promise<Run> {
  const handle = await temporal.client.workflow.start('run_without_worker', {
    ...{ workflowId: `shop/${randomUUID()}`, taskQueue: 'nobody' },
  })
  const { workflowId, firstExecutionRunId: runId } = handle
  const key = { runId, workflowId, taskId: 'load', pool }
  const wanted = (changes: Partial<SlotInput> = {}) => ({
    ...{ ...key, slots: 1, priority: 1, date: '2025-12-13', poolSlots: 1, ...changes },
  })
  return { handle, wanted }
}

const startTwo = (pool: string) => Promise.all([startRun(pool), startRun(pool)])
const startThree = (pool: string) => Promise.all([startRun(pool), startRun(pool), startRun(pool)])

async function signalsOf({ handle }: Run): Promise<unknown[]> {
  const { events } = await handle.fetchHistory()
  return (events ?? []).flatMap(({ workflowExecutionSignaledEventAttributes: signal }) => {
    if (!signal) return []
    const [argument] = signal.input?.payloads ?? []
    return [[signal.signalName, JSON.parse(Buffer.from(argument?.data ?? []).toString())]]
  })
}

async function failureOf(work: Promise<unknown>): Promise<ApplicationFailure> {
  const error = await work.then(
    () => expect.fail('it did not fail'),
    (caught: unknown) => caught,
  )
  expect(error).toBeInstanceOf(ApplicationFailure)
  return error as ApplicationFailure
}

async function holders(pool: string): Promise<string[]> {
  const { rows } = await database.db.query(
    `select run_id from audit.slot_requests where pool = $1 and granted_at is not null`,
    [pool],
  )
  return rows.map((row) => row.run_id)
}

const runIdOf = ({ handle }: Run) => handle.firstExecutionRunId

describe('who gets slots later', () => {
  test('is told by a signal that names the task, once, and nobody else is', async () => {
    const [first, second, third] = await startThree('told')
    expect(await activities.requestSlots(first.wanted())).toEqual({ isGranted: true })
    expect(await activities.requestSlots(second.wanted())).toEqual({ isGranted: false })
    expect(await activities.requestSlots(third.wanted())).toEqual({ isGranted: false })
    await activities.releaseSlots({ runId: runIdOf(first), taskId: 'load' })
    expect(await signalsOf(second)).toEqual([['slots_granted', 'load']])
    await activities.releaseSlots({ runId: runIdOf(first) })
    expect(await signalsOf(second)).toHaveLength(1)
    expect([await signalsOf(first), await signalsOf(third)]).toEqual([[], []])
  })

  test("gets a run's own place among the active runs of its DAG in the same way", async () => {
    const [first, second] = await startTwo('dag:shop')
    await activities.requestSlots(first.wanted({ taskId: '' }))
    await activities.requestSlots(second.wanted({ taskId: '' }))
    await activities.releaseSlots({ runId: runIdOf(first) })
    expect(await signalsOf(second)).toEqual([['slots_granted', '']])
  })

  test('and was terminated while it waited, is passed over for the next', async () => {
    const [first, gone, next] = await startThree('gone')
    for (const run of [first, gone, next]) await activities.requestSlots(run.wanted())
    await gone.handle.terminate()
    await activities.releaseSlots({ runId: runIdOf(first) })
    expect(await holders('gone')).toEqual([runIdOf(next)])
    expect(await signalsOf(next)).toEqual([['slots_granted', 'load']])
  })
})

describe('a run that waits', () => {
  test('is asked to look again while holders run', async () => {
    const [first, second] = await startTwo('waits')
    await activities.requestSlots(first.wanted())
    await activities.requestSlots(second.wanted())
    const failure = await failureOf(slotActivities(0).awaitSlots(second.wanted()))
    expect(failure).toMatchObject({ type: 'SlotsNotFree', nonRetryable: false })
    expect(failure.message).toBe('1 slots of the pool waits are not free yet: 1 of 1 are taken')
    expect(await holders('waits')).toEqual([runIdOf(first)])
  })

  test('goes on when it has its slots, though it was never told', async () => {
    const [first, second] = await startTwo('quiet')
    await activities.requestSlots(first.wanted())
    await activities.requestSlots(second.wanted())
    await activities.releaseSlots({ runId: runIdOf(first) })
    await expect(activities.awaitSlots(second.wanted())).resolves.toBeUndefined()
  })

  test('asks anew when its request is gone', async () => {
    const only = await startRun('anew')
    await expect(activities.awaitSlots(only.wanted())).resolves.toBeUndefined()
    expect(await holders('anew')).toEqual([runIdOf(only)])
  })

  test('gets the slots of a holder that was terminated, and others are told of theirs', async () => {
    const [holder, second, third] = await startThree('ended')
    await activities.requestSlots(holder.wanted({ slots: 2, poolSlots: 2 }))
    for (const run of [second, third]) await activities.requestSlots(run.wanted({ poolSlots: 2 }))
    await holder.handle.terminate()
    await expect(slotActivities(0).awaitSlots(third.wanted())).resolves.toBeUndefined()
    expect((await holders('ended')).sort()).toEqual([runIdOf(second), runIdOf(third)].sort())
    expect(await signalsOf(second)).toEqual([['slots_granted', 'load']])
  })

  test('does not look again at a holder that somebody looked at just now', async () => {
    const [holder, second] = await startTwo('looked-at')
    await activities.requestSlots(holder.wanted())
    await activities.requestSlots(second.wanted())
    await holder.handle.terminate()
    await failureOf(slotActivities(neverCheckMs).awaitSlots(second.wanted()))
    expect(await holders('looked-at')).toEqual([runIdOf(holder)])
  })

  test('fails for good when its pool was made smaller than what it asks for', async () => {
    const [holder, large] = await startTwo('shrunk')
    await activities.requestSlots(holder.wanted({ poolSlots: 4 }))
    await activities.requestSlots(large.wanted({ slots: 4, poolSlots: 4 }))
    await database.db.query(`insert into audit.pools (pool, slots) values ('shrunk', 3)`)
    const failure = await failureOf(activities.awaitSlots(large.wanted({ slots: 4 })))
    expect(failure).toMatchObject({ type: 'PoolTooSmall', nonRetryable: true })
  })
})

test('a request for more than the whole pool fails for good, with the remedy', async () => {
  const run = await startRun('small')
  const failure = await failureOf(activities.requestSlots(run.wanted({ slots: 2 })))
  expect(failure).toMatchObject({ type: 'PoolTooSmall', nonRetryable: true })
  expect(failure.message).toContain('daybook pools set small 2')
})

describe('on a worker', () => {
  const intervalMs = 200
  let worker: Worker
  let running: Promise<void>
  beforeAll(async () => {
    const { nativeConnection, namespace, taskQueue } = temporal
    worker = await Worker.create({
      ...{ connection: nativeConnection, namespace, taskQueue },
      workflowsPath: join(import.meta.dirname, 'slot-workflows.ts'),
      activities: slotActivities(intervalMs),
    })
    running = worker.run()
  })
  afterAll(async () => {
    worker.shutdown()
    await running
  })

  const start = (pool: string, slots: number) =>
    temporal.client.workflow.start<typeof waits_for_slots>('waits_for_slots', {
      ...{ workflowId: randomUUID(), taskQueue: temporal.taskQueue, args: [pool, slots] },
    })

  test('one that waits goes on when the holder was terminated, and its looks cost no event', async () => {
    const holder = await startRun('served')
    await activities.requestSlots(holder.wanted({ slots: 128, poolSlots: 128 }))
    const waiter = await start('served', 128)
    const looks = async () => {
      const { raw } = await waiter.describe()
      return raw.pendingActivities?.[0]?.attempt ?? 0
    }
    await vi.waitFor(async () => expect(await looks()).toBeGreaterThan(3), 30_000)
    const { historyLength } = await waiter.describe()
    expect(historyLength).toBeLessThanOrEqual(6)
    await holder.handle.terminate()
    await expect(waiter.result()).resolves.toBe(true)
  })

  test('one that asks for too much fails at once', async () => {
    const waiter = await start('served', 129)
    const error = await waiter.result().then(
      () => expect.fail('it did not fail'),
      (caught: WorkflowFailedError) => caught,
    )
    expect(error.cause).toMatchObject({ type: 'PoolTooSmall' })
  })
})
