import type { Config } from '../platform/config.ts'
import type { Database } from '../platform/database.ts'
import { createMailer } from '../platform/mail.ts'
import { sendDueMails, type MailCounts } from './outbox.ts'

export function createMailActivities({ database, config }: { database: Database; config: Config }) {
  const mailer = createMailer(config)
  return {
    /** Sends what is due in the outbox. Several may run at once; a mail is sent by one of them. */
    async deliverMail(): Promise<MailCounts> {
      return sendDueMails(database, mailer)
    },
  }
}
