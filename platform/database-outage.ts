import pg from 'pg'

/** Class 08, and a server that shuts down, has crashed or is starting. */
const outageStates = /^(08...|57P0[123])$/

const brokenSocket = new Set([
  ...['ECONNREFUSED', 'ECONNRESET', 'ECONNABORTED', 'EPIPE', 'ETIMEDOUT'],
  ...['EHOSTUNREACH', 'ENETUNREACH', 'EHOSTDOWN', 'ENETDOWN', 'ENOTFOUND', 'EAI_AGAIN'],
])

/** What pg says of a connection that has ended, and when it is used once more. */
const endedConnection = /^(Connection terminated|Client has encountered a connection error)/

const databaseErrors = new WeakSet<Error>()

/** Knows the errors of its socket again: those of a mail server or an API look the same. */
export class DatabaseClient extends pg.Client {
  constructor(config?: pg.ClientConfig) {
    super(config)
    this.connection.on('error', (error: Error) => databaseErrors.add(error))
  }
}

/** Whether an error says that the database is away, and nothing of the work itself. */
export function isOutage(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  if (error instanceof pg.DatabaseError) return outageStates.test(error.code ?? '')
  if (endedConnection.test(error.message)) return true
  return databaseErrors.has(error) && 'code' in error && brokenSocket.has(String(error.code))
}
