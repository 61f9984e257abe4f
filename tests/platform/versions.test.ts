import { afterAll, beforeAll, expect, test } from 'vitest'
import { inTransaction } from '../../platform/database.ts'
import { testDatabase, type TestDatabase } from '../support/servers.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await testDatabase()
})
afterAll(() => database.drop())

const members = {
  dim_user: { key: 'user_key', id: 'shop_id, user_id', of: (id: string) => `'main', '${id}'` },
  dim_product: {
    ...{ key: 'product_key', id: 'shop_id, vendor_id, product_id' },
    of: (id: string) => `'main', 'V1', '${id}'`,
  },
} as const
const tables = ['dim_user', 'dim_product'] as const

let nextKey = 1
/** Writes the versions of a member of its own in one transaction. */
async function write(
  table: keyof typeof members,
  versions: readonly (readonly [string, string])[],
) {
  const { key, id, of } = members[table]
  const member = of(`M${nextKey}`)
  await inTransaction(database.db, async (transaction) => {
    for (const [from, to] of versions) {
      await transaction.query(
        `insert into warehouse.${table} (${key}, ${id}, valid_from, valid_to, is_inferred)
         values (${nextKey++}, ${member}, $1, $2, false)`,
        [from, to],
      )
    }
  })
}

test.each(tables)('%s takes versions that follow each other, in whatever order', async (table) => {
  await write(table, [
    ['2025-12-02', 'infinity'],
    ['-infinity', '2025-12-01'],
    ['2025-12-01', '2025-12-02'],
  ])
})

test.each(tables)('%s refuses a gap, and a history without a current version', async (table) => {
  const gap = [
    ['-infinity', '2025-12-01'],
    ['2025-12-02', 'infinity'],
  ] as const
  await expect(write(table, gap)).rejects.toThrow(`${table}_next_begins`)
  await expect(write(table, [['-infinity', '2025-12-01']])).rejects.toThrow(`${table}_next_begins`)
})

test.each(tables)('%s refuses versions that overlap, and two current ones', async (table) => {
  const overlap = [
    ['-infinity', '2025-12-02'],
    ['2025-12-01', '2025-12-03'],
    ['2025-12-02', '2025-12-03'],
    ['2025-12-03', 'infinity'],
  ] as const
  await expect(write(table, overlap)).rejects.toThrow(`${table}_one_ends`)
  const twoCurrent = [
    ['-infinity', 'infinity'],
    ['2025-12-01', 'infinity'],
  ] as const
  await expect(write(table, twoCurrent)).rejects.toThrow(`${table}_one_ends`)
})
