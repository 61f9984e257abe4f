import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { isQueuePolled } from '../../platform/embedded/worker-process.ts'
import type { TestDatabase, TestTemporal } from '../support/servers.ts'
import { testDatabase, testTemporal } from '../support/servers.ts'

const main = join(import.meta.dirname, '..', '..', 'worker', 'main.ts')

let temporal: TestTemporal
let database: TestDatabase
const homeDir = mkdtempSync(join(tmpdir(), 'daybook-worker-'))
beforeAll(async () => {
  ;[temporal, database] = await Promise.all([testTemporal(), testDatabase()])
})
afterAll(async () => {
  await temporal.close()
  await database.drop()
})

function startWorker(changes: NodeJS.ProcessEnv = {}) {
  const env = {
    ...process.env,
    ...{ DATABASE_URL: database.url, TEMPORAL_ADDRESS: temporal.address, DAYBOOK_HOME: homeDir },
    ...{ TEMPORAL_NAMESPACE: temporal.namespace, TEMPORAL_TASK_QUEUE: temporal.taskQueue },
    ...changes,
  }
  const worker = spawn(process.execPath, [main], { env })
  return { worker, output: Promise.all([text(worker.stdout), text(worker.stderr)]) }
}

describe('the worker process', () => {
  test.each(['a first start bundles the workflows', 'a second start uses the bundle kept'])(
    '%s, serves every DAG and stops cleanly at SIGTERM',
    async () => {
      const { worker } = startWorker()
      const { client, namespace, taskQueue } = temporal
      await vi.waitUntil(() => isQueuePolled(client.connection, namespace, taskQueue), {
        ...{ timeout: 40_000, interval: 100 },
      })
      const start = { taskQueue, workflowId: `bad input ${worker.pid}`, args: ['no date'] }
      const handle = await client.workflow.start('online_retail_daily', start)
      await expect(handle.result()).rejects.toMatchObject({ cause: { type: 'BadInput' } })
      worker.kill('SIGTERM')
      await once(worker, 'exit')
      expect(worker.exitCode).toBe(0)
    },
  )

  test.each([
    [{ TEMPORAL_ADDRESS: '127.0.0.1:1' }, /No Temporal server answers .*\n.*TEMPORAL_ADDRESS/],
    [{ TEMPORAL_TLS: 'perhaps' }, /TEMPORAL_TLS/],
    [
      { DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none' },
      /No PostgreSQL .*ECONNREFUSED.*\n.*DATABASE_URL/,
    ],
  ])('with %j exits with the reason', async (changes, reason) => {
    const { worker, output } = startWorker(changes)
    const [[, errors]] = await Promise.all([output, once(worker, 'close')])
    expect(worker.exitCode).toBe(1)
    expect(errors).toMatch(reason)
  })
})
