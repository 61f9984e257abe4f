import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Grant } from '../../platform/slot-admission.ts'
import type { SlotRequest } from '../../platform/slots.ts'
import { admitWaiting, releaseSlots, requestSlots } from '../../platform/slots.ts'
import { createDatabase } from '../../platform/database.ts'
import type { TestDatabase } from '../support/servers.ts'
import { testDatabase } from '../support/servers.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await testDatabase()
})
afterAll(() => database.drop())
beforeEach(() => database.db.query('truncate audit.pools, audit.slot_requests'))

const neverReserve = 3_600_000

function request(runId: string, changes: Partial<SlotRequest> = {}): SlotRequest {
  return {
    ...{ runId, taskId: 'load', workflowId: `shop/${runId}`, pool: 'warehouse', slots: 1 },
    ...{ priority: 1, date: '2025-12-13', mapIndex: -1, poolSlots: 128, ...changes },
  }
}

const ask = (runId: string, changes?: Partial<SlotRequest>, reserveAfterMs = neverReserve) =>
  requestSlots(database.db, request(runId, changes), reserveAfterMs)

const giveBack = async (runId: string, reserveAfterMs = neverReserve) =>
  idsOf((await releaseSlots(database.db, { runId }, reserveAfterMs)).granted)

const idsOf = (granted: Grant[]) => granted.map(({ runId }) => runId).sort()

async function setPool(slots: number, pool = 'warehouse') {
  await database.db.query(
    `insert into audit.pools (pool, slots) values ($1, $2)
     on conflict (pool) do update set slots = excluded.slots`,
    [pool, slots],
  )
}

async function used(pool = 'warehouse'): Promise<number> {
  const { rows } = await database.db.query(
    `select coalesce(sum(slots), 0) as used from audit.slot_requests
     where pool = $1 and granted_at is not null`,
    [pool],
  )
  return rows[0].used
}

/** Many requests at once, without the turns of admission that asking for each would take. */
async function queue(count: number, pool: string, poolSlots: number) {
  await database.db.query(
    `insert into audit.slot_requests
       (run_id, task_id, workflow_id, pool, slots, priority, logical_date, pool_slots)
     select $2 || number, '', 'shop/' || number, $2, 1, 1, '2025-12-13', $3
     from generate_series(1, $1::int) as number`,
    [count, pool, poolSlots],
  )
}

describe('the slots of a pool', () => {
  test('are taken by what a task asks for, and come back when it gives them back', async () => {
    await setPool(5)
    expect(await ask('a', { slots: 3 })).toEqual({ isGranted: true, granted: [] })
    expect(await ask('b', { slots: 2 })).toEqual({ isGranted: true, granted: [] })
    expect(await ask('c')).toEqual({ isGranted: false, granted: [] })
    expect(await used()).toBe(5)
    const { granted } = await releaseSlots(database.db, { runId: 'a', taskId: 'load' })
    expect(granted).toEqual([{ runId: 'c', taskId: 'load', workflowId: 'shop/c', isTold: true }])
    expect(await used()).toBe(3)
  })

  test('are as many as the newest request says where nobody set the pool', async () => {
    await ask('a', { poolSlots: 1 })
    expect((await ask('b', { poolSlots: 1 })).isGranted).toBe(false)
    expect(await ask('c', { poolSlots: 3 })).toMatchObject({
      isGranted: true,
      granted: [{ runId: 'b' }],
    })
  })

  test('have no limit at -1', async () => {
    await setPool(-1)
    for (const runId of ['a', 'b', 'c']) {
      expect((await ask(runId, { slots: 1_000_000 })).isGranted).toBe(true)
    }
  })

  test('let waiting ones in when there are more', async () => {
    await setPool(1)
    for (const runId of ['a', 'b', 'c', 'd']) await ask(runId)
    await setPool(3)
    expect(idsOf(await admitWaiting(database.db, 'warehouse'))).toEqual(['b', 'c'])
  })

  test('are taken away from nobody when there are fewer', async () => {
    await setPool(3)
    for (const runId of ['a', 'b', 'c', 'd']) await ask(runId)
    await setPool(1)
    expect(await giveBack('a')).toEqual([])
    expect(await giveBack('b')).toEqual([])
    expect(await giveBack('c')).toEqual(['d'])
  })
})

test('slots are given back by the latest try that asked, not by one that was given up', async () => {
  await setPool(1)
  await ask('a', { holder: '0/1' })
  await ask('b', { isTold: false })
  expect((await ask('a', { holder: '0/2' })).isGranted).toBe(true)
  const give = (holder: string) =>
    releaseSlots(database.db, { runId: 'a', taskId: 'load', holder }, neverReserve)
  expect(await give('0/1')).toEqual({ granted: [] })
  expect(await give('0/2')).toMatchObject({ granted: [{ runId: 'b', isTold: false }] })
})

describe('a request', () => {
  test('made twice is one, in its first place', async () => {
    await setPool(1)
    for (const runId of ['a', 'b', 'c', 'b']) await ask(runId)
    expect((await ask('a')).isGranted).toBe(true)
    expect(await giveBack('a')).toEqual(['b'])
    expect(await giveBack('b')).toEqual(['c'])
    expect(await giveBack('b')).toEqual([])
  })

  test('is not granted by asking again while there is no room', async () => {
    await setPool(1)
    await ask('a')
    expect((await ask('b')).isGranted).toBe(false)
    expect((await ask('b')).isGranted).toBe(false)
    expect(await used()).toBe(1)
  })

  test('for more than the whole pool is refused, with pool, size and remedy', async () => {
    await setPool(4)
    await expect(ask('a', { slots: 5 })).rejects.toThrow(
      'load asks for 5 slots of the pool warehouse, which has 4 in all: give it more with ' +
        '`daybook pools set warehouse 5`, or ask for fewer',
    )
    expect((await ask('b', { slots: 4 })).isGranted).toBe(true)
  })

  test('that became larger than its pool holds up nobody', async () => {
    await setPool(5)
    await ask('a', { slots: 5 })
    await ask('large', { slots: 4 }, 0)
    await ask('small', {}, 0)
    await setPool(3)
    expect(await giveBack('a', 0)).toEqual(['small'])
  })

  test('of a whole run goes from every pool, and what waited there is let in', async () => {
    await setPool(1, 'one')
    await setPool(1, 'other')
    for (const runId of ['a', 'b']) {
      await ask(runId, { pool: 'one', taskId: 'load' })
      await ask(runId, { pool: 'other', taskId: 'mail' })
    }
    const { granted } = await releaseSlots(database.db, { runId: 'a' })
    expect(granted.map(({ runId, taskId }) => [runId, taskId])).toEqual([
      ['b', 'load'],
      ['b', 'mail'],
    ])
  })
})

test('the order is priority, then logical date, then map index, then who asked first', async () => {
  await setPool(1)
  await ask('holder')
  await ask('last')
  await ask('after-last')
  await ask('mapped-2', { mapIndex: 2, date: '2025-12-12' })
  await ask('mapped-1', { mapIndex: 1, date: '2025-12-12' })
  await ask('older', { date: '2025-12-01' })
  await ask('urgent', { priority: 7, date: '2025-12-31' })
  const order: string[] = []
  for (let next: string | undefined = 'holder'; next !== undefined;) {
    ;[next] = await giveBack(next)
    if (next !== undefined) order.push(next)
  }
  expect(order).toEqual(['urgent', 'older', 'mapped-1', 'mapped-2', 'last', 'after-last'])
})

describe('a request for many slots', () => {
  test('is passed over by those that fit', async () => {
    await setPool(10)
    for (let at = 0; at < 8; at += 1) await ask(`small-${at}`)
    expect((await ask('large', { slots: 10 })).isGranted).toBe(false)
    expect((await ask('small-8')).isGranted).toBe(true)
    expect((await ask('middle', { slots: 2 })).isGranted).toBe(false)
    expect(await giveBack('small-0')).toEqual(['middle'])
  })

  test('at the head of an endless stream of small ones starts when those before it have ended', async () => {
    await setPool(10)
    const running: string[] = []
    let made = 0
    const startSmall = async () => {
      const runId = `small-${(made += 1)}`
      if ((await ask(runId, {}, 0)).isGranted) running.push(runId)
    }
    for (let at = 0; at < 10; at += 1) await startSmall()
    await ask('large', { slots: 10 }, 0)
    const runningBefore = [...running]
    for (const runId of runningBefore) {
      await startSmall()
      const granted = await giveBack(runId, 0)
      expect(granted).toEqual(runId === runningBefore.at(-1) ? ['large'] : [])
    }
    expect(running).toEqual(runningBefore)
    // All that were asked for meanwhile start when it has ended.
    expect(await giveBack('large', 0)).toHaveLength(10)
  })

  test('has slots held for it only when it has waited at the head long enough', async () => {
    await setPool(2)
    await ask('a')
    await ask('large', { slots: 2 }, 1_000)
    expect((await ask('b', {}, 1_000)).isGranted).toBe(true)
    await database.db.query(`update audit.slot_requests
      set head_at = head_at - interval '1 second' where run_id = 'large'`)
    await ask('c', {}, 1_000)
    expect(await giveBack('b', 1_000)).toEqual([])
    expect(await giveBack('a', 1_000)).toEqual(['large'])
  })
})

describe('no pool waits for another', () => {
  test('one turn fills a free pool of 100 beside 1,000 that wait for a full one', async () => {
    await setPool(1, 'full')
    await ask('holder', { pool: 'full', date: '2025-01-01' })
    await queue(1_000, 'full', 1)
    await queue(100, 'free', 100)
    expect(await admitWaiting(database.db, 'free')).toHaveLength(100)
    expect(await admitWaiting(database.db, 'full')).toEqual([])
    expect(await used('full')).toBe(1)
  })

  test("10,000 runs that wait for one DAG's places do not delay another DAG's first", async () => {
    await ask('holder', { pool: 'dag:busy', poolSlots: 1, date: '2025-01-01' })
    await queue(10_000, 'dag:busy', 1)
    const startedMs = performance.now()
    expect((await ask('first', { pool: 'dag:idle', poolSlots: 1 })).isGranted).toBe(true)
    expect(performance.now() - startedMs).toBeLessThan(1_000)
    // A turn of the busy pool does not grow with its queue either.
    const turnMs = performance.now()
    expect(await giveBack('holder')).toHaveLength(1)
    expect(performance.now() - turnMs).toBeLessThan(1_000)
  })
})

test('50 connections that ask and give back at once never hold more than the pool has', async () => {
  const slots = 7
  await setPool(slots)
  const many = createDatabase(database.url, 50)
  const waiting = new Map<string, () => void>()
  const early = new Set<string>()
  const tell = (granted: Grant[]) => {
    for (const { runId } of granted) {
      const wake = waiting.get(runId)
      if (wake === undefined) early.add(runId)
      else wake()
    }
  }
  const told = (runId: string) =>
    new Promise<void>((resolve) => (early.has(runId) ? resolve() : waiting.set(runId, resolve)))
  let served = 0
  const work = async (at: number) => {
    for (let round = 0; round < 10; round += 1) {
      const runId = `worker-${at}-${round}`
      const wanted = request(runId, { slots: 1 + ((at + round) % 4), priority: at % 3 })
      const { isGranted, granted } = await requestSlots(many, wanted, 20)
      tell(granted)
      if (!isGranted) await told(runId)
      const { rows } = await many.query(`select sum(slots) as used from audit.slot_requests
        where pool = 'warehouse' and granted_at is not null`)
      expect(rows[0].used).toBeLessThanOrEqual(slots)
      served += 1
      tell((await releaseSlots(many, { runId }, 20)).granted)
    }
  }
  try {
    await Promise.all(Array.from({ length: 50 }, (_, at) => work(at)))
  } finally {
    await many.end()
  }
  expect(served).toBe(500)
  const { rows } = await database.db.query('select count(*) as count from audit.slot_requests')
  expect(rows).toEqual([{ count: 0 }])
})
