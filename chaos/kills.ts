import { isRunning, pause, sawInDatabase, strikeDown, writingTasks } from './aim.ts'
import type { Scenario, Strike } from './round.ts'

/** Milliseconds between two kills. */
const [shortestPause, longestPause] = [500, 4_500]

/** Immediate shutdown, and a postmaster that is gone without one. */
const postgresKills = ['SIGQUIT', 'SIGKILL'] as const

/** Which process is hit how, as often as it stands here. */
function pickKill({ random, servers }: Strike) {
  const { postgres, temporal, workers } = servers
  const kind = random.pick(['worker', 'worker', 'temporal', 'postgres'])
  if (kind === 'temporal') return { victim: temporal, how: 'SIGKILL' } as const
  if (kind === 'postgres') return { victim: postgres, how: random.pick(postgresKills) }
  return { victim: random.pick(workers), how: 'SIGKILL' } as const
}

export const storm: Scenario = {
  name: 'storm',
  faults: 'kills of worker, PostgreSQL and Temporal server, in random order at random moments',
  async strike(on) {
    for (let kill = 0; kill < on.kills; kill += 1) {
      await pause(on.random.between(shortestPause, longestPause), on.signal)
      const { victim, how } = pickKill(on)
      if (!(await strikeDown(victim, how, on))) return
    }
  },
}

export const workerKilled: Scenario = {
  name: 'worker_killed',
  faults: 'kill -9 of the worker while a task that writes runs, one task after the other',
  async strike(on) {
    const first = on.random.below(writingTasks.length)
    for (let kill = 0; kill < on.kills; kill += 1) {
      const taskId = writingTasks[(first + kill) % writingTasks.length] ?? 'publish'
      if (!(await sawInDatabase(on, isRunning(taskId)))) return
      await pause(on.random.below(40), on.signal)
      const [worker] = on.servers.workers
      if (worker === undefined || !(await strikeDown(worker, 'SIGKILL', on))) return
    }
  },
}

const isCopying = `exists (select from pg_stat_activity
  where state = 'active' and query like 'copy raw.%' and pid <> pg_backend_pid())`

export const killedInCopy: Scenario = {
  name: 'postgres_killed_in_copy',
  faults: 'PostgreSQL killed, or shut down at once, during the COPY of an extract',
  async strike(on) {
    for (let kill = 0; kill < on.kills; kill += 1) {
      if (!(await sawInDatabase(on, isCopying))) return
      if (!(await strikeDown(on.servers.postgres, on.random.pick(postgresKills), on))) return
    }
  },
}

export const killedAfterCommit: Scenario = {
  name: 'killed_between_commit_and_reply',
  faults: 'PostgreSQL or the worker killed when a publication has just become visible',
  async strike(on) {
    const { postgres, workers } = on.servers
    for (let kill = 0; kill < on.kills; kill += 1) {
      const published = await publications(on)
      if (!(await sawInDatabase(on, `(select count(*) from audit.publications) > ${published}`))) {
        return
      }
      const [victim, how] =
        kill % 2 === 0
          ? [postgres, on.random.pick(postgresKills)]
          : [workers[0], 'SIGKILL' as const]
      if (victim === undefined || !(await strikeDown(victim, how, on))) return
    }
  },
}

/** How many days have been published, as soon as the server can say so. */
async function publications({ servers, signal }: Strike): Promise<number> {
  for (;;) {
    const rows = await servers.database
      .query<{ count: number }>('select count(*) from audit.publications')
      .then(
        (result) => result.rows,
        () => [],
      )
    const [row] = rows
    if (row !== undefined || signal.aborted) return row?.count ?? 0
    await pause(50, signal)
  }
}

export const temporalKilled: Scenario = {
  name: 'temporal_killed',
  faults: 'kill -9 of the Temporal server in the middle of runs, at times of PostgreSQL with it',
  async strike(on) {
    for (let kill = 0; kill < on.kills; kill += 1) {
      await pause(on.random.between(shortestPause, longestPause), on.signal)
      if (on.random.below(3) === 0 && !(await strikeDown(on.servers.postgres, 'SIGKILL', on)))
        return
      if (!(await strikeDown(on.servers.temporal, 'SIGKILL', on))) return
    }
  },
}
