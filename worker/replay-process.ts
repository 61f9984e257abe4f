// Replays the histories in the files that standard input names, one a line, against today's
// workflows; writes a line of JSON for each.
import { text } from 'node:stream/consumers'
import { DefaultLogger, makeTelemetryFilterString, Runtime } from '@temporalio/worker'
import { defaultWorkflowsPath } from './create-worker.ts'
import { replayHistories } from './replay-histories.ts'

// What differs is said in the results; the SDK's own words about it would stand between them.
Runtime.install({
  logger: new DefaultLogger('ERROR', () => undefined),
  telemetryOptions: { logging: { filter: makeTelemetryFilterString({ core: 'ERROR' }) } },
})

const files = (await text(process.stdin)).split('\n').filter((file) => file !== '')
for await (const replayed of replayHistories(files, defaultWorkflowsPath)) {
  process.stdout.write(`${JSON.stringify(replayed)}\n`)
}
