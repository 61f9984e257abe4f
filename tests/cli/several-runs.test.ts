import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { SampleRuns } from './sample-runs.ts'
import { startSampleRuns } from './sample-runs.ts'

const dag = 'sample_repair'
const days = ['2025-11-01', '2025-11-02', '2025-11-03', '2025-11-04']
let sample: SampleRuns

/** Of four days the third ran well; of the others a task failed, and nothing is mended yet. */
beforeAll(async () => {
  sample = await startSampleRuns()
  for (const date of days) {
    if (date !== '2025-11-03') sample.broken.add(`${date} sum`)
    await (await sample.start(dag, date)).result().catch(() => undefined)
  }
})
afterAll(() => sample.stop())

/** Which tasks would run again, or be marked, on which days. */
async function planned(...args: string[]) {
  const { stdout, stderr, code } = await sample.daybook(...args, '--dry-run', '--json')
  expect({ stderr, code }).toEqual({ stderr: '', code: 0 })
  const { runs, skipped } = JSON.parse(stdout)
  const idsOf = (tasks: { task_id: string }[] = []) => tasks.map(({ task_id }) => task_id).join(' ')
  return [
    ...runs.map((run: Record<string, never>) => [
      String(run['run_key']).slice(-2),
      ...(run['marked'] ? [`marked: ${idsOf(run['marked'])}`] : []),
      idsOf(run['tasks']),
    ]),
    ...skipped.map(({ run_key, why }: Record<string, string>) => [
      String(run_key).slice(-2),
      why?.slice(why.indexOf(': ') + 2),
    ]),
  ]
}

describe('AT-X1, AT-X10 the tasks and the runs that are chosen', () => {
  test.each([
    [['clear', `${dag}/2025-11-02`], [['02', 'sum report']]],
    [
      ['clear', `${dag}/2025-11-02`, '--past'],
      [
        ['01', 'sum report'],
        ['02', 'sum report'],
      ],
    ],
    [
      ['clear', `${dag}/2025-11-02`, '--future'],
      [
        ['02', 'sum report'],
        ['04', 'sum report'],
        ['03', 'there is nothing to clear'],
      ],
    ],
    [
      ['clear', `${dag}/2025-11-03`, '--past', '--future', '--task', 'log', '--upstream'],
      days.map((date) => [date.slice(-2), 'load log']),
    ],
    [
      ['clear', `${dag}/2025-11-03`, '--task', 'sum', '--downstream', '--upstream'],
      [['03', 'load sum report']],
    ],
    [
      ['mark', `${dag}/2025-11-02`, 'sum', '--state', 'success', '--past'],
      [
        ['01', 'marked: sum', 'report'],
        ['02', 'marked: sum', 'report'],
      ],
    ],
    [
      ['mark', `${dag}/2025-11-04`, 'sum', '--state', 'success', '--downstream', '--upstream'],
      [['04', 'marked: sum report', '']],
    ],
    [
      ['mark', '--dag', dag, '--from', days[2] ?? '', '--task', 'report', '--state', 'skipped'],
      [
        ['03', 'marked: report', ''],
        ['04', 'marked: report', ''],
      ],
    ],
  ])('%j', async (args, expected) => {
    expect(await planned(...args)).toEqual(expected)
  })

  test('a mark of several runs says what it would do, and does it in each', async () => {
    const args = ['mark', `${dag}/2025-11-02`, 'sum', '--state', 'success', '--past']
    const dry = await sample.daybook(...args, '--dry-run')
    expect(dry.stdout).toContain(
      `${dag}/2025-11-01: 1 task would be marked, 1 task would run again`,
    )
    expect(dry.stdout).toMatch(/^sum +failed +chosen$/m)
    expect(dry.stdout).toMatch(/^report +upstream_failed +downstream of sum$/m)
    const done = await sample.daybook(...args, '--by', 'ada')
    expect(done.stdout).toContain(
      `${dag}/2025-11-01 goes on as a new execution, sum marked success`,
    )
    expect(done.code).toBe(0)
    for (const date of ['2025-11-01', '2025-11-02']) {
      expect(sample.callsOf(date).at(-1)).toBe('report 1')
      expect(await sample.runsOf(`${dag}/${date}`)).toMatchObject([
        { state: 'failed' },
        { state: 'success' },
      ])
    }
    expect(await sample.runsOf(`${dag}/2025-11-04`)).toHaveLength(1)
  })

  test('are of runs that have ended and of runs that go on, in one command', async () => {
    const [ended, live] = ['2025-11-01', '2025-11-02']
    const first = await sample.start('sample_gate', ended)
    await sample.isHeld(ended)
    sample.gates.get(ended)?.()
    await first.result()
    const second = await sample.start('sample_gate', live)
    await sample.isHeld(live)
    const gates = ['--dag', 'sample_gate', '--from', ended, '--task', 'gate']
    expect(await planned('clear', ...gates)).toEqual([
      ['01', 'gate after_gate'],
      ['02', 'gate'],
    ])
    const done = await sample.daybook('mark', ...gates, '--state', 'skipped', '--json')
    expect(JSON.parse(done.stdout)).toMatchObject({
      runs: [
        { run_key: `sample_gate/${ended}`, is_live: false, state: 'success' },
        { run_key: `sample_gate/${live}`, is_live: true },
      ],
      skipped: [],
    })
    expect((await second.result()).tasks).toEqual({ gate: 'skipped', after_gate: 'skipped' })
  })

  test.each([
    [['mark', `${dag}/2025-11-03`, '--state', 'failed'], 'name the tasks to mark'],
    [['mark', '--task', 'sum', '--state', 'failed'], 'name one run, or the days of several'],
    [['clear', `${dag}/2025-11-03`, '--past', '--from', '2025-11-01'], 'cannot be used with'],
    [['clear', `${dag}/2025-11-03`, '--only-running'], 'none of its tasks is running'],
  ])('%j is bad usage', async (args, words) => {
    const { stderr, code } = await sample.daybook(...args)
    expect(stderr).toContain(words)
    expect(code).toBe(2)
  })
})
