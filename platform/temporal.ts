import { setTimeout as sleep } from 'node:timers/promises'
import type { ConnectionOptions } from '@temporalio/client'
import {
  Client,
  Connection,
  defaultGrpcRetryOptions,
  makeGrpcRetryInterceptor,
} from '@temporalio/client'
import type { Config } from './config.ts'
import { CannotStart } from './embedded/cannot-start.ts'
import { searchAttributes } from './embedded/temporal-server.ts'

export type TemporalSettings = Pick<Config['temporal'], 'namespace' | 'apiKey' | 'tls'>

const longestConnectMs = 10_000
const keyword = 2
const visibleWithinMs = 20_000

export function connectionOptions(settings: TemporalSettings, address: string) {
  const { apiKey, tls } = settings
  return {
    address,
    // Temporal Cloud takes API keys over TLS only.
    tls: tls || apiKey !== undefined,
    ...(apiKey === undefined ? {} : { apiKey }),
  }
}

const retryOptions = defaultGrpcRetryOptions()
const retry = makeGrpcRetryInterceptor(retryOptions)
const doNotRetry = makeGrpcRetryInterceptor({ ...retryOptions, retryableDecider: () => false })

/** Waits for the end of a run; and asks whether the server answers. Both are asked again by who asks. */
const askedAgainByCaller = /\/(GetWorkflowExecutionHistory|DescribeNamespace)$/

/** What the client library tries again can be cancelled no more, and ends the process when the connection is closed. */
const retryUnlessWaiting: typeof retry = (options, nextCall) => {
  const isAskedAgain = askedAgainByCaller.test(options.method_definition.path)
  return (isAskedAgain ? doNotRetry : retry)(options, nextCall)
}

/** The pauses between tries to connect double up to this; two minutes if nothing is said. */
const longestReconnectPauseMs = 2_000

/** A client; close it with `client.connection.close()`. @throws CannotStart */
export async function connectClient(
  settings: TemporalSettings,
  address: string,
  connectTimeoutMs = longestConnectMs,
): Promise<Client> {
  const options: ConnectionOptions = {
    ...connectionOptions(settings, address),
    connectTimeout: connectTimeoutMs,
    interceptors: [retryUnlessWaiting],
    channelArgs: { 'grpc.max_reconnect_backoff_ms': longestReconnectPauseMs },
  }
  const connection = await Connection.connect(options).catch((error: unknown) => {
    const reason = error instanceof Error ? error.message : String(error)
    throw new CannotStart(
      `No Temporal server answers at ${address}: ${reason}`,
      'check TEMPORAL_ADDRESS, TEMPORAL_TLS and TEMPORAL_API_KEY, or leave them out for the ' +
        'embedded server',
      { cause: error },
    )
  })
  return new Client({ connection, namespace: settings.namespace })
}

/**
 * Makes the search attributes of runs known to the namespace and returns whether it knows them all
 * now. Where the server lets only administrators add them (Temporal Cloud), runs go on without.
 */
export async function registerSearchAttributes(client: Client): Promise<boolean> {
  const missing = await missingSearchAttributes(client).catch(() => undefined)
  if (missing === undefined) return false
  if (missing.length === 0) return true
  const added = Object.fromEntries(missing.map((name) => [name, keyword]))
  const { namespace } = client.options
  const { operatorService } = client.connection
  const couldAdd = await operatorService
    .addSearchAttributes({ namespace, searchAttributes: added })
    .then(
      () => true,
      () => false,
    )
  return couldAdd && waitUntilKnown(client)
}

async function waitUntilKnown(client: Client): Promise<boolean> {
  const giveUpAt = Date.now() + visibleWithinMs
  while (Date.now() < giveUpAt) {
    if ((await missingSearchAttributes(client)).length === 0) return true
    await sleep(200)
  }
  return false
}

async function missingSearchAttributes(client: Client): Promise<string[]> {
  const { namespace } = client.options
  const known = await client.connection.operatorService.listSearchAttributes({ namespace })
  return Object.keys(searchAttributes).filter((name) => !known.customAttributes?.[name])
}

/** Waits until the namespace answers: a fresh server makes it a moment after it listens. */
export async function waitForNamespace(client: Client, timeoutMs = 30_000): Promise<void> {
  const { namespace } = client.options
  const giveUpAt = Date.now() + timeoutMs
  for (;;) {
    try {
      await client.workflowService.describeNamespace({ namespace })
      return
    } catch (error) {
      if (Date.now() > giveUpAt) {
        throw new CannotStart(
          `The Temporal server has no namespace ${namespace}`,
          `create it with \`temporal operator namespace create ${namespace}\`, or set TEMPORAL_NAMESPACE`,
          { cause: error },
        )
      }
      await sleep(500)
    }
  }
}
