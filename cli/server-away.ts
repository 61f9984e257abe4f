import { isOutage } from '../platform/database-outage.ts'
import { isTemporalOutage } from '../platform/temporal-outage.ts'

/** A server that this command needs does not answer; the message says what that means for its work. */
export class ServerAway extends Error {
  override name = 'ServerAway'
}

export type Server = 'PostgreSQL' | 'Temporal'

/** Which server an error says is away, if it says nothing else. */
export function serverAway(error: unknown): Server | undefined {
  if (isOutage(error)) return 'PostgreSQL'
  return isTemporalOutage(error) ? 'Temporal' : undefined
}
