import type { Client } from '@temporalio/client'
import type { Config } from '../platform/config.ts'
import { CannotStart } from '../platform/embedded/cannot-start.ts'
import { connectClient } from '../platform/temporal.ts'

/** @throws CannotStart naming the address and the settings to check */
export async function connectTemporal({ temporal }: Config, address: string): Promise<Client> {
  try {
    return await connectClient(temporal, address)
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new CannotStart(
      `No Temporal server answers at ${address}: ${reason}`,
      'check TEMPORAL_ADDRESS, TEMPORAL_TLS and TEMPORAL_API_KEY; without them the embedded server is used',
      { cause: error },
    )
  }
}
