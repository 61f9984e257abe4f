import { randomUUID } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { mkdir, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'

const timeoutMs = 60_000

/**
 * Fetches a day's records from an HTTP API into the landing zone; the file appears whole or not at
 * all, so that a rerun reads what the first run read.
 * @throws Error naming the host and the status; retried
 */
export async function fetchToLanding(url: string, path: string): Promise<void> {
  const response = await fetch(url, { signal: AbortSignal.timeout(timeoutMs) })
  if (!response.ok || !response.body) {
    throw new Error(`${new URL(url).host} answered ${response.status} ${response.statusText}`)
  }
  await mkdir(dirname(path), { recursive: true })
  const partial = `${path}.${randomUUID()}.part`
  try {
    await pipeline(Readable.fromWeb(response.body), createWriteStream(partial))
    await rename(partial, path)
  } finally {
    await rm(partial, { force: true })
  }
}
