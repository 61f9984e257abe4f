/** What becomes of a record that breaks a rule, or of a day that fails a check; the mildest first. */
export const severities = ['info', 'warn', 'error', 'critical'] as const
export type Severity = (typeof severities)[number]

/** A record that breaks such a rule goes to quarantine; other rules let it load. */
export function isRejecting(severity: Severity): boolean {
  return severity === 'error' || severity === 'critical'
}
