import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { differencesOf, readBooks } from '../../chaos/books.ts'
import { findDoubles, findLeftovers, findProcessesOf } from '../../chaos/leftovers.ts'
import { accountForMails } from '../../chaos/mails.ts'
import type { TestDatabase } from '../support/servers.ts'
import { testDatabase } from '../support/servers.ts'
import { tempFolder } from '../support/temp-folder.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await testDatabase()
})
afterAll(() => database.drop())

const run = `insert into audit.pipeline_runs
  (run_id, run_key, dag_id, logical_date, trigger, state, graph)
  values ('r1', 'shop/2025-12-11', 'shop', '2025-12-11', 'cli', 'running', '{}')`
const attempt = `insert into audit.task_runs (run_id, task_id, attempt, run_key, state, worker)
  values ('r1', 'publish', 2, 'shop/2025-12-11', 'running', 'w')`
const slots = `insert into audit.slot_requests
  (run_id, task_id, workflow_id, pool, slots, priority, logical_date, pool_slots)
  values ('r1', 'publish', 'shop/2025-12-11', 'few', 1, 1, '2025-12-11', 4)`
const backfill = `insert into audit.backfills (backfill_id, workflow_id, dag_id, state, input, started_at)
  values ('b1', 'backfill/shop', 'shop', 'running', '{}', now())`

test.each([
  ['a lock', 'lock table audit.pools in share mode', ['lock held: ShareLock of audit.pools']],
  ['a temporary table', 'create temp table seen (id int)', ['temporary table: seen']],
  [
    'a candidate',
    'create table staging.orders_candidate_20251211 (id int)',
    ['candidate table: staging.orders_candidate_20251211'],
  ],
  ['a build', 'create schema next_shop_20251211', ['build schema: next_shop_20251211']],
  ['slots', slots, ['slot request: shop/2025-12-11 publish of few']],
  ['a run', run, ['unfinished run: shop/2025-12-11 running']],
  ['an attempt', attempt, ['unfinished attempt: shop/2025-12-11 publish 2']],
  ['a backfill', backfill, ['unfinished backfill: backfill/shop']],
])('%s that is left over is named', async (_, plant, named) => {
  const client = await database.db.connect()
  try {
    await client.query('begin')
    expect(await findLeftovers(client)).toEqual([])
    await client.query(plant)
    // Its own locks are seen by others, what it has not committed by itself.
    const seen = [...(await findLeftovers(client)), ...(await findLeftovers(database.db))]
    expect(seen).toEqual(expect.arrayContaining(named))
  } finally {
    await client.query('rollback')
    client.release()
  }
})

test('a transaction that somebody left open is named', async () => {
  const client = await database.db.connect()
  await client.query('begin')
  expect(await findLeftovers(database.db)).toContain('idle transaction: begin')
  await client.query('rollback')
  client.release()
  expect(await findLeftovers(database.db)).toEqual([])
})

test.runIf(process.platform === 'linux')(
  'a process that works in the folder is named until it has ended',
  async () => {
    const folder = tempFolder('left')
    const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { cwd: folder })
    await once(child, 'spawn')
    expect(await findProcessesOf(folder)).toEqual([expect.stringMatching(`^${child.pid} `)])
    child.kill('SIGKILL')
    await once(child, 'exit')
    expect(await findProcessesOf(folder)).toEqual([])
  },
)

test('mails are lost, unsent or unknown by name, and repeated ones are counted', async () => {
  const client = await database.db.connect()
  try {
    await client.query('begin')
    await client.query(
      `insert into audit.outbox
         (dedupe_key, kind, run_id, run_key, recipients, subject, body_text, body_html, message_id, state)
       select id, 'failure', 'r', 'k', '{a@shop.example}', 's', 't', 'h', '<' || id || '>', state
       from (values ('once', 'sent'), ('twice', 'sent'), ('lost', 'sent'), ('late', 'pending'))
         as mail (id, state)`,
    )
    expect(
      await accountForMails(client, ['<once>', '<twice>', '<twice>', '<late>', '<odd>']),
    ).toEqual({
      written: 4,
      repeated: 1,
      problems: [
        'mail <late> is pending',
        'mail <lost> (failure) never arrived',
        'a mail that is not in the outbox arrived: <odd>',
      ],
    })
  } finally {
    await client.query('rollback')
    client.release()
  }
})

test('books differ by a row of any layer, and by a finding that was not mailed', async () => {
  const before = await readBooks(database.db)
  expect(differencesOf(before, before)).toEqual([])
  const mailed = { ...before, mailedFindings: ['order 1 to a@shop.example'] }
  expect(differencesOf(mailed, before)).toEqual(['never mailed: order 1 to a@shop.example'])
  expect(differencesOf(before, mailed)).toEqual([])
  await database.db.query(
    `insert into audit.source_files
       (source, load_date, path, sha256, bytes, format, state, records_received, run_id)
     values ('orders', '2025-12-11', 'orders.json', 'x', 1, 'json', 'loaded', 1, 'r1')`,
  )
  expect(differencesOf(before, await readBooks(database.db))).toEqual([
    expect.stringMatching(/^audit\.source_files: 0 rows, .* undisturbed, 1 rows, .* now$/),
  ])
})

test('two runs of a day at once, and two publications by one run, are named', async () => {
  const client = await database.db.connect()
  try {
    await client.query('begin')
    await client.query(
      `insert into audit.pipeline_runs
         (run_id, run_key, dag_id, logical_date, trigger, state, graph, started_at, ended_at)
       select id, 'shop/2025-12-11', 'shop', '2025-12-11', 'cli', state, '{}', now() + begins, now() + ends
       from (values ('a', 'success', interval '0 s', interval '9 s'),
         ('b', 'failed', '8 s', '20 s'), ('c', 'success', '20 s', '30 s'),
         ('d', 'cancelled', '0 s', '60 s')) as run (id, state, begins, ends)`,
    )
    await client.query(
      `insert into audit.publications (shop_id, version, run_id, logical_date, changes)
       select 'main', version, run_id, '2025-12-11', '{}'
       from (values (1, 'a'), (2, 'b'), (3, 'b')) as publication (version, run_id)`,
    )
    expect(await findDoubles(client)).toEqual([
      'day published twice by one run: b 2025-12-11',
      'two runs of a day at once: a and b',
    ])
  } finally {
    await client.query('rollback')
    client.release()
  }
})
