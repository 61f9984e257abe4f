import { measureBackfill } from './orchestrator/backfill.ts'
import { startBenchWorker } from './orchestrator/bench-worker.ts'
import { measureMemory } from './orchestrator/memory.ts'
import { measureChain, measureDaily, measureFanOut } from './orchestrator/runs.ts'
import type { Row } from './report.ts'
import { startBenchServers } from './servers.ts'

/** What running tasks by Daybook costs beside a Temporal workflow that makes the same calls. */
export async function benchOrchestrator(): Promise<Row[]> {
  const servers = await startBenchServers()
  try {
    const stopWorker = await startBenchWorker(servers)
    const { client } = servers
    const rows = [
      ...(await measureChain(client)),
      ...(await measureDaily(client)),
      ...(await measureFanOut(client)),
      ...(await measureMemory(client)),
      ...(await measureBackfill(servers)),
    ]
    await stopWorker()
    return rows
  } finally {
    await servers.stop()
  }
}
