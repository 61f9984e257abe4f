import { randomUUID } from 'node:crypto'
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import type { RequestListener, Server } from 'node:http'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { MockActivityEnvironment } from '@temporalio/testing'
import { DefaultLogger } from '@temporalio/worker'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createSensorActivities } from '../../activities/sensors.ts'
import type { TestDatabase } from '../support/servers.ts'
import { testDatabase } from '../support/servers.ts'
import { tempFolder } from '../support/temp-folder.ts'

const folder = tempFolder('sensors')
const landingDir = join(folder, 'incoming')

let database: TestDatabase
let look: ReturnType<typeof createSensorActivities>
beforeAll(async () => {
  database = await testDatabase()
  look = createSensorActivities({
    ...{ database: database.db, landingDir, sqlTimeoutMs: 200, httpTimeoutMs: 300 },
  })
})
afterAll(() => database.drop())

const inActivity = <Result>(work: () => Promise<Result>): Promise<Result> =>
  new MockActivityEnvironment({}, { logger: new DefaultLogger('ERROR') }).run(work)

describe('a file', () => {
  beforeAll(() => {
    mkdirSync(join(landingDir, 'orders', '2025-12-01'), { recursive: true })
    writeFileSync(join(landingDir, 'orders', '2025-12-01', 'orders.json'), '[]')
    writeFileSync(join(folder, 'secret'), 'secret')
    symlinkSync(join(folder, 'secret'), join(landingDir, 'link'))
    symlinkSync(folder, join(landingDir, 'away'))
    symlinkSync(join(landingDir, 'orders'), join(landingDir, 'inside'))
  })
  const path = 'orders/{date}/orders.json'

  test('is found when it is there', async () => {
    expect(await look.fileArrived({ path, date: '2025-12-02' })).toBe(false)
    expect(await look.fileArrived({ path: 'orders/2025-12-01' })).toBe(false)
    expect(await look.fileArrived({ path, date: '2025-12-01' })).toEqual({
      ...{ path: 'orders/2025-12-01/orders.json', bytes: 2 },
    })
    expect(await look.fileArrived({ path: 'inside/2025-12-01/orders.json' })).toMatchObject({
      bytes: 2,
    })
  })

  test.each([
    '../secret',
    'orders/../../secret',
    join(folder, 'secret'),
    '.',
    'link',
    'away/secret',
  ])('outside the landing folder is refused: %s', async (outside) => {
    const looking = look.fileArrived({ path: outside })
    await expect(looking).rejects.toMatchObject({ type: 'BadInput', nonRetryable: true })
    await expect(looking).rejects.toThrow('name a file inside that folder')
  })

  test('with a place for a date needs one', async () => {
    await expect(look.fileArrived({ path })).rejects.toThrow('hand on { date }')
  })
})

describe('a query', () => {
  const sql = 'select pool, slots from audit.pools where pool = $1'

  test('finds its first row when there is one', async () => {
    expect(await look.rowFound({ sql, values: ['warehouse'] })).toBe(false)
    await database.db.query(`insert into audit.pools values ('warehouse', 3)`)
    expect(await look.rowFound({ sql, values: ['warehouse'] })).toEqual({
      ...{ pool: 'warehouse', slots: 3 },
    })
  })

  test('looks for no row after the first', async () => {
    const rows = 'select 1 / (3 - number) as one from generate_series(1, 5) as number'
    expect(
      await look.rowFound({ sql: `${rows} where number > $1; -- from 1`, values: [1] }),
    ).toEqual({
      one: 1,
    })
  })

  test.each([
    `delete from audit.pools returning pool`,
    `with gone as (delete from audit.pools returning pool) select * from gone`,
    `commit; delete from audit.pools`,
    `selct 1`,
  ])('that no waiting makes right is refused: %s', async (wrong) => {
    await expect(look.rowFound({ sql: wrong })).rejects.toMatchObject({
      ...{ type: 'BadInput', nonRetryable: true },
    })
    const { rows } = await database.db.query('select pool from audit.pools')
    expect(rows).toHaveLength(1)
  })

  test('that takes too long is stopped, and may be asked again', async () => {
    const looking = look.rowFound({ sql: 'select pg_sleep(60)' })
    await expect(looking).rejects.toMatchObject({ code: '57014' })
    expect(await look.rowFound({ sql: 'select 1 as one' })).toEqual({ one: 1 })
  })
})

describe('an address', () => {
  let server: Server
  let base = ''
  const answer: RequestListener = ({ url = '' }, response) => {
    if (url === '/slow') return
    const to = new URLSearchParams(url.split('?')[1]).get('to')
    const location = url === '/loop' ? url : to
    if (location !== null) response.writeHead(302, { location })
    else response.writeHead(Number(url.slice(1)))
    response.end('body')
  }
  beforeAll(async () => {
    server = createServer(answer)
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const address = server.address()
    if (address === null || typeof address === 'string') throw new Error('no port')
    base = `http://127.0.0.1:${address.port}`
  })
  afterAll(() => {
    server.closeAllConnections()
    server.close()
  })
  const ask = (path: string) => inActivity(() => look.urlAnswers({ url: `${base}${path}` }))

  test('answers when its status is one of success', async () => {
    expect(await ask('/200')).toEqual({ status: 200 })
    expect(await ask('/204')).toEqual({ status: 204 })
    expect(await ask('/404')).toBe(false)
    expect(await ask('/503')).toBe(false)
    const withDate = inActivity(() =>
      look.urlAnswers({ url: `${base}/?to=/200&date={date}`, date: '2025-12-01' }),
    )
    expect(await withDate).toEqual({ status: 200 })
  })

  test('may lead to another of http, but to no other scheme', async () => {
    expect(await ask('/?to=/404')).toBe(false)
    for (const to of ['file:///etc/passwd', 'ftp://localhost/a', 'data:text/plain,a']) {
      const asking = ask(`/?to=${encodeURIComponent(to)}`)
      await expect(asking).rejects.toMatchObject({ type: 'BadInput', nonRetryable: true })
    }
    await expect(ask('/loop')).rejects.toThrow('was redirected more than 5 times')
  })

  test('is told without its keys', async () => {
    const secret = (url: string) => `${url.replace('//', '//canary-1:canary-2@')}?key=canary-3`
    for (const [url, message] of [
      [secret(`${base}/200`), 'which a sensor does not send'],
      [secret('ftp://localhost/a'), 'which is no address of http:'],
      [secret('http://[x/a'), 'which is no address of http:'],
      [secret(`${base}/{date}`), 'has a place for a date and got none'],
    ] as const) {
      const asking = inActivity(() => look.urlAnswers({ url }))
      await expect(asking).rejects.toMatchObject({
        ...{ type: 'BadInput', nonRetryable: true },
        message: expect.stringContaining(message),
      })
      const error = await asking.then(String, (reason: unknown) => inspect(reason))
      expect(error).not.toContain('canary')
    }
  })

  test('that is none is refused, and one that is silent is asked again', async () => {
    const none = inActivity(() => look.urlAnswers({ url: 'file:///etc/passwd' }))
    await expect(none).rejects.toMatchObject({ type: 'BadInput' })
    await expect(ask('/slow')).rejects.toMatchObject({ name: 'TimeoutError' })
  })
})

describe('a run of another DAG', () => {
  const dagId = 'other'
  const date = '2025-12-01'
  const row = (state: string, startedAt: string) =>
    database.db.query(
      `insert into audit.pipeline_runs
         (run_id, run_key, dag_id, logical_date, trigger, state, started_at, graph)
       values ($1, 'other/2025-12-01', $2, $3, 'cli', $4, $5, '{}')`,
      [randomUUID(), dagId, date, state, startedAt],
    )

  test('has succeeded when the latest one of the date has', async () => {
    expect(await look.runSucceeded({ dagId, date })).toBe(false)
    await row('failed', '2025-12-02 02:00')
    expect(await look.runSucceeded({ dagId, date })).toBe(false)
    await row('success', '2025-12-02 03:00')
    expect(await look.runSucceeded({ dagId, date })).toMatchObject({ runKey: 'other/2025-12-01' })
    await row('running', '2025-12-02 04:00')
    expect(await look.runSucceeded({ dagId, date })).toBe(false)
    expect(await look.runSucceeded({ dagId, date: '2025-12-02' })).toBe(false)
  })
})
