/** The innermost cause: Temporal wraps what happened in what it happened to. */
export function failureMessage(error: unknown): string {
  let innermost = error
  while (innermost instanceof Error && innermost.cause instanceof Error) innermost = innermost.cause
  // A name with several addresses that all refuse: an error for each, and no words of its own.
  if (innermost instanceof AggregateError) return innermost.errors.map(failureMessage).join(', ')
  return innermost instanceof Error ? innermost.message : String(innermost)
}
