/** Fast shutdown, then immediate shutdown (the next start recovers), then force. */
export const postgresSignals: NodeJS.Signals[] = ['SIGINT', 'SIGQUIT', 'SIGKILL']

export const temporalSignals: NodeJS.Signals[] = ['SIGTERM', 'SIGKILL']
