import type { Block } from './mail-document.ts'
import type { Severity } from './severity.ts'

export interface FailedCheck {
  readonly checkId: string
  readonly tableName: string
  readonly severity: Severity
  readonly expected: string
  readonly actual: string
  readonly failedRows: number
}

/** The failed checks of a day as a table with a heading; nothing when there are none. */
export function checkBlocks(checks: readonly FailedCheck[]): Block[] {
  if (checks.length === 0) return []
  return [
    { kind: 'heading', text: `Failed checks: ${checks.length}` },
    {
      kind: 'table',
      columns: ['check', 'severity', 'table', 'expected', 'actual', 'bad rows'],
      rows: checks.map((check) => [
        check.checkId,
        check.severity,
        check.tableName,
        check.expected,
        check.actual,
        String(check.failedRows),
      ]),
    },
  ]
}
