import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { SlotRequest } from '../../platform/slots.ts'
import { requestSlots } from '../../platform/slots.ts'
import { runCli } from '../support/run-cli.ts'
import type { TestDatabase } from '../support/servers.ts'
import { testDatabase } from '../support/servers.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await testDatabase()
})
afterAll(() => database.drop())
beforeEach(() => database.db.query('truncate audit.pools, audit.slot_requests'))

const daybook = (...args: string[]) => runCli(['pools', ...args], { DATABASE_URL: database.url })

async function poolsAsJson() {
  const { stdout, code } = await daybook('--json')
  expect(code).toBe(0)
  return JSON.parse(stdout)
}

const ask = (date: string, changes: Partial<SlotRequest> = {}) =>
  requestSlots(database.db, {
    ...{ runId: date, taskId: 'load', workflowId: `shop/${date}`, pool: 'warehouse', slots: 1 },
    ...{ priority: 1, date, mapIndex: -1, poolSlots: 128, ...changes },
  })

test('without pools and requests it says so', async () => {
  const { stdout, code } = await daybook()
  expect(stdout).toBe('No pool is set, and nothing asks for slots.\n')
  expect(code).toBe(0)
})

test('pools are listed with size, use, queue and the head of the queue', async () => {
  await daybook('set', 'warehouse', '3', '--description', 'connections')
  await ask('2025-12-01', { slots: 2 })
  await ask('2025-12-03', { slots: 2, priority: 1 })
  await ask('2025-12-02', { slots: 2, priority: 9 })
  await ask('2025-12-04', { pool: 'dag:shop', taskId: '', poolSlots: 1, runId: 'a' })
  await ask('2025-12-05', { pool: 'dag:shop', taskId: '', poolSlots: 1, runId: 'b' })
  await ask('2025-12-06', { pool: 'free', poolSlots: -1, runId: 'c' })
  const { stdout } = await daybook()
  expect(stdout).toMatch(/^pool +slots +used +waiting +head of the queue +description$/m)
  expect(stdout).toMatch(
    /^warehouse +3 +2 +2 +shop\/2025-12-02 load \(2, since .{19}\) +connections$/m,
  )
  expect(stdout).toMatch(/^dag:shop +1 +1 +1 +shop\/2025-12-05 \(1, since/m)
  expect(stdout).toMatch(/^free +unlimited +1 +0 +- +-$/m)
  expect(await poolsAsJson()).toMatchObject([
    { pool: 'dag:shop', slots: 1, used: 1, waiting: 1, isSet: false },
    { pool: 'free', slots: -1, used: 1, waiting: 0, head: null },
    {
      ...{ pool: 'warehouse', slots: 3, used: 2, waiting: 2, isSet: true },
      head: { runKey: 'shop/2025-12-02', taskId: 'load', slots: 2, priority: 9 },
    },
  ])
})

describe('set', () => {
  test('gives a size, keeps the description unless told, and lets in what fits now', async () => {
    await daybook('set', 'warehouse', '1', '--description', 'connections')
    for (const date of ['2025-12-01', '2025-12-02', '2025-12-03']) await ask(date)
    const { stdout, code } = await daybook('set', 'warehouse', '2')
    expect(stdout).toBe('The pool warehouse has 2 slots now; 1 that waited start within seconds\n')
    expect(code).toBe(0)
    const json = await daybook('set', 'warehouse', '-1', '--json')
    expect(JSON.parse(json.stdout)).toMatchObject({
      ...{ pool: 'warehouse', slots: -1, used: 3, waiting: 0, description: 'connections' },
      ...{ admitted: 1, tooLarge: 0 },
    })
  })

  test('warns of what waits and asks for more than the pool has then', async () => {
    await daybook('set', 'warehouse', '4')
    await ask('2025-12-01', { slots: 4 })
    await ask('2025-12-02', { slots: 4 })
    const { stdout } = await daybook('set', 'warehouse', '3')
    expect(stdout).toContain('1 that wait ask for more than 3 slots: their tasks will fail.')
  })

  test('takes "unlimited" for no limit', async () => {
    const { stdout } = await daybook('set', 'warehouse', 'unlimited')
    expect(stdout).toBe('The pool warehouse has no limit now\n')
  })
})

describe('delete', () => {
  test('gives a pool its default again, and lets in what fits then', async () => {
    await daybook('set', 'warehouse', '1')
    for (const date of ['2025-12-01', '2025-12-02']) await ask(date)
    const { stdout, code } = await daybook('delete', 'warehouse')
    expect(stdout).toContain('has its default size again; 1 that waited start within seconds')
    expect(code).toBe(0)
    expect(await poolsAsJson()).toMatchObject([{ pool: 'warehouse', slots: 128, used: 2 }])
  })

  test('of a pool that is not set is bad usage, with the remedy', async () => {
    const { stderr, code } = await daybook('delete', 'nothing')
    expect(stderr).toContain('The pool nothing is not set')
    expect(stderr).toContain('daybook pools')
    expect(code).toBe(2)
  })
})

test.each([
  [['set', 'warehouse', '0'], 'a whole number from 1 on, or -1 for no limit'],
  [['set', 'warehouse', '-2'], 'a whole number from 1 on, or -1 for no limit'],
  [['set', 'warehouse', 'many'], 'a whole number from 1 on, or -1 for no limit'],
  [['set', 'two words', '5'], 'letters, digits, and _ . : - only'],
  [['set', 'warehouse'], "missing required argument 'slots'"],
  [['enlarge', 'warehouse'], 'error:'],
])('pools %j is bad usage', async (args, message) => {
  const { stderr, code } = await daybook(...args)
  expect(stderr).toContain(message)
  expect(code).toBe(2)
})
