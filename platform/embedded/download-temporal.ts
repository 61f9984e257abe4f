// Run as a process of its own, so that a download that hangs can be ended. Argument: the folder.
import { TestWorkflowEnvironment } from '@temporalio/testing'

const downloadDir = process.argv[2]
if (downloadDir === undefined) throw new Error('usage: download-temporal.ts FOLDER')
const environment = await TestWorkflowEnvironment.createLocal({
  server: { executable: { type: 'cached-download', downloadDir, ttl: '1 day' } },
})
await environment.teardown()
