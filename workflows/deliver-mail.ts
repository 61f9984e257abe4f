import { proxyActivities } from '@temporalio/workflow'
import type { createMailActivities } from '../activities/deliver-mail.ts'
import type { MailCounts } from '../activities/outbox.ts'

const { deliverMail } = proxyActivities<ReturnType<typeof createMailActivities>>({
  startToCloseTimeout: '10 minutes',
  // The next drain is minutes away and finds the same rows.
  retry: { maximumAttempts: 3 },
})

/** Drains the outbox of mails that could not be sent when they were written. */
export async function deliver_mail(): Promise<MailCounts> {
  return deliverMail()
}
