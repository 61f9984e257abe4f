import { once } from 'node:events'
import pg from 'pg'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { createDatabase } from '../../platform/database.ts'
import { withScratchDatabase } from '../../platform/scratch-database.ts'
import { startOwnPostgres } from '../support/own-postgres.ts'
import { startCli } from '../support/run-cli.ts'

// A server starts here while other files keep both cores busy.
vi.setConfig({ testTimeout: 180_000 })

const waitMs = { timeout: 60_000, interval: 50 }

// Of the file's own: what others have left on a server is swept.
let postgres: Awaited<ReturnType<typeof startOwnPostgres>>
beforeAll(async () => {
  postgres = await startOwnPostgres()
})
afterAll(() => postgres.drop())

function at(database: string): string {
  const url = new URL(postgres.url)
  url.pathname = database
  return url.href
}

async function scratchDatabases(): Promise<string[]> {
  const { rows } = await postgres.db.query<{ datname: string }>(
    `select datname from pg_database where datname like 'daybook_scratch%' order by datname`,
  )
  return rows.map(({ datname }) => datname)
}

test.each([
  ['SIGTERM', 143],
  ['SIGINT', 130],
] as const)(
  'contract mutate ended by %s drops its database and exits with %i',
  async (signal, exitCode) => {
    const { child, ended } = startCli(['contract', 'mutate', 'products'], {
      DATABASE_URL: postgres.url,
    })
    const isJudging = `select from pg_stat_activity where datname like 'daybook_scratch%'`
    await vi.waitUntil(async () => (await postgres.db.query(isJudging)).rowCount !== 0, waitMs)
    child.kill(signal)
    const { code, stderr } = await ended
    expect(await scratchDatabases()).toEqual([])
    expect(stderr).toContain(`Stopped by ${signal} before it was done`)
    expect(code).toBe(exitCode)
  },
)

test('work in a scratch database ends when the session of its owner is ended', async () => {
  const owners = `select pid from pg_locks
                  where locktype = 'advisory' and objsubid = 2`
  const working = withScratchDatabase(postgres.url, async (url, signal) => {
    await postgres.db.query(`select pg_terminate_backend(pid) from (${owners}) as owner`)
    await once(signal, 'abort')
    expect(await scratchDatabases()).toEqual([new URL(url).pathname.slice(1)])
    throw new Error('ended by the signal')
  })
  await expect(working).rejects.toThrow(/^The session that kept daybook_scratch_\w+ from being/)
  expect(await scratchDatabases()).toEqual([])
})

test('the owner of a scratch database may be idle for longer than sessions of its server', async () => {
  const database = new URL(postgres.url).pathname.slice(1)
  await postgres.db.query(`alter database ${database} set idle_session_timeout = '1s'`)
  try {
    await withScratchDatabase(postgres.url, async (url, signal) => {
      // Of the same limit, and begun later: it ends first when both have it.
      const other = new pg.Client(postgres.url)
      other.on('error', () => undefined)
      const ended = new Promise((resolve) => other.once('end', resolve))
      await other.connect()
      await ended
      expect(signal.aborted).toBe(false)
      expect(await scratchDatabases()).toEqual([new URL(url).pathname.slice(1)])
    })
  } finally {
    await postgres.db.query(`alter database ${database} reset idle_session_timeout`)
  }
})

test('a scratch database goes with its dead owner, not with a living one nor while somebody is connected', async () => {
  const [orphan, visited] = ['daybook_scratch_00000001', 'daybook_scratch_00000002']
  await postgres.db.query(`create database ${orphan}`)
  await postgres.db.query(`create database ${visited}`)
  const visitor = createDatabase(at(visited), 1)
  const visit = await visitor.connect()
  try {
    // Two at once, their owners in different databases of the server.
    await withScratchDatabase(at('postgres'), async (first) => {
      expect(await scratchDatabases()).not.toContain(orphan)
      await withScratchDatabase(postgres.url, async (second) => {
        const living = [first, second].map((url) => new URL(url).pathname.slice(1))
        expect(await scratchDatabases()).toEqual([visited, ...living].toSorted())
      })
    })
    expect(await scratchDatabases()).toEqual([visited])
  } finally {
    visit.release()
    await visitor.end()
  }
  await vi.waitUntil(async () => {
    await withScratchDatabase(postgres.url, async () => undefined)
    return (await scratchDatabases()).length === 0
  }, waitMs)
})
