import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { allContracts } from '../domain/contracts/all-contracts.ts'
import { sourceTables } from '../domain/contracts/tables.ts'
import type { Database, Transaction } from './database.ts'
import { inTransaction } from './database.ts'

const migrationsDir = join(import.meta.dirname, '..', 'sql', 'migrations')
const migrationLock = 4_203_511_001

/**
 * Applies the numbered files of sql/migrations that this database has not seen, in order, all in
 * one transaction under a lock: two workers starting at once apply each file once. Then makes the
 * tables of every contract that has none yet.
 * Returns the names applied.
 */
export async function applyMigrations(database: Database): Promise<string[]> {
  return inTransaction(database, async (transaction) => {
    await transaction.query('select pg_advisory_xact_lock($1)', [migrationLock])
    await transaction.query(
      `create table if not exists public.daybook_migrations (
         name text primary key, applied_at timestamptz not null default now())`,
    )
    const pending = await pendingMigrations(transaction)
    for (const name of pending) await applyMigration(transaction, name)
    for (const contract of allContracts()) await transaction.query(sourceTables(contract))
    return pending
  })
}

async function pendingMigrations(transaction: Transaction): Promise<string[]> {
  const applied = await transaction.query<{ name: string }>(
    'select name from public.daybook_migrations',
  )
  const done = new Set(applied.rows.map((row) => row.name))
  return (await migrationNames()).filter((name) => !done.has(name))
}

async function migrationNames(): Promise<string[]> {
  return (await readdir(migrationsDir)).filter((name) => name.endsWith('.sql')).sort()
}

/** The text of each migration, in the order in which they are applied. */
export async function readMigrations(): Promise<string[]> {
  return Promise.all((await migrationNames()).map(readMigration))
}

function readMigration(name: string): Promise<string> {
  return readFile(join(migrationsDir, name), 'utf8')
}

async function applyMigration(transaction: Transaction, name: string): Promise<void> {
  await transaction.query(await readMigration(name))
  await transaction.query('insert into public.daybook_migrations (name) values ($1)', [name])
}
