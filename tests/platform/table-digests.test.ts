import { afterAll, beforeAll, expect, test } from 'vitest'
import { digestTables } from '../../platform/table-digests.ts'
import type { TestDatabase } from '../support/servers.ts'
import { testDatabase } from '../support/servers.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await testDatabase()
})
afterAll(() => database.drop())

const digested = [{ table: 'figures', leftOut: ['seen_at'] }]

/** The digest of rows of (segment, figure, day, seen_at). */
async function digestOf(rows: readonly string[]) {
  await database.db.query(`
    drop schema if exists compared cascade;
    create schema compared;
    create table compared.figures (segment text, figure numeric, day timestamptz, seen_at text);
    ${rows.map((row) => `insert into compared.figures values ${row};`).join('\n')}`)
  return (await digestTables(database.db, 'compared', digested))['figures']
}

const one = `('a', 1.5, '2025-12-13T10:00Z', 'x')`
const other = `('b', null, '2025-12-13T11:00Z', 'x')`

test('a digest does not depend on the order of rows, nor on columns left out', async () => {
  const digest = await digestOf([one, other])
  expect(digest).toEqual({ rows: 2, digest: expect.stringMatching(/^[0-9a-f]{32}$/) })
  expect(await digestOf([other, one])).toEqual(digest)
  expect(await digestOf([one.replace("'x'", "'y'"), other])).toEqual(digest)
})

test('what is equal to PostgreSQL is equal: 1.5 and 1.50, one instant in two zones', async () => {
  const digest = await digestOf([one])
  expect(await digestOf([one.replace('1.5', '1.50')])).toEqual(digest)
  expect(await digestOf([one.replace('10:00Z', '11:00+01')])).toEqual(digest)
})

test('every value counts, also a null, and so does a row that is there twice', async () => {
  const digests = [
    [one],
    [one, one],
    [one, other],
    [one.replace('1.5', '1.6')],
    [one.replace('1.5', 'null')],
    [one.replace("'a'", "''")],
    [one.replace("'a'", 'null')],
    [],
  ]
  const found = new Set<string | undefined>()
  for (const rows of digests) found.add((await digestOf(rows))?.digest)
  expect(found.size).toBe(digests.length)
})

test('every table that is published has a digest', async () => {
  const { rows } = await database.db.query<{ table_name: string }>(
    `select relname as table_name from pg_class
     where relnamespace = 'warehouse'::regnamespace and relkind in ('r', 'p') and not relispartition
     order by 1`,
  )
  const digests = await digestTables(database.db)
  expect(Object.keys(digests).toSorted()).toEqual(rows.map(({ table_name: name }) => name))
})
