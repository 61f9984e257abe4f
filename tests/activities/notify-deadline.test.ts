import { expect, test } from 'vitest'
import { createNotifyActivities } from '../../activities/notify.ts'
import { loadConfig } from '../../platform/config.ts'
import { startMailServer } from '../support/mail-server.ts'
import { runActivity } from '../support/run-activity.ts'
import { testDatabase } from '../support/servers.ts'
import { tempFolder } from '../support/temp-folder.ts'

const date = '2025-12-15'
const runKey = `ecommerce_daily/${date}`

test('the warning and the missed deadline of a run are mailed once each, with what is not done', async () => {
  const [database, server] = await Promise.all([testDatabase(), startMailServer()])
  const config = loadConfig({
    ...{ SMTP_URL: server.url, MAIL_TO: 'books@example.org' },
    ...{ MAIL_FROM: 'Daybook <daybook@example.org>', DAYBOOK_HOME: tempFolder('deadline') },
  })
  const { notifyDeadline } = createNotifyActivities({ database: database.db, config })
  const tell = (kind: 'warning' | 'missed') =>
    runActivity(database.db, { runKey, taskId: 'deadline', runId: 'run-1' }, notifyDeadline, {
      ...{ dagId: 'ecommerce_daily', date, runKey, kind },
      ...{ deadline: '2025-12-16T10:00:00.000Z', unfinished: ['publish', 'notify'] },
    })
  expect(await tell('warning')).toMatchObject({ sent: 1 })
  expect(await tell('warning'), 'once more').toMatchObject({ sent: 0 })
  expect(await tell('missed')).toMatchObject({ sent: 1 })
  expect(server.mails.map((mail) => mail.subject)).toEqual([
    `Daybook: run ${runKey} may miss its deadline 2025-12-16 10:00 UTC`,
    `Daybook: run ${runKey} has missed its deadline 2025-12-16 10:00 UTC`,
  ])
  for (const mail of server.mails) expect(mail.text).toContain('publish, notify')
  await server.close()
  await database.drop()
})
