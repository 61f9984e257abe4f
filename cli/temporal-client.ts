import { Client, Connection } from '@temporalio/client'
import type { Config } from '../platform/config.ts'
import { CannotStart } from '../platform/embedded/cannot-start.ts'

export async function connectTemporal(config: Config, address: string): Promise<Client> {
  const { apiKey, tls, namespace } = config.temporal
  try {
    const connection = await Connection.connect({
      address,
      connectTimeout: '5 seconds',
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
