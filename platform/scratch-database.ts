import { randomUUID } from 'node:crypto'
import pg from 'pg'
import type { Database, Transaction } from './database.ts'
import { createDatabase } from './database.ts'

/** First key of the advisory lock by which the owner of a scratch database lives; the second is its name's. */
const ownerLock = 0x5c7a7c4
const inUse = '55006'

/**
 * Lends `work` the URL of an empty database on the same server, dropped when the work is done, and drops
 * those whose owners were killed before they could. The user needs the right to create databases. The signal
 * ends the work when the owner's session is gone: others may then drop the database.
 * @throws Error with the reason of the signal, once it is given and the work has failed
 */
export async function withScratchDatabase<T>(
  serverUrl: string,
  work: (url: string, signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const name = `daybook_scratch_${randomUUID().slice(0, 8)}`
  const url = new URL(serverUrl)
  url.pathname = name
  const server = createDatabase(serverUrl, 2)
  // Kept until the end: its lock says that the owner lives.
  const owner = await server.connect()
  const ownerGone = endOf(owner, name)
  try {
    await claim(owner, name)
    await sweepOrphans(server)
    await server.query(`create database ${name}`)
    return await work(url.href, ownerGone)
  } catch (error) {
    ownerGone.throwIfAborted()
    throw error
  } finally {
    try {
      await server.query(`drop database if exists ${name} with (force)`)
    } finally {
      owner.release(true)
      await server.end()
    }
  }
}

function endOf(owner: Transaction, name: string): AbortSignal {
  const gone = new AbortController()
  const tell = () => {
    gone.abort(
      new Error(
        `The session that kept ${name} from being dropped was ended; run the command again`,
      ),
    )
  }
  owner.once('error', tell)
  owner.once('end', tell)
  return gone.signal
}

/** Before the database is there: nobody may find it without an owner. */
async function claim(owner: Transaction, name: string): Promise<void> {
  await owner.query('set idle_session_timeout = 0')
  await owner.query('select pg_advisory_lock($1, hashtext($2))', [ownerLock, name])
}

/** Drops scratch databases to which nobody is connected, and whose owner's session has ended. */
async function sweepOrphans(server: Database): Promise<void> {
  // The lock counts whichever database of the server its owner is connected to.
  const { rows } = await server.query<{ datname: string }>(
    `select datname from pg_database
     where datname ~ '^daybook_scratch_[0-9a-f]{8}$' and pg_has_role(datdba, 'usage')
       and not exists (
         select from pg_locks
         where locktype = 'advisory' and objsubid = 2
           and classid = $1::oid and objid = hashtext(datname)::oid)`,
    [ownerLock],
  )
  for (const { datname } of rows) {
    try {
      await server.query(`drop database if exists ${datname}`)
    } catch (error) {
      if (!(error instanceof pg.DatabaseError && error.code === inUse)) throw error
    }
  }
}
