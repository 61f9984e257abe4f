import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Graph } from '../../dag/graph.ts'
import { findDag } from '../../schedules/schedules.ts'
import { startRun } from '../../schedules/start-run.ts'
import type { SampleRuns } from './sample-runs.ts'
import { startSampleRuns } from './sample-runs.ts'

let sample: SampleRuns
beforeAll(async () => {
  sample = await startSampleRuns()
})
afterAll(() => sample.stop())

/** Runs a day of which a task fails, and mends what was wrong. */
async function runBroken(dagId: string, date: string, taskId: string): Promise<string> {
  sample.broken.add(`${date} ${taskId}`)
  await expect((await sample.start(dagId, date)).result()).rejects.toThrow()
  sample.broken.delete(`${date} ${taskId}`)
  return `${dagId}/${date}`
}

describe('daybook clear, of a run that has ended', () => {
  test('lists in a dry run what it runs again then, and shows who did it', async () => {
    const date = '2025-12-01'
    const key = await runBroken('sample_repair', date, 'sum')
    const dry = await sample.daybook('clear', key, '--dry-run')
    expect(dry.stderr).toBe('')
    expect(dry.stdout).toContain(`${key}: 2 tasks would run again\n`)
    expect(dry.stdout).toMatch(/^sum +failed +it has not succeeded$/m)
    expect(dry.stdout).toMatch(/^report +upstream_failed +it has not succeeded$/m)
    expect(dry.code).toBe(0)
    expect(await sample.runsOf(key)).toHaveLength(1)

    const done = await sample.daybook('clear', key, '--by', 'ada', '--reason', 'mended')
    expect(done.stdout).toContain(`${key} goes on as a new execution, 2 tasks cleared`)
    expect(done.stdout).toContain(`${key} is done`)
    expect(done.code).toBe(0)
    expect(sample.callsOf(date).slice(3)).toEqual(['sum 1', 'report 1'])
    const shown = await sample.daybook('show', key)
    expect(shown.stdout).toMatch(/^.{19} +clear +sum, report +ada +mended$/m)
  })

  test('with --only-failed shows what keeps its result though its input changes', async () => {
    const key = 'sample_cleanup/2025-12-21'
    await (await sample.start('sample_cleanup', '2025-12-21')).result()
    const { stdout } = await sample.daybook('clear', key, '--only-failed', '--dry-run', '--json')
    const bad = { task_id: 'bad', state: 'failed', why: 'it has not succeeded' }
    const cleanup = { task_id: 'cleanup', state: 'success', why: 'downstream of bad' }
    expect(JSON.parse(stdout)).toEqual({
      runs: [{ run_key: key, is_live: false, tasks: [bad], left_as_they_are: [cleanup] }],
      skipped: [],
    })
    const again = await sample.daybook('clear', key, '--only-failed')
    expect(again.code).toBe(0)
    expect(sample.callsOf('2025-12-21').filter((call) => call === 'cleanup 1')).toHaveLength(1)
    expect(sample.callsOf('2025-12-21').filter((call) => call === 'bad 1')).toHaveLength(2)
  })

  test('takes a patch of the params, and none that does not fit', async () => {
    const key = 'sample_params/2025-12-01'
    await (await sample.start('sample_params', '2025-12-01', { name: 'ada' })).result()
    const clear = (params: string) =>
      sample.daybook('clear', key, '--task', 'greet', '--params', params)
    const refused = await clear('{"times":9}')
    expect(refused.stderr).toMatch(/the params do not fit: times: Too big/)
    expect(refused.code).toBe(2)
    const noJson = await clear('times=2')
    expect(noJson.stderr).toContain('It must be a JSON object')
    expect(noJson.code).toBe(2)
    expect(await sample.runsOf(key)).toHaveLength(1)

    const taken = await clear('{"times":2}')
    expect(taken.code).toBe(0)
    expect(await sample.runsOf(key)).toMatchObject([
      { params: { name: 'ada', times: 1 } },
      {
        params: { name: 'ada', times: 2 },
        outputs: { greet: { text: '2025-12-01 ada2025-12-01 ada' } },
      },
    ])
  })

  test('does so for all runs of some days, and names those with nothing to clear', async () => {
    const keys = [
      await runBroken('sample_repair', '2025-11-01', 'sum'),
      await runBroken('sample_repair', '2025-11-03', 'load'),
    ]
    await (await sample.start('sample_repair', '2025-11-02')).result()
    const { stdout, code } = await sample.daybook(
      ...['clear', '--dag', 'sample_repair', '--from', '2025-11-01', '--to', '2025-11-30'],
      '--json',
    )
    const why = 'sample_repair/2025-11-02: there is nothing to clear'
    expect(JSON.parse(stdout)).toMatchObject({
      runs: keys.map((run_key) => ({ run_key, is_live: false, state: 'success' })),
      skipped: [{ run_key: 'sample_repair/2025-11-02', why }],
    })
    expect(code).toBe(0)
  })

  test('by two people at once is done once', async () => {
    const date = '2025-12-02'
    const key = await runBroken('sample_repair', date, 'sum')
    const both = await Promise.all(
      ['ada', 'bob'].map((by) => sample.daybook('clear', key, '--by', by)),
    )
    expect(both.map(({ code }) => code).toSorted()).toEqual([0, 2])
    const refused = both.find(({ code }) => code === 2)
    expect(refused?.stderr).toContain('there is nothing to clear')
    expect(sample.callsOf(date).slice(3)).toEqual(['sum 1', 'report 1'])
    expect(await sample.runsOf(key)).toHaveLength(2)
  })

  test.each([
    ['a run that never was', ['sample_repair/2025-10-01'], 'there is no run sample_repair/2025-'],
    ['no run at all', [], 'name one run, or the days of several'],
    ['days without runs', ['--from', '2024-01-01', '--to', '2024-02-01'], 'has no run in those'],
    ['new tasks of the old graph', ['sample_repair/2025-12-01', '--only-new'], 'give --latest'],
  ])('is bad usage for %s', async (_, args, words) => {
    const { stderr, code } = await sample.daybook('clear', ...args)
    expect(stderr).toContain(words)
    expect(code).toBe(2)
  })

  test('is refused for a task that the run does not have', async () => {
    const key = await runBroken('sample_repair', '2025-12-03', 'sum')
    const { stderr, code } = await sample.daybook('clear', key, '--task', 'nothing')
    expect(stderr).toContain('has no task nothing; it has load, sum, report, log')
    expect(code).toBe(2)
  })
})

describe('the tasks that the code has now', () => {
  const withoutLast = (graph: Graph): Graph => ({ ...graph, tasks: graph.tasks.slice(0, -1) })

  test('are added alone to a run that lacks them', async () => {
    const date = '2025-12-04'
    await (await sample.start('sample_repair', date)).result()
    await sample.database.db.query(
      `update audit.pipeline_runs set task_states = task_states - 'log',
         graph = jsonb_set(graph, '{tasks}', (graph -> 'tasks') - 3)
       where run_key = $1`,
      [`sample_repair/${date}`],
    )
    const { client, taskQueue } = sample.temporal
    const clear = { by: 'ada', graph: 'new_tasks' } as const
    const again = await startRun(client, { dagId: 'sample_repair', date, taskQueue, clear })
    expect((await again.result()).tasks).toMatchObject({ load: 'success', log: 'success' })
    expect(sample.callsOf(date).slice(4)).toEqual(['log 1'])
  })

  test('are in a dry run, and so are params that the DAG does not take', async () => {
    const graph = findDag('ecommerce_daily')?.graph ?? expect.fail('there is no such DAG')
    const recorded = withoutLast(graph)
    const entries = recorded.tasks.map(({ id }) => [id, { state: 'success', reason: '' }])
    await sample.database.db.query(
      `insert into audit.pipeline_runs
         (run_id, run_key, dag_id, logical_date, trigger, state, ended_at, graph, task_states)
       values ('old', 'ecommerce_daily/2025-12-04', 'ecommerce_daily', '2025-12-04', 'cli',
         'success', now(), $1, $2)`,
      [JSON.stringify(recorded), JSON.stringify(Object.fromEntries(entries))],
    )
    const dry = (...flags: string[]) => sample.daybook('clear', '2025-12-04', '--dry-run', ...flags)
    const added = await dry('--latest', '--only-new')
    expect(added.stdout).toContain(': 1 task would run again')
    expect(added.stdout).toMatch(/^notify +not started +the run did not have it$/m)
    const original = await dry('--task', 'publish')
    expect(original.stdout).not.toContain('notify')
    const all = { RERUN_WITH_LATEST_VERSION: 'true' }
    const forAll = (...flags: string[]) =>
      sample.daybookWith(all, 'clear', '2025-12-04', '--dry-run', '--task', 'publish', ...flags)
    expect((await forAll()).stdout).toMatch(/^notify +not started +the run did not have it$/m)
    expect((await forAll('--no-latest')).stdout).not.toContain('notify')
    const unfit = await dry('--task', 'publish', '--params', '{"times":2}')
    expect(unfit.stderr).toMatch(/the params do not fit: .*times/)
    expect(unfit.code).toBe(2)
  })
})

describe('daybook mark, of a run that has ended', () => {
  test('resumes what failed behind the marked task', async () => {
    const date = '2025-12-05'
    const key = await runBroken('sample_repair', date, 'sum')
    const { stdout, code } = await sample.daybook(
      ...['mark', key, 'sum', '--state', 'success', '--by', 'ada', '--reason', 'by hand'],
    )
    expect(stdout).toMatch(/^report +upstream_failed +downstream of sum$/m)
    expect(code).toBe(0)
    expect(sample.callsOf(date).toSorted()).toEqual(['load 1', 'log 1', 'report 1', 'sum 1'])
    expect(await sample.runsOf(key)).toMatchObject([{ state: 'failed' }, { state: 'success' }])
    const shown = await sample.daybook('show', key)
    expect(shown.stdout).toMatch(/^sum +success .*marked by ada: by hand$/m)
    expect(shown.stdout).toMatch(/^.{19} +mark: success +sum +ada +by hand$/m)
  })

  test('can fail a run, and refuses what it does not know', async () => {
    const key = 'sample_repair/2025-12-06'
    await (await sample.start('sample_repair', '2025-12-06')).result()
    const unknown = await sample.daybook('mark', key, 'nothing', '--state', 'failed')
    expect(unknown.stderr).toContain('has no task nothing; it has load, sum, report, log')
    expect(unknown.code).toBe(2)
    const failed = await sample.daybook('mark', key, 'log', '--state', 'failed')
    expect(failed.stderr).toContain(`${key} failed`)
    expect(failed.code).toBe(1)
    expect(sample.callsOf('2025-12-06')).toHaveLength(4)
  })
})
