import { join } from 'node:path'
import type { Daybook } from './start-daybook.ts'

/** Where to look next: every address and folder that was started or used. */
export function describeAddresses({ config, stack }: Daybook): string {
  const database = new URL(stack.databaseUrl)
  const secret = join(config.homeDir, 'postgres.json')
  const password = config.databaseUrl === undefined ? ` (password in ${secret})` : ''
  const isKept = config.smtpUrl === undefined
  const rows = [
    ['Temporal Web UI', stack.temporalUiUrl ?? '-'],
    ['Temporal', stack.temporalAddress],
    ['PostgreSQL', `${database.host}${database.pathname}, user ${database.username}${password}`],
    ['Landing zone', config.landingDir],
    ['Mails', isKept ? `${join(config.homeDir, 'mail')} (no SMTP_URL)` : 'sent to SMTP_URL'],
    ['Logs', join(config.homeDir, 'logs')],
  ]
  return rows.map(([name = '', where = '']) => `  ${name.padEnd(16)} ${where}`).join('\n')
}
