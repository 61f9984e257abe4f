import { Client, Connection } from '@temporalio/client'
import type { Config } from '../platform/config.ts'
import { CannotStart } from '../platform/embedded/cannot-start.ts'
import { searchAttributes } from '../platform/embedded/temporal-server.ts'

export async function connectTemporal(config: Config, address: string): Promise<Client> {
  const { apiKey, tls, namespace } = config.temporal
  try {
    const connection = await Connection.connect({
      address,
      connectTimeout: '10 seconds',
      tls: tls || apiKey !== undefined,
      ...(apiKey === undefined ? {} : { apiKey }),
    })
    return new Client({ connection, namespace })
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new CannotStart(
      `No Temporal server answers at ${address}: ${reason}`,
      'check TEMPORAL_ADDRESS, TEMPORAL_TLS and TEMPORAL_API_KEY, or leave them out for the embedded server',
      { cause: error },
    )
  }
}

const keyword = 2

/** Makes the search attributes of runs known to the namespace; does nothing when they are. */
export async function registerSearchAttributes(client: Client): Promise<void> {
  const { namespace } = client.options
  const { operatorService } = client.connection
  const { customAttributes } = await operatorService.listSearchAttributes({ namespace })
  const missing = Object.keys(searchAttributes).filter((name) => !customAttributes?.[name])
  if (missing.length === 0) return
  await operatorService.addSearchAttributes({
    namespace,
    searchAttributes: Object.fromEntries(missing.map((name) => [name, keyword])),
  })
}
