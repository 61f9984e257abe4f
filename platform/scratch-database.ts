import { randomUUID } from 'node:crypto'
import { createDatabase } from './database.ts'

/**
 * Lends `work` the URL of an empty database on the same server, dropped when the work is done.
 * The user needs the right to create databases.
 */
export async function withScratchDatabase<T>(
  serverUrl: string,
  work: (url: string) => Promise<T>,
): Promise<T> {
  const name = `daybook_scratch_${randomUUID().slice(0, 8)}`
  const url = new URL(serverUrl)
  url.pathname = name
  const server = createDatabase(serverUrl, 1)
  try {
    await server.query(`create database ${name}`)
    return await work(url.href)
  } finally {
    await server.query(`drop database if exists ${name} with (force)`)
    await server.end()
  }
}
