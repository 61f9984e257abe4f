import { randomUUID } from 'node:crypto'
import { Client, Connection } from '@temporalio/client'
import { NativeConnection } from '@temporalio/worker'
import { inject } from 'vitest'
import type { Database } from '../../platform/database.ts'
import { createDatabase } from '../../platform/database.ts'

export interface TestPostgres {
  url: string
  template: string
}

export interface TestTemporalServer {
  address: string
  namespace: string
}

async function ask<T>(what: 'postgres' | 'temporal'): Promise<T> {
  const response = await fetch(`${inject('testServersUrl')}/${what}`)
  if (!response.ok) throw new Error(`No ${what} for tests: ${await response.text()}`)
  return (await response.json()) as T
}

export interface TestDatabase {
  url: string
  db: Database
  /** Closes `db` and drops the database. */
  drop(): Promise<void>
}

/** A database of the caller's own, with all migrations applied. */
export async function testDatabase(): Promise<TestDatabase> {
  const { url: adminUrl, template } = await ask<TestPostgres>('postgres')
  const name = `test_${randomUUID().replaceAll('-', '')}`
  await runOnce(adminUrl, `create database ${name} template ${template} strategy file_copy`)
  const url = new URL(adminUrl)
  url.pathname = name
  const db = createDatabase(url.href)
  const drop = async () => {
    await db.end()
    await runOnce(adminUrl, `drop database if exists ${name} with (force)`)
  }
  return { url: url.href, db, drop }
}

async function runOnce(url: string, sql: string): Promise<void> {
  const admin = createDatabase(url, 1)
  try {
    await admin.query(sql)
  } finally {
    await admin.end()
  }
}

export interface TestTemporal extends TestTemporalServer {
  taskQueue: string
  client: Client
  nativeConnection: NativeConnection
  /** Closes the connections; the server stays for the other files. */
  close(): Promise<void>
}

/** A namespace of the caller's own, with Daybook's search attributes, and connections to it. */
export async function testTemporal(): Promise<TestTemporal> {
  const { address, namespace } = await ask<TestTemporalServer>('temporal')
  const connection = await Connection.connect({ address })
  const nativeConnection = await NativeConnection.connect({ address })
  const client = new Client({ connection, namespace })
  const close = async () => {
    await connection.close()
    await nativeConnection.close()
  }
  return { address, namespace, taskQueue: namespace, client, nativeConnection, close }
}
