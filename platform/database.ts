import pg from 'pg'
import { DatabaseClient } from './database-outage.ts'

export type Database = pg.Pool
export type Transaction = pg.PoolClient

const types = new pg.TypeOverrides()
types.setTypeParser(pg.types.builtins.DATE, (text) => text)
types.setTypeParser(pg.types.builtins.INT8, Number)

/** Of a worker that froze in the middle of a transaction: nobody waits longer for its locks. */
const idleInTransactionLimit = '2min'

/**
 * A pool of connections that speak UTC. Dates and numerics come back as text, bigints as numbers
 * (row counts and ids stay far below 2^53).
 */
export function createDatabase(url: string, maxConnections = 10): Database {
  const database = new pg.Pool({
    connectionString: url,
    max: maxConnections,
    Client: DatabaseClient,
    types,
    // A server that vanished without a word is noticed within seconds.
    keepAlive: true,
    keepAliveInitialDelayMillis: 5_000,
    options:
      '-c timezone=UTC -c datestyle=ISO,YMD -c intervalstyle=postgres ' +
      `-c idle_in_transaction_session_timeout=${idleInTransactionLimit}`,
    application_name: 'daybook',
  })
  // An idle connection that dies (server restart) is replaced at the next query.
  database.on('error', () => undefined)
  // One that dies between two statements of a transaction fails the next one, and not the process.
  database.on('connect', (client) => client.on('error', () => undefined))
  return database
}

/** Runs `work` in one transaction: commits its result, or rolls back and rethrows its error. */
export async function inTransaction<T>(
  database: Database,
  work: (transaction: Transaction) => Promise<T>,
): Promise<T> {
  const client = await database.connect()
  let broken: Error | undefined
  try {
    await client.query('begin')
    const result = await work(client)
    await client.query('commit')
    return result
  } catch (error) {
    broken = await rollBack(client)
    throw error
  } finally {
    client.release(broken)
  }
}

/** Runs `work` on one moment of the database, and undoes all that it did. */
export async function inDiscardedTransaction<T>(
  database: Database,
  work: (transaction: Transaction) => Promise<T>,
): Promise<T> {
  const client = await database.connect()
  try {
    await client.query('begin isolation level repeatable read')
    return await work(client)
  } finally {
    client.release(await rollBack(client))
  }
}

/** Returns why the connection is not to be used again, if it is not. */
async function rollBack(client: Transaction): Promise<Error | undefined> {
  try {
    await client.query('rollback')
    return undefined
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error))
  }
}
