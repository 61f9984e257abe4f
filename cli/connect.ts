import type { Config } from '../platform/config.ts'
import { loadConfig } from '../platform/config.ts'
import type { Database } from '../platform/database.ts'
import { createDatabase } from '../platform/database.ts'
import { findDatabaseUrl } from '../platform/embedded/stack.ts'

/** Connects to the database of what runs now, and closes it when `work` is done. */
export async function withDatabase<T>(work: (database: Database, config: Config) => Promise<T>) {
  const config = loadConfig()
  const database = createDatabase(await findDatabaseUrl(config), 4)
  try {
    return await work(database, config)
  } finally {
    await database.end()
  }
}
