import { afterAll, beforeAll, expect, test } from 'vitest'
import { heaviest, medianTimes, readRunTimes } from '../../bench/batch/task-times.ts'
import { testDatabase, type TestDatabase } from '../support/servers.ts'

let database: TestDatabase

beforeAll(async () => {
  database = await testDatabase()
})

afterAll(() => database.drop())

test('the seconds of a run are those of its tasks, which may overlap, and those in which none ran', async () => {
  const add = (taskId: string, started: string, ended: string) =>
    database.db.query(
      `insert into audit.task_runs
         (run_id, task_id, attempt, run_key, state, worker, started_at, ended_at)
       values ('run', $1, 1, 'ecommerce_daily/2025-12-15', 'success', 'worker', $2, $3)`,
      [taskId, `2025-12-16 02:00:${started}Z`, `2025-12-16 02:00:${ended}Z`],
    )
  await add('extract_orders', '01', '03')
  await add('extract_events', '02', '06')
  await add('transform_orders', '03', '04')
  await add('publish', '07', '08.5')
  const statements = [
    { sql: 'select 1', task: 'publish', ms: 500 },
    { sql: 'select 2', task: 'publish', ms: 250 },
    { sql: 'select 3', task: undefined, ms: 9_000 },
  ]
  const times = await readRunTimes(database.db, 10, statements)
  expect(times.outsideOfTasks).toBeCloseTo(3.5, 4)
  expect(times.tasks.get('extract_events')).toEqual({ seconds: 4, sqlSeconds: 0 })
  expect(times.tasks.get('publish')).toEqual({ seconds: 1.5, sqlSeconds: 0.75 })
})

test('medians are taken by task, of the runs that had it', () => {
  const run = (seconds: number, outsideOfTasks: number, ...also: string[]) => ({
    tasks: new Map(['publish', ...also].map((task) => [task, { seconds, sqlSeconds: 1 }])),
    outsideOfTasks,
  })
  const { tasks, outsideOfTasks } = medianTimes([run(9, 1), run(2, 3), run(3, 2, 'notify')])
  expect(outsideOfTasks).toBe(2)
  expect(tasks.get('publish')).toEqual({ seconds: 3, sqlSeconds: 1 })
  expect(tasks.get('notify')).toEqual({ seconds: 3, sqlSeconds: 1 })
})

test('the heaviest statements come first, a line each', () => {
  const statement = (ms: number) => ({ sql: `select\n  ${ms}`, task: 'publish', ms })
  const lines = heaviest(Array.from({ length: 30 }, (_, index) => statement(index))).split('\n')
  expect(lines).toHaveLength(15)
  expect(lines[0]).toMatch(/^ +29 ms {2}publish +select 29$/)
})
