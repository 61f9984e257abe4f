/** Of gRPC: cancelled by the server, deadline exceeded, exhausted, unavailable. */
const outageCodes = new Set([1, 4, 8, 14])
const internal = 13

/**
 * Whether an error says that the Temporal server is away, and nothing of what was asked.
 * Knows it without the client library, which takes a second to load.
 */
export function isTemporalOutage(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  if (!('code' in error && 'details' in error)) return isTemporalOutage(error.cause)
  const code = Number(error.code)
  return (
    outageCodes.has(code) || (code === internal && String(error.details).includes('RST_STREAM'))
  )
}
