/**
 * Types of failures that are stored in histories and shown to people: a public interface, so add,
 * never rename. None of them is retried: trying again cannot help.
 */
export const failureTypes = {
  badInput: 'BadInput',
  missingSource: 'MissingSource',
  emptyFile: 'EmptyFile',
  unreadableFile: 'UnreadableFile',
  schemaDrift: 'SchemaDrift',
  conservationBroken: 'ConservationBroken',
  checksFailed: 'ChecksFailed',
  staleAttempt: 'StaleAttempt',
  dagRunFailed: 'DagRunFailed',
  poolTooSmall: 'PoolTooSmall',
  buildMissing: 'BuildMissing',
} as const
