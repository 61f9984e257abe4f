import pg from 'pg'

/** Class 08, and a server that shuts down, has crashed or is starting. */
const outageStates = /^(08...|57P0[123])$/

const brokenSocket = new Set([
  ...['ECONNREFUSED', 'ECONNRESET', 'ECONNABORTED', 'EPIPE', 'ETIMEDOUT'],
  ...['EHOSTUNREACH', 'ENETUNREACH', 'EHOSTDOWN', 'ENETDOWN', 'ENOTFOUND', 'EAI_AGAIN'],
])

/** What pg says of a connection that has ended, when it is used once more, and of one that is silent. */
const endedConnection =
  /^(Connection terminated|Client has encountered a connection error|Query read timeout)/

const connectsWithinMs = 30_000
/** What pg says of a server that takes longer. */
const silentServer = 'timeout expired'

const databaseErrors = new WeakSet<Error>()

/**
 * Knows the errors of its socket again: those of a mail server or an API look the same. Gives up connecting
 * after 30 s by itself: the limit of a pool also ends waits for one of its connections, which is no outage.
 */
export class DatabaseClient extends pg.Client {
  constructor(config?: pg.ClientConfig) {
    super({ ...config, connectionTimeoutMillis: connectsWithinMs })
    this.connection.on('error', (error: Error) => databaseErrors.add(error))
  }
}

/** Whether an error says that the database is away, and nothing of the work itself. */
export function isOutage(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  if (error instanceof pg.DatabaseError) return outageStates.test(error.code ?? '')
  if (endedConnection.test(error.message)) return true
  if (!databaseErrors.has(error)) return false
  return error.message === silentServer || ('code' in error && brokenSocket.has(String(error.code)))
}
