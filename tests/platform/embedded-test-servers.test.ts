import { expect, test } from 'vitest'
import { testDatabase, testTemporal } from '../support/servers.ts'

test('each test database is a copy of its own with all migrations applied', async () => {
  const first = await testDatabase()
  const second = await testDatabase()
  await first.db.query('create table public.mine (a int)')
  const seen = await second.db.query<{ found: string | null; audit: string | null }>(
    "select to_regclass('public.mine')::text as found, to_regclass('audit.task_runs')::text as audit",
  )
  expect(seen.rows[0]).toEqual({ found: null, audit: 'audit.task_runs' })
  await first.drop()
  await second.drop()
})

test('PostgreSQL 18 speaks UTC and UTF-8', async () => {
  const { db, ...own } = await testDatabase()
  const found = await db.query<{ version: string; zone: string; upper: string; encoding: string }>(
    `select current_setting('server_version') as version, current_setting('timezone') as zone,
       upper('é') as upper, current_setting('server_encoding') as encoding`,
  )
  expect(found.rows[0]).toMatchObject({ zone: 'UTC', upper: 'É', encoding: 'UTF8' })
  expect(found.rows[0]?.version).toMatch(/^18/)
  await own.drop()
})

test('each test namespace is fresh and knows the search attributes of runs', async () => {
  const first = await testTemporal()
  const second = await testTemporal()
  expect(first.namespace).not.toBe(second.namespace)
  const attributes = await first.client.connection.operatorService.listSearchAttributes({
    namespace: first.namespace,
  })
  expect(Object.keys(attributes.customAttributes ?? {})).toEqual(
    expect.arrayContaining(['DaybookDag', 'DaybookDate', 'DaybookState', 'DaybookTrigger']),
  )
  await first.close()
  await second.close()
})
