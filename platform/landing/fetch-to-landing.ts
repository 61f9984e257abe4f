import { randomUUID } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { mkdir, rename, rm } from 'node:fs/promises'
import type { IncomingMessage } from 'node:http'
import { dirname } from 'node:path'
import { pipeline } from 'node:stream/promises'
import type { Contract } from '../../domain/contracts/contract.ts'
import { refuseOtherRecords } from './refuse-other-records.ts'
import { UnreadableFileError } from './unreadable-file.ts'
import { askWeb } from './web-answer.ts'

const timeoutMs = 60_000
const mostAnswerBytes = 1024 ** 3
const longestWaitMs = 3_600_000

/** An API that has no answer now, and says when to ask again. */
export class AskLaterError extends Error {
  override name = 'AskLater'
  readonly afterMs: number

  constructor(message: string, afterMs: number) {
    super(message)
    this.afterMs = afterMs
  }
}

/**
 * Fetches a day's records from an HTTP API into the landing zone; the file appears whole or not at
 * all, so that a rerun reads what the first run read.
 * @throws AskLaterError when the API says when to ask again (after an hour at most)
 * @throws RefusedAddressError, UnreadableFileError (an answer that is too long); trying again cannot help
 * @throws Error naming the host and what it answered; retried
 */
export async function fetchToLanding(
  url: string,
  path: string,
  contract: Contract,
  mostBytes = mostAnswerBytes,
): Promise<void> {
  const response = await askWeb(url, AbortSignal.timeout(timeoutMs))
  const { host } = new URL(url)
  refuseAnswer(response, host)
  await mkdir(dirname(path), { recursive: true })
  const partial = `${path}.${randomUUID()}.part`
  try {
    await pipeline(response, atMost(mostBytes, host), createWriteStream(partial, { flags: 'wx' }))
    await refuseOtherRecords(partial, contract).catch((error: unknown) => {
      const why = error instanceof Error ? error.message : String(error)
      throw new Error(`What ${host} answered ${why}`, { cause: error })
    })
    await rename(partial, path)
  } finally {
    await rm(partial, { force: true })
  }
}

function refuseAnswer(response: IncomingMessage, host: string): void {
  const { statusCode = 0, statusMessage = '', headers } = response
  const encoding = headers['content-encoding'] ?? 'identity'
  if (statusCode === 200 && encoding === 'identity') return
  response.destroy()
  if (statusCode === 200)
    throw new Error(`${host} answered in ${encoding}, which was not asked for`)
  const message = `${host} answered ${statusCode} ${statusMessage}`
  const afterMs = waitOf(headers['retry-after'])
  throw afterMs === undefined ? new Error(message) : new AskLaterError(message, afterMs)
}

/** Of the header Retry-After: seconds, or a date. Without a wait in it the task's own delay applies. */
function waitOf(retryAfter: string | undefined): number | undefined {
  if (retryAfter === undefined) return undefined
  const isSeconds = /^\d+$/.test(retryAfter)
  const waitMs = isSeconds ? Number(retryAfter) * 1_000 : Date.parse(retryAfter) - Date.now()
  return waitMs > 0 ? Math.min(waitMs, longestWaitMs) : undefined
}

function atMost(mostBytes: number, host: string) {
  return async function* (chunks: AsyncIterable<Buffer>) {
    let bytes = 0
    for await (const chunk of chunks) {
      bytes += chunk.length
      if (bytes > mostBytes) {
        throw new UnreadableFileError(
          `${host} answered with more than ${mostBytes} bytes. Have the API answer with less, or ` +
            'deliver the file to the landing zone',
        )
      }
      yield chunk
    }
  }
}
