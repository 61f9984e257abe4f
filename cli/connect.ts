import type { Config } from '../platform/config.ts'
import { loadConfig } from '../platform/config.ts'
import type { Database } from '../platform/database.ts'
import { createDatabase } from '../platform/database.ts'
import { findStack } from '../platform/embedded/stack.ts'

/** Connects to the database of what runs now, and closes it when `work` is done. */
export async function withDatabase<T>(work: (database: Database, config: Config) => Promise<T>) {
  const config = loadConfig()
  const { databaseUrl } = await findStack(config)
  const database = createDatabase(databaseUrl, 4)
  try {
    return await work(database, config)
  } finally {
    await database.end()
  }
}
