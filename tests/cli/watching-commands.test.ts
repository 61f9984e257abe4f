import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { applySchedules } from '../../schedules/apply-schedules.ts'
import { graphOf } from '../dag/graph-of.ts'
import { runCli } from '../support/run-cli.ts'
import type { TestDatabase, TestTemporal } from '../support/servers.ts'
import { testDatabase, testTemporal } from '../support/servers.ts'

let database: TestDatabase
let temporal: TestTemporal

const graph = graphOf(
  {
    ...{ choose: [], left: ['choose'], right: ['choose'], join: ['left'], after: ['join'] },
    ...{ aside: ['right'] },
  },
  { choose: { kind: 'branch', choices: ['left', 'right'] }, left: { retries: 1 } },
)
const dag = 'ecommerce_daily'
const failedStates = {
  choose: { state: 'success', reason: 'it chose left', chosen: ['left'] },
  left: { state: 'failed', reason: 'ChecksFailed: 99 orders' },
  right: { state: 'skipped', reason: 'choose chose left', because: ['choose'] },
  join: { state: 'upstream_failed', reason: 'all_success: left failed', because: ['left'] },
  // Recorded before causes were.
  after: { state: 'upstream_failed', reason: 'all_success: join upstream_failed' },
  aside: { state: 'skipped', reason: 'all_success: right skipped' },
}

async function addRun(runId: string, date: string, state: string, states: object): Promise<void> {
  await database.db.query(
    `insert into audit.pipeline_runs (run_id, run_key, dag_id, logical_date, trigger, state,
       started_at, ended_at, graph, task_states)
     values ($1, $2, $3, $4, 'manual', $5, $8,
       case when $5 <> 'running' then $8::timestamptz + interval '10 seconds' end, $6, $7)`,
    [
      ...[runId, `${dag}/${date}`, dag, date, state, JSON.stringify(graph)],
      ...[JSON.stringify(states), date],
    ],
  )
}

/** From and to in seconds after the start of the day. */
async function addAttempt(
  [runId, date]: [string, string],
  [taskId, attempt, state]: [string, number, string],
  [from, to]: [number, number | null],
): Promise<void> {
  await database.db.query(
    `insert into audit.task_runs (run_id, task_id, attempt, run_key, state, worker, started_at,
       ended_at)
     values ($1, $2, $3, $4, $5, 'w', $6::timestamptz + $7 * interval '1 second',
       $6::timestamptz + $8 * interval '1 second')`,
    [runId, taskId, attempt, `${dag}/${date}`, state, date, from, to],
  )
}

beforeAll(async () => {
  ;[database, temporal] = await Promise.all([testDatabase(), testTemporal()])
  for (const [runId, date] of [
    ['past_1', '2025-12-01'],
    ['past_2', '2025-12-02'],
  ] as const) {
    await addRun(runId, date, 'success', {})
    await addAttempt([runId, date], ['choose', 1, 'success'], [0, 1])
    await addAttempt([runId, date], ['left', 1, 'failed'], [1, 2])
    await addAttempt([runId, date], ['left', 2, 'success'], [4, 9])
    await addAttempt([runId, date], ['right', 1, 'success'], [1, 2])
    await addAttempt([runId, date], ['join', 1, 'success'], [9, 10])
  }
  await addRun('bad', '2025-12-03', 'failed', failedStates)
  await addAttempt(['bad', '2025-12-03'], ['left', 1, 'failed'], [0, 1])
  await addRun('now', '2025-12-04', 'running', {})
  await addAttempt(['now', '2025-12-04'], ['choose', 1, 'success'], [0, 1])
  // Between two tries.
  await addAttempt(['now', '2025-12-04'], ['left', 1, 'failed'], [1, 2])
  await addAttempt(['now', '2025-12-04'], ['right', 1, 'success'], [1, 2])
  await database.db.query(
    `update audit.pipeline_runs set started_at = now() where run_id = 'now';
     update audit.task_runs set started_at = now(), ended_at = now() where run_id = 'now'`,
  )
  await applySchedules(temporal.client, { temporal: { taskQueue: temporal.taskQueue } })
  const handle = temporal.client.schedule.getHandle('online_retail_daily')
  await handle.pause().catch(() => undefined)
})

afterAll(async () => {
  await temporal.close()
  await database.drop()
})

const daybook = (...args: string[]) =>
  runCli(args, {
    DATABASE_URL: database.url,
    TEMPORAL_ADDRESS: temporal.address,
    TEMPORAL_NAMESPACE: temporal.namespace,
    TEMPORAL_TASK_QUEUE: temporal.taskQueue,
  })

describe('daybook dags', () => {
  test('lists schedule, next run, limits and the latest run', async () => {
    const { stdout, code } = await daybook('dags')
    expect(code).toBe(0)
    expect(stdout).toMatch(
      /ecommerce_daily +0 2 \* \* \* UTC +\d{4}-\d\d-\d\d 02:00:00 +\d+ +\d+ +2025-12-04 +running/,
    )
  })

  test('knows what Temporal has paused, and when the next run is due', async () => {
    const schedule = temporal.client.schedule.getHandle(dag)
    await schedule.pause()
    const { stdout } = await daybook('dags', '--json')
    await schedule.unpause()
    const rows = JSON.parse(stdout) as { dag_id: string; next_due: string }[]
    const row = rows.find(({ dag_id }) => dag_id === dag)
    expect(row).toMatchObject({
      ...{ is_paused: true, time_zone: 'UTC' },
      latest_run: { logical_date: '2025-12-04', state: 'running' },
    })
    const dueMs = Date.parse(row?.next_due ?? '')
    expect(dueMs).toBeGreaterThan(Date.now())
    expect(dueMs).toBeLessThanOrEqual(Date.now() + 86_400_000)
  })
})

describe('daybook graph', () => {
  test('draws the code without any server', async () => {
    const { stdout, code } = await runCli(['graph', dag])
    expect(code).toBe(0)
    expect(stdout).toMatch(/dq_checks .*\[none_failed\]/)
    expect(stdout).toMatch(/extract_products +← products_due \(if chosen\)/)
    const mermaid = await runCli(['graph', dag, '--format', 'mermaid'])
    expect(mermaid.stdout).toMatch(/^flowchart LR\n/)
  })

  test('draws a run as it recorded itself, with states', async () => {
    const text = await daybook('graph', dag, '--run', '2025-12-03')
    expect(text.stdout).toContain('ecommerce_daily/2025-12-03  failed: 6 tasks')
    expect(text.stdout).toMatch(/X left +← choose \(chosen\)/)
    expect(text.stdout).toMatch(/! join +← left/)
    const mermaid = await daybook('graph', dag, '--run', 'bad', '--format', 'mermaid')
    expect(mermaid.stdout).toContain('class t_join,t_after upstream_failed')
  })

  test('of a run that goes on has the states that its attempts tell', async () => {
    const { stdout } = await daybook('graph', dag, '--run', '2025-12-04', '--json')
    expect(JSON.parse(stdout)).toMatchObject({
      states: { choose: { state: 'success' }, left: { state: 'up_for_retry' } },
    })
  })

  test.each([
    [['no_such_dag'], 'there is no DAG no_such_dag; there are ecommerce_daily'],
    [[dag, '--run', '1999-01-01'], 'there is no run ecommerce_daily/1999-01-01'],
    [['online_retail_daily', '--run', 'bad'], 'is a run of ecommerce_daily'],
  ])('%j is bad usage', async (args, words) => {
    const { stderr, code } = await daybook('graph', ...args)
    expect(stderr).toContain(words)
    expect(code).toBe(2)
  })
})

describe('daybook gantt', () => {
  test('shows tries and the critical path with shares, in 80 columns', async () => {
    const { stdout, code } = await daybook('gantt', '2025-12-01')
    expect(code).toBe(0)
    expect(stdout).toMatch(/^\* left .*▒+·+█+ +2 tries 8\.0 s$/m)
    expect(stdout).toMatch(/^ {2}right .*█+ .*1\.0 s$/m)
    expect(stdout).toMatch(/^left +0\.0 s +8\.0 s +80 %$/m)
    for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(80)
  })

  test('of an ended run as JSON has no expected finish', async () => {
    const { stdout } = await daybook('gantt', '2025-12-01', '--json')
    const gantt = JSON.parse(stdout) as { critical_path: { task_id: string }[] }
    expect(gantt).toMatchObject({ seconds: 10, expected_finish: null })
    expect(gantt.critical_path.map(({ task_id }) => task_id)).toEqual(['choose', 'left', 'join'])
  })

  test('expects the finish of a run that goes on from the runs that succeeded', async () => {
    const { stdout } = await daybook('gantt', '2025-12-04', '--json')
    const { started_at, expected_finish } = JSON.parse(stdout) as {
      started_at: string
      expected_finish: { at: string; path: string[]; based_on_runs: number }
    }
    expect(expected_finish).toMatchObject({ path: ['left', 'join'], based_on_runs: 2 })
    const inMs = Date.parse(expected_finish.at) - Date.parse(started_at)
    expect(inMs).toBeGreaterThanOrEqual(9_000)
    const text = await daybook('gantt', '2025-12-04')
    expect(text.stdout).toMatch(/Expected to finish at .* through .*join .*2 successful runs/)
  })
})

describe('daybook why, of a run that has ended', () => {
  test('follows the recorded causes back to the first', async () => {
    const { stdout, code } = await daybook('why', '2025-12-03', 'join')
    expect(code).toBe(0)
    expect(stdout.split('\n')).toEqual([
      'join is upstream_failed in ecommerce_daily/2025-12-03 (all_success: left failed)',
      '  because left is failed (ChecksFailed: 99 orders)',
      '',
    ])
  })

  test('finds the causes where none were recorded', async () => {
    const { stdout } = await daybook('why', '2025-12-03', 'after', '--json')
    const { causes } = JSON.parse(stdout) as { causes: { task_id: string }[] }
    expect(causes.map(({ task_id }) => task_id)).toEqual(['after', 'join', 'left'])
    const aside = await daybook('why', '2025-12-03', 'aside')
    expect(aside.stdout).toMatch(/aside is skipped.*\n.*right is skipped.*\n.*choose is success/)
  })

  test('a task that the run does not have is bad usage', async () => {
    const { stderr, code } = await daybook('why', 'ecommerce_daily/2025-12-03', 'nothing')
    expect(stderr).toContain('has no task nothing; it has choose, left')
    expect(code).toBe(2)
  })
})
