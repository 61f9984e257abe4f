import { NativeConnection } from '@temporalio/worker'
import type { TemporalSettings } from '../platform/temporal.ts'
import { connectionOptions } from '../platform/temporal.ts'

/** The connection a worker polls with. */
export function connectWorker(
  settings: TemporalSettings,
  address: string,
): Promise<NativeConnection> {
  return NativeConnection.connect(connectionOptions(settings, address))
}
