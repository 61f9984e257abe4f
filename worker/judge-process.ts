// Judges the deliveries of the job that standard input describes, in the empty database that it names;
// writes a line of JSON for each.
import { text } from 'node:stream/consumers'
import { createDatabase } from '../platform/database.ts'
import { JudgeJob } from '../platform/judged-delivery.ts'
import { applyMigrations } from '../platform/migrate.ts'
import { judgeDeliveries } from './judge-deliveries.ts'

const job = JudgeJob.parse(JSON.parse(await text(process.stdin)))
const database = createDatabase(job.databaseUrl, 4)
try {
  await applyMigrations(database)
  for await (const judged of judgeDeliveries(database, job)) {
    process.stdout.write(`${JSON.stringify(judged)}\n`)
  }
} finally {
  await database.end()
}
